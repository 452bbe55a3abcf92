"""Plays a script of the arbiter: every line is one message or tick, with what the bus must answer.

    given terms lead lease=120 lock=5 handover=60 stage=qualified|won claimants=sales,support limit=1000
    1   sales   claims lead/L-1 as c1      -> granted c1 #1 until 121
    2   support claims lead/L-1 as c2      -> denied c2 held retry 121
    122 tick                               -> ended sales expired

Times are seconds after the start of the script. ``#1`` is the fencing token of the first grant of the script, ``#2``
that of the second; a bare number is itself. What ``ana`` says goes by the operators' lane, others by their own.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bus.core.arbiter import evolve, step
from bus.core.decision.contest_events import (
    ActionHeld,
    ActionRefused,
    CaseClosed,
    CaseOpened,
    ContestOpened,
    Frozen,
    RungReached,
    Settled,
    Unfrozen,
    Voted,
    WaitEnded,
    Waiting,
)
from bus.core.decision.entries import Entry, entry_from_json
from bus.core.decision.events import (
    ActionAdmitted,
    AgentStatus,
    Confirmed,
    ControlSet,
    Denied,
    Ended,
    Event,
    FactStated,
    Granted,
    Refused,
    Renewed,
    Reported,
)
from bus.core.log.records import Record, canonical
from bus.core.message.arrivals import read_arrival
from bus.core.policy.control import Registry
from bus.core.state.partition import PartitionState
from resolvers import RESOLVERS, RESOLVERS_VERSION
from tests.rules.cast import ANA, CALL, CONTRACTS, GEN, MAIL, NOTE, PING, SCORE, STAGE, START_MS, ArbiterLog, spoken
from tests.rules.cast import agent as agent_id
from tests.rules.cast import registry as registry_at_start

DOMAIN_VERBS = {"mails": MAIL, "calls": CALL, "closes": "deals.close.send.v1", "notes": NOTE, "pings": PING}
BUS_VERBS = {
    "claims": "bus.resource.claim.v1",
    "renews": "bus.resource.renew.v1",
    "releases": "bus.resource.release.v1",
    "revokes": "bus.resource.revoke.v1",
    "withdraws": "bus.resource.withdraw.v1",
    "reports": "bus.action.report.v1",
    "waits": "bus.agent.wait.v1",
    "goes-on": "bus.agent.resume.v1",
    "asks": "bus.contest.ask.v1",
    "votes": "bus.contest.vote.v1",
    "rules": "bus.case.rule.v1",
    "reserves": "bus.case.reserve.v1",
}
FACT_VERBS = {"stages": (STAGE, "stage"), "scores": (SCORE, "score")}
TERM_NAMES = {"lease": "lease_ms", "lock": "lock_delay_ms", "handover": "handover_ms", "ttl": "facts_ttl_ms"}


def milliseconds(seconds: str) -> int:
    """The time a script means."""
    return START_MS + round(float(seconds) * 1000)


def seconds_of(ms: int) -> str:
    """A time as scripts write it; 0 is the time before any tick."""
    return "at-once" if ms == 0 else f"{(ms - START_MS) / 1000:.10g}"


@dataclass(slots=True)
class World:
    """One partition with its log, played line by line."""

    state: PartitionState = field(default_factory=lambda: _partition(registry_at_start()))
    log: ArbiterLog = field(default_factory=ArbiterLog)
    entries: list[Entry] = field(default_factory=list)
    at_start: Registry = field(default_factory=registry_at_start)
    tokens: list[int] = field(default_factory=list)
    decisions: list[str] = field(default_factory=list)
    contests: list[str] = field(default_factory=list)
    cases: list[str] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)

    def given(self, words: str) -> None:
        """Set terms before the script begins."""
        kind, name, value = control_of(words.split())
        self.at_start = self.at_start.apply(self.at_start.next_change(kind, name, value))
        self.state.registry = self.at_start

    def play(self, line: str) -> str:
        """Play one line; what the bus answers, in the script's words."""
        entry = self.judge(self._record(line))
        return self.told(entry)

    def judge(self, record: Record) -> Entry:
        """Let the arbiter judge a record, from its bytes."""
        entry = step(self.state, read_arrival(record))
        self.entries.append(entry)
        for event in entry.events:
            if isinstance(event.what, Granted):
                self.tokens.append(event.what.token)
            self._learn(self.state.decision(entry.o, event.n), event)
        return entry

    def _learn(self, decision: str, event: Event) -> None:
        """What later lines may name."""
        match event.what:
            case ActionAdmitted():
                self.decisions.append(decision)
            case ContestOpened():
                self.contests.append(decision)
            case CaseOpened():
                self.cases.append(decision)
            case Waiting():
                self.waits.append(decision)
            case _:
                pass

    def restored(self) -> PartitionState:
        """The state a new owner folds from the journal's bytes alone."""
        state = _partition(self.at_start)
        for entry in self.entries:
            evolve(state, entry_from_json(json.loads(canonical(entry.to_json()))))
        return state

    def token(self, word: str) -> int:
        """The token a script names: ``#2`` is that of the second grant."""
        return self.tokens[int(word[1:]) - 1] if word.startswith("#") else int(word)

    # ---- from words to bytes --------------------------------------------------------------------------

    def _record(self, line: str) -> Record:
        seconds, who, *words = line.split()
        at_ms = milliseconds(seconds)
        if who == "tick":
            return self.log.tick(at_ms)
        if who == "alien":
            return self.log.append(b"{}", (("ce_type", b"leads.note.add.v1"),), at_ms)
        if words == ["again"]:
            sent = [r for r in self.log.records if ("bus-from", who.encode()) in r.headers]
            return self.log.append(sent[-1].value, sent[-1].headers, at_ms)
        is_lost = words[0] == "lost-then"
        return self._spoken(who, words[1:] if is_lost else words, at_ms, is_lost=is_lost)

    def _spoken(self, who: str, words: list[str], at_ms: int, *, is_lost: bool) -> Record:
        source, lane = (ANA, "operators") if who == "ana" else (agent_id(who), who)
        kind, subject, body, values = self._message(words)
        named = _option(words, "as") or f"m{len(self.log.records)}"
        until, token = _option(words, "expires"), _option(words, "with")
        headers = spoken(
            kind,
            source=source,
            identifier=named,
            at_ms=at_ms,
            subject=subject,
            token=str(self.token(token)) if token and words[0] in DOMAIN_VERBS else "",
            expires_ms=milliseconds(until) if until else None,
        )
        number = self.state.registry.number + (1 if kind.startswith("bus.control.") else 0)
        return self.log.forward(lane, headers, body, at_ms=at_ms, control=number, values=values, is_lost=is_lost)

    def _message(self, words: list[str]) -> tuple[str, str, dict[str, Any], Mapping[str, Any]]:
        verb, subject = words[0], words[1] if len(words) > 1 else ""
        if verb in DOMAIN_VERBS:
            cost = _option(words, "cost")
            values = {"cost": int(cost)} if cost else {}
            return DOMAIN_VERBS[verb], "" if subject in ("", "as") else subject, {}, values
        if verb in FACT_VERBS:
            kind, name = FACT_VERBS[verb]
            return kind, subject, {"value": words[2]}, {"fact": {name: _typed(words[2])}}
        if verb in BUS_VERBS:
            return BUS_VERBS[verb], subject, self._bus_body(verb, words), {}
        if verb in ("suspends", "resumes"):
            return f"bus.control.{verb[:-1]}.v1", "", {"select": _select(words[1:]), "reason": "because"}, {}
        kind, name, value = control_of(words[1:])
        return "bus.control.set.v1", "", {"kind": kind, "name": name, "value": value, "base": None}, {}

    def _bus_body(self, verb: str, words: list[str]) -> dict[str, Any]:
        match verb:
            case "claims":
                wish = _option(words, "for")
                return {"lease_ms": round(float(wish) * 1000)} if wish else {}
            case "renews":
                return {"token": self.token(_option(words, "with"))}
            case "releases":
                to = _option(words, "to")
                return {"token": self.token(_option(words, "with")), **({"to": agent_id(to)} if to else {})}
            case "withdraws":
                return {"claim": words[-1]}
            case "reports":
                named = words[2]
                decision = self.decisions[int(named[1:]) - 1] if named.startswith("!") else named
                return {"decision": decision, "result": words[3]}
            case "waits":
                return {"for": agent_id(words[2]), "until": milliseconds(words[4]), "reason": "because"}
            case "asks":
                return {"question": "which?", "options": words[2].split("|") if len(words) > 2 else ["yes", "no"]}
            case "votes":
                choice = words[2] if len(words) > 2 else "yes"
                return {"contest": _latest(self.contests), "choice": choice, "reason": "fits"}
            case "goes-on":
                return {"wait": _latest(self.waits)}
            case _:
                ruling = words[2] if len(words) > 2 else "reject"
                return {"case": _latest(self.cases), "rev": 1, "ruling": ruling, "reason": "because"}

    # ---- from events to words -------------------------------------------------------------------------

    def told(self, entry: Entry) -> str:
        """An entry in the script's words."""
        if not entry.events:
            reason = f" {entry.reason}" if entry.reason else ""
            return "nothing" if entry.verdict == "tick" else f"{entry.verdict}{reason}"
        several = len({event.subject for event in entry.events}) > 1
        return ", ".join(self._event(event) + (f" {event.subject}" if several else "") for event in entry.events)

    def _event(self, event: Event) -> str:  # noqa: C901 one line per kind of event
        match event.what:
            case Granted(claim=claim, token=token, until=until):
                return f"granted {claim} {self._name(token)} until {seconds_of(until)}"
            case Confirmed(claim=claim, token=token, until=until):
                return f"confirmed {claim} {self._name(token)} until {seconds_of(until)}"
            case Renewed(token=token, until=until):
                return f"renewed {self._name(token)} until {seconds_of(until)}"
            case Ended(agent=who, reason=reason, handover=kept):
                kept_for = f" kept for {_short(kept.agent)} until {seconds_of(kept.until)}" if kept else ""
                return f"ended {_short(who)} {reason}{kept_for}"
            case Denied(claim=claim, reason=reason, retry_after=retry):
                return f"denied {claim} {reason}" + ("" if retry is None else f" retry {seconds_of(retry)}")
            case Refused(reason=reason, token=token, current=current):
                given = "" if token is None else f" {self._name(token)}"
                return f"refused {reason}{given}" + ("" if current is None else f" current {self._name(current)}")
            case ActionAdmitted(topic=topic, token=token, until=until):
                held = "" if token is None or until is None else f" {self._name(token)} until {seconds_of(until)}"
                return f"admitted to {topic}{held}"
            case FactStated(name=name, value=value):
                return f"fact {name} {value}"
            case Reported(result=result):
                return f"reported {result}"
            case AgentStatus(select=select, status=status):
                return f"{_short(next(str(v) for v in select.values())).replace('True', 'all')} {status}"
            case ControlSet(kind_of=kind, name=name, rev=rev):
                return f"set {kind} {_short(name)} rev {rev}"
            case _:
                return self._contested(event)

    def _contested(self, event: Event) -> str:  # noqa: C901, PLR0912 one line per kind of event
        match event.what:
            case ActionHeld(token=token):
                return f"held {self._name(token)}"
            case ActionRefused(token=token, reason=reason):
                return f"refused-held {self._name(token)} {reason}"
            case ContestOpened(over=over, deadline=deadline):
                return f"contest {over} until {seconds_of(deadline)}"
            case RungReached(rung=rung):
                return f"rung {rung}"
            case Voted(seat=seat):
                return f"voted {seat}"
            case Settled(winner=winner, by=by):
                return f"settled {winner} {by}".rstrip()
            case CaseOpened(over=over, why=why, due=due):
                return f"case {over} {why}" + ("" if due is None else f" until {seconds_of(due)}")
            case CaseClosed(ruling=ruling, state=state):
                return f"case {ruling or state}"
            case Waiting(for_=whom, until=until):
                return f"waiting for {_short(whom)} until {seconds_of(until)}"
            case WaitEnded(reason=reason):
                return f"wait {reason}"
            case Unfrozen(until=until):
                return "unfrozen" + ("" if until is None else f" until {seconds_of(until)}")
            case Frozen():
                return "frozen"
            case what:
                return what.kind.replace("_", "-")

    def _name(self, token: int) -> str:
        if token == 0:
            return "nobody"
        return f"#{self.tokens.index(token) + 1}" if token in self.tokens else str(token)


def _partition(registry: Registry) -> PartitionState:
    return PartitionState(GEN, 0, registry, resolvers=RESOLVERS, resolvers_version=RESOLVERS_VERSION)


def _latest(decisions: list[str]) -> str:
    """The last one that a script has heard of, or one that never was."""
    return decisions[-1] if decisions else "1.0.0.0"


def _short(identifier: str) -> str:
    return identifier.rpartition("/")[2]


def _option(words: list[str], name: str) -> str:
    return words[words.index(name) + 1] if name in words else ""


def _typed(word: str) -> str | int | bool:
    if word in ("true", "false"):
        return word == "true"
    return int(word) if word.isdigit() else word


def _select(words: list[str]) -> dict[str, Any]:
    match words:
        case ["all"]:
            return {"all": True}
        case ["role", name]:
            return {"role": name}
        case _:
            return {"agent": agent_id(words[0])}


def control_of(words: list[str]) -> tuple[str, str, dict[str, Any] | None]:
    """``terms lead lease=60`` or ``agent sales roles=sales`` or ``contract <type> guard=…``; ``none`` takes away."""
    kind, name, *options = words
    full = agent_id(name) if kind == "agent" else name
    if options == ["none"]:
        return kind, full, None
    given = dict(option.split("=") for option in options)
    if kind == "agent":
        return kind, full, {"lane": name, "roles": given["roles"].split(","), "owner": ANA}
    if kind == "contract":
        return kind, full, CONTRACTS[name]
    value: dict[str, Any] = {"resource": name, "window_ms": 0, "on_held": "deny"}
    when = {}
    for option, text in given.items():
        match option:
            case "claimants" | "ask":
                value[option] = text.split(",")
            case "limit":
                value["freeze_above_cost"] = int(text)
            case "wait":
                value["wait_max_ms"] = round(float(text) * 1000)
            case _ if option in TERM_NAMES:
                value[TERM_NAMES[option]] = round(float(text) * 1000)
            case _:
                when[option] = [_typed(part) for part in text.split("|")]
    return kind, full, {**value, "when": when}
