"""Everything that can be explained on a bus, and an oracle that knows nothing of the engine: raw answers, folded."""

import json
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from bus.audit.decisions import GateDecision
from bus.audit.evidence import Evidence, Log
from bus.audit.explain import Explaining
from bus.audit.explanation import Explanation
from bus.audit.index import Index
from bus.audit.lookup import Lookup
from bus.audit.source import ExportSource
from tests.audit.eventful import eventful_bus

Json = dict[str, Any]


def clock(at_ms: int) -> str:
    """A time in a sentence that a test can find again."""
    return f"@{at_ms}"


@cache
def eventful() -> Evidence:
    """What an auditor reads of a bus on which everything happened."""
    return eventful_bus().evidence()


def index_of(evidence: Evidence) -> Index:
    """Its journals, read into memory."""
    index = Index(ExportSource(evidence), None)
    index.open()
    index.catch_up(lambda _: None)
    return index


@cache
def lookup() -> Lookup:
    """Questions to the index of that bus."""
    return Lookup(index_of(eventful()))


@cache
def explanations() -> dict[str, Explanation]:
    """Every decision of it, explained: events, entries without one, rows of gates."""
    asked, explaining = lookup(), Explaining(lookup().index, lookup(), clock)
    database = asked.index.database
    found = []
    for p, o in database.execute("SELECT p, o FROM entries").fetchall():
        first = asked.arbiter(p, o, None)
        assert first is not None
        numbers = range(len(first.entry.events)) if first.entry.events else [None]
        for n in numbers:
            decision = asked.arbiter(p, o, n)
            assert decision is not None
            found.append(explaining.arbiter(decision))
    for lane, offset in database.execute("SELECT lane, offset FROM rows").fetchall():
        row = asked.gate(lane, offset)
        assert row is not None
        found.append(explaining.gate(row))
    return {one.decision: one for one in found}


@cache
def worn() -> list[Explanation]:
    """Some of them once retention has taken the messages, and the topics that name what was wrong."""
    gone = ("bus.in.", "bus.arbiter", "bus.refused", "leads")
    evidence = eventful()
    logs = {
        place: Log(log.end, log.end, ()) if place[0].startswith(gone) else log for place, log in evidence.logs.items()
    }
    asked = Lookup(index_of(replace(evidence, logs=logs)))
    explaining = Explaining(asked.index, asked, clock)
    found = [asked.gate("sales", 12), asked.by_src("bus.in.sales/0/23")]
    explained = [
        explaining.gate(one) if isinstance(one, GateDecision) else explaining.arbiter(one) for one in found if one
    ]
    assert len(explained) == len(found)
    return explained


@cache
def undecided() -> Explanation:
    """A message that its gate has forwarded, and the arbiter has not reached."""
    evidence = eventful()
    logs = {
        place: Log(0, 2, log.records[:2]) if place[0] == "bus.journal" else log for place, log in evidence.logs.items()
    }
    asked = Lookup(index_of(replace(evidence, logs=logs)))
    found = asked.gate("sales", 15)
    assert found is not None
    return Explaining(asked.index, asked, clock).gate(found)


def kinds() -> dict[tuple[str, str, str], Explanation]:
    """One explanation of each sort: stage, kind of event, reason."""
    return {(one.stage, str(one.event["kind"]), one.reason): one for one in explanations().values()}


def answers() -> dict[str, Json]:
    """Every answer that stock clients received, by its decision; an event for several lanes once."""
    logs = eventful().logs
    found = {}
    for place, log in logs.items():
        if place[0].startswith("bus.out."):
            for record in log.records:
                answer = json.loads(record.value or b"{}")
                found[answer["decision"]] = answer
    return found


def public_events(subject: str) -> list[Json]:
    """The events about a subject that everybody can read, in the order of their decisions."""
    found = []
    for place, log in eventful().logs.items():
        if place[0] == "bus.outcomes":
            found += [json.loads(record.value or b"{}") for record in log.records]
    about = {event["decision"]: event for event in found if event.get("subject") == subject}
    return sorted(about.values(), key=lambda event: _numbers(event["decision"]))


@dataclass(slots=True)
class Held:
    """Who holds a subject, as its public events say: nothing but a dictionary's worth of rules."""

    holder: str | None = None
    token: int | None = None
    until: int | None = None
    facts: Json = field(default_factory=dict)

    def take(self, event: Json) -> None:
        """The next event."""
        match event["kind"]:
            case "granted":
                self.holder, self.token, self.until = event["agent"], event["token"], event["until"]
            case "renewed" | "unfrozen":
                self.until = event.get("until")
            case "ended":
                self.holder = self.token = self.until = None
            case "fact":
                self.facts[event["name"]] = event["value"]
            case _:
                pass


def held_before(subject: str, decision: str) -> Held:
    """How a subject stood before a decision, by the public events."""
    held, before = Held(), _numbers(decision)[:3]
    for event in public_events(subject):
        if _numbers(event["decision"])[:3] < before:
            held.take(event)
    return held


def held_after(subject: str, decision: str) -> Held:
    """And after it."""
    held, after = Held(), _numbers(decision)[:3]
    for event in public_events(subject):
        if _numbers(event["decision"])[:3] <= after:
            held.take(event)
    return held


def _numbers(decision: str) -> tuple[int, ...]:
    return tuple(int(part) for part in decision.split("."))
