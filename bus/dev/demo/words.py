"""Puts what was read into words: who says what, what the bus made of it, and why, for people new to all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bus.dev.demo.journals import Segment
from bus.dev.demo.palette import BAD, GOOD, NEWS, WAIT
from bus.dev.demo.told import Counted
from bus.dev.demo.watch import Event, Exchange, Json

CENTS = 100
# What follows from an answer, or from a deadline; in braces the event's fields, and `on` its subject.
_HAPPENED = {
    "contest_opened": "the seats are asked about {on}; their ballots are sealed",
    "joined": "{agent} is one of those who want {on}",
    "settled": "{on} is settled, by {by}",
    "rung": "{on} goes to its next step: {rung}",
    "case_opened": "a case is opened for people; its file is on bus.escalations",
    "case_changed": "the case file of {on} has a new edition",
    "frozen": "{on} is frozen: nothing on it moves until a person has ruled",
    "unfrozen": "{on} thaws",
    "action_admitted": "what {agent} had sent is released to topic {topic}",
    "action_refused": "what {agent} had sent will not be done: {reason}",
    "action_held": "another action of {agent} waits behind it",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A word with its colour, and why."""

    mark: str
    word: str
    colour: str
    why: tuple[str, ...]


_VERDICTS = {
    "contest_opened": Verdict("…", "competes", WAIT, ("claims are collected for a moment, then a rule decides",)),
    "joined": Verdict("…", "competes", WAIT, ("it is one of several claims now",)),
    "action_held": Verdict("…", "held", WAIT, ("it is not done: others decide first",)),
    "voted": Verdict("✓", "received", GOOD, ("and sealed: nobody learns how, before the close",)),
    "case_closed": Verdict("✓", "ruled", GOOD, ("the case is closed; what follows from it, follows at once",)),
}


def said(exchange: Exchange) -> str:
    """What somebody said, read from the message itself."""
    subject, body = exchange.subject, exchange.body
    match exchange.type.removesuffix(".v1"):
        case "logistics.quote.request":
            return f"asks for a transport quote, {body.get('purchase_order', 'no order named')}"
        case "logistics.quote.offer":
            return f"offers a transport for {body['price_cents'] / CENTS:,.2f} {body['currency']}"
        case "leads.lead.stage":
            return f"states that {subject} is {body['stage']}"
        case "leads.email.send":
            return f"emails {subject}: “{body['subject']}”, {_under(exchange.token)}"
        case "customer.record.update":
            return f"changes the record of {subject}"
        case "deals.deal.close":
            return (
                f"closes {subject} for {body['amount_cents'] / CENTS:,.0f} {body['currency']}, {_under(exchange.token)}"
            )
        case "orders.po.issue":
            return f"orders from {subject}: {body['po_number']}, {_under(exchange.token)}"
        case _:
            return _said_to_the_bus(exchange.type, subject, body)


def _said_to_the_bus(message_type: str, subject: str, body: Json) -> str:
    match message_type.removeprefix("bus.").removesuffix(".v1"):
        case "resource.claim":
            return f"claims {subject}"
        case "resource.renew":
            return f"renews its lease on {subject}"
        case "resource.release":
            return f"hands {subject} over to {short(body['to'])}" if "to" in body else f"releases {subject}"
        case "contest.vote":
            return f"votes on {subject}: {body['choice']} ({body['reason']})"
        case "case.rule":
            return f"rules on {subject}: {body['ruling']}, “{body['reason']}”"
        case "control.set":
            return f"sets {body['kind']} {short(body['name'])}"
        case "control.suspend":
            return f"suspends {_selected(body['select'])}: “{body['reason']}”"
        case "control.resume":
            return f"resumes {_selected(body['select'])}: “{body['reason']}”"
        case _:
            return f"sends {message_type} {subject}".rstrip()


def verdict(exchange: Exchange) -> Verdict:
    """What the bus answered."""
    answer = exchange.answer
    assert answer is not None, "only what is answered is told"
    match exchange.kind:
        case "granted":
            return Verdict("✓", "granted", GOOD, (f"under token {answer['token']}, {_for(answer)}",))
        case "renewed":
            return Verdict("✓", "renewed", GOOD, (f"same token, {_for(answer)}",))
        case "confirmed":
            return Verdict("✓", "confirmed", GOOD, ("it holds already",))
        case "action_admitted":
            how = "byte for byte" if exchange.is_same else "with other bytes"
            return Verdict("✓", "admitted", GOOD, (f"arrived on topic {exchange.arrived_on}, {how}",))
        case "fact":
            return Verdict("✓", "recorded", GOOD, (f"{answer['name']} is {answer['value']}, for everyone to see",))
        case "ended":
            return Verdict("✓", "released", GOOD, (f"token {answer['token']} is worth nothing from here on",))
        case "control_set":
            return Verdict("✓", "in force", NEWS, (f"as change {answer['control']} of the control log",))
        case "denied":
            return Verdict("–", "denied", WAIT, (_denial(answer),))
        case "refused":
            return Verdict("✗", "refused", BAD, _refusal(answer))
        case other:
            return _VERDICTS.get(other, Verdict("·", other, NEWS, ("",)))


def told(event: Event) -> str:
    """What happened without anybody's message."""
    body = event.body
    if event.kind == "ended":
        return (
            f"{body['subject']} is taken from {short(body['agent'])} ({body['reason']}); whoever wants it may claim it"
        )
    if event.kind in ("granted", "confirmed"):
        by = f" by {body['by']}" if event.kind == "granted" else ", as before"
        return f"{body['subject']} goes to {short(body['agent'])}{by}, under token {body['token']}"
    if event.kind == "denied":
        return f"{short(body['agent'])} does not get {body['subject']}: {_denial(body)}"
    if event.kind in _HAPPENED:
        return _HAPPENED[event.kind].format(
            **{name: short(str(value)) for name, value in body.items()}, on=body["subject"]
        )
    if event.kind == "agent_status":
        return f"{_selected(body['select'])} is {body['status']}, from one point on in each partition of the arbiter"
    return f"{event.kind} {body.get('subject', '')}".rstrip()


def decided(segment: Segment) -> str:
    """What a segment of a journal decides, in a few words."""
    body = segment.body
    decisions = [*map(_row, body.get("rows", ())), *map(_entry, body.get("entries", ()))]
    if body["kind"] in ("genesis", "takeover"):
        return "begins" if body["kind"] == "genesis" else "has a new owner"
    if not decisions:
        return f"change {body['control']} in force"
    more = len(decisions) - 1
    return f"{decisions[0]} and {more} more" if more else decisions[0]


def counted(count: Counted) -> str:
    """How far a series of messages has come."""
    numbers = f"{count.sent} sent, {count.judged} judged, {count.answered} answered, {count.arrived} arrived"
    return f"{count.what}: {numbers}"


def short(source: str) -> str:
    """The name at the end of an id."""
    return source.rpartition("/")[2]


def _row(row: list[Any]) -> str:
    _, verdict, reason, source, *_ = row
    return f"{short(source)} {verdict if verdict == 'forwarded' else reason}"


def _entry(entry: Json) -> str:
    if entry["verdict"] == "tick":
        return "the clock: " + (", ".join(event["kind"] for event in entry["events"]) or "nothing due")
    if entry["verdict"] in ("repeat", "control"):
        return str(entry["verdict"]) if entry["verdict"] == "repeat" else f"change {entry['basis']['control']} in force"
    kinds = [event["kind"].removeprefix("action_") for event in entry["events"]]
    return f"{short(entry['source'])} {entry['reason'] or ', '.join(kinds) or entry['verdict']}"


def _refusal(answer: Json) -> tuple[str, ...]:
    reason = answer["reason"]
    if answer.get("violations"):
        return (f"{reason}:", *(_violation(one) for one in answer["violations"]))
    if reason == "fenced":
        current = answer.get("current", 0)
        return (f"fenced: the holder's token is {current}" if current else "fenced: nobody holds it",)
    why = {
        "not_allowed": "its role may not send this",
        "suspended": "nothing it says counts any more",
    }
    return (f"{reason}: {why.get(reason, answer.get('detail', ''))}",)


def _violation(violation: Json) -> str:
    if violation["keyword"] == "rule":
        return f"“{violation['message']}”"
    if violation["keyword"] == "required":
        return f"{violation['path']} is missing"
    return f"{violation['path']} {violation['message']}"


def _denial(answer: Json) -> str:
    after = answer.get("retry_after")
    when = f"; may try again in {(after - answer['at']) / 1000:.0f} s" if after else ""
    why = {
        "held": "another agent has it",
        "cooling": "it is kept for somebody",
        "stage": "its stage is not one that may be claimed",
        "lost": f"another claim won, by {answer.get('by')}",
        "frozen": "a person decides on it now",
    }
    return f"{answer['reason']}: {why.get(answer['reason'], '')}{when}"


def _for(answer: Json) -> str:
    return f"for {_until(answer, 'until')}"


def _until(answer: Json, name: str) -> str:
    left_ms = answer[name] - answer["at"]
    return f"{left_ms / 1000:.0f} s" if left_ms >= 1000 else f"{left_ms} ms"


def _under(token: int | None) -> str:
    return f"under token {token}" if token else "without a token"


def _selected(select: Json) -> str:
    return short(str(next(iter(select.values()))))
