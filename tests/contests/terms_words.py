"""Reads the terms a script is given, `window=10 ladder=priority,human`, into the value a steward sets."""

from __future__ import annotations

from tests.contests.cast import agent
from tests.contests.oracle.log import Json

# Word in a script -> name in the terms; the value is in seconds.
TIMES = {
    "window": "window_ms",
    "lease": "lease_ms",
    "lock": "lock_delay_ms",
    "handover": "handover_ms",
    "cooldown": "cooldown_ms",
    "ttl": "facts_ttl_ms",
    "wait": "wait_max_ms",
}
LISTS = ("claimants", "ask", "priority", "ladder")
ON_HELD = {"deny": "deny", "preempt": "preempt_if_higher", "contest": "contest"}
PLAIN = {"window_ms": 0, "lease_ms": 60_000, "cooldown_ms": 0, "handover_ms": 60_000, "wait_max_ms": 14_400_000}
WAITING_LONG = {"queue": "desk", "tiers_ms": [900_000, 1_800_000], "reserve_ms": 900_000, "hold_ms": 604_800_000}


def milliseconds(seconds: str) -> int:
    """`1.5` is 1500."""
    return round(float(seconds) * 1000)


def terms_of(resource: str, options: list[str]) -> Json:
    """The terms a script sets; what it does not name is as plain as it can be: nothing cools down, nothing is kept."""
    terms: Json = {"resource": resource, **PLAIN, "escalate": dict(WAITING_LONG)}
    for option in options:
        name, _, text = option.partition("=")
        _set(terms, name, text)
    return terms


def _set(terms: Json, name: str, text: str) -> None:
    if name in TIMES:
        terms[TIMES[name]] = milliseconds(text)
    elif name in LISTS:
        terms[name] = text.split(",")
    elif name == "held":
        terms["on_held"] = ON_HELD[text]
    elif name == "limit":
        terms["freeze_above_cost"] = int(text)
    elif name == "stage":
        terms["when"] = {"stage": text.split("|")}
    elif name == "veto":
        role, reasons, then = text.split(":")
        terms.setdefault("veto", []).append({"role": role, "reasons": reasons.split("|"), "then": then})
    elif name in ("turn", "turns", "outcomes"):
        _set_negotiate(terms.setdefault("negotiate", {}), name, text)
    elif name in ("queue", "tiers", "reserve", "expiry", "hold"):
        _set_escalate(terms["escalate"], name, text)
    else:
        _set_vote(terms.setdefault("vote", {}), name, text)


def _set_negotiate(negotiate: Json, name: str, text: str) -> None:
    if name == "turn":
        negotiate["turn_ms"] = milliseconds(text)
    elif name == "turns":
        negotiate["max_turns"] = int(text)
    else:
        negotiate["outcomes"] = text.split(",")


def _set_escalate(escalate: Json, name: str, text: str) -> None:
    if name == "queue":
        escalate["queue"] = text
    elif name == "tiers":
        escalate["tiers_ms"] = [milliseconds(part) for part in text.split("/")]
    elif name == "expiry":
        escalate["on_expiry"] = text
    else:
        escalate[f"{name}_ms"] = milliseconds(text)


def _set_vote(vote: Json, name: str, text: str) -> None:
    if name == "seats":
        vote["seats"] = [_seat(part) for part in text.split(",")]
    elif name == "method":
        vote["method"] = text
    elif name == "ballot":
        vote["ballot_ms"] = milliseconds(text)
    elif name == "weights":
        vote["weights"] = {seat: int(n) for seat, n in (part.split(":") for part in text.split(","))}
    elif name == "claimants-vote":
        vote["claimants_vote"] = text == "yes"
    elif name in ("threshold", "quorum"):
        vote[f"{name}_bp"] = int(text)
    else:
        raise ValueError(f"no terms are called {name!r}")


def _seat(word: str) -> str:
    """A role, or the id of an agent when it is written `agent:a-1`."""
    return agent(word.removeprefix("agent:")) if word.startswith("agent:") else word
