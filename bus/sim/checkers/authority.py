"""I5, I6: only the holder with the current token acts, before its time is over; nobody is late before it is."""

from collections.abc import Iterator
from dataclasses import dataclass

from bus.sim.checkers.reading import Json, Logs, Violation, shown


@dataclass(slots=True)
class _Subject:
    agent: str = ""
    token: int = 0
    until: int = 0
    is_frozen: bool = False
    thawed_at: int = -1  # the input at which a case gave it back
    line: str = ""


def check(logs: Logs) -> Iterator[Violation]:
    """Fold who holds what, and hold every act against it."""
    for p in range(logs.partitions):
        subjects: dict[str, _Subject] = {}
        for entry in logs.entries(p):
            for event in entry["events"]:
                known = subjects.setdefault(event.get("subject", ""), _Subject())
                yield from _look(known, p, entry, event)


def _look(known: _Subject, p: int, entry: Json, event: Json) -> Iterator[Violation]:
    line = shown(p, entry, event)
    match event["kind"]:
        case "granted":
            known.agent, known.token, known.until, known.line = event["agent"], event["token"], event["until"], line
        case "ended":
            yield from _ended(known, entry, event, line)
            known.agent, known.token = "", 0
        case "frozen":
            known.is_frozen = True
        case "unfrozen":
            known.is_frozen, known.until = False, event.get("until") or known.until
            known.thawed_at = entry["o"]
        case "renewed" | "confirmed":
            yield from _accepted(known, entry, event, line)
            if event["until"] < known.until:
                yield Violation("I6", f"the lease of {event['subject']} became shorter", (known.line, line))
            known.until = event["until"]
        case "action_admitted" if "token" in event:
            yield from _accepted(known, entry, event, line)
        case "refused":
            yield from _refused(known, entry, event, line)
        case _:
            pass


def _accepted(known: _Subject, entry: Json, event: Json, line: str) -> Iterator[Violation]:
    subject, records = event["subject"], (known.line, line)
    if (event["agent"], event["token"]) != (known.agent, known.token):
        yield Violation("I5", f"{event['kind']} of {subject} for somebody who does not hold it", records)
    is_own = entry.get("source") == event["agent"] and event.get("o", entry["o"]) == entry["o"]
    if is_own and not known.is_frozen and entry["at"] >= known.until and event["kind"] != "confirmed":
        yield Violation("I6", f"{event['kind']} of {subject} was accepted after its time", records)


def _ended(known: _Subject, entry: Json, event: Json, line: str) -> Iterator[Violation]:
    if event["reason"] == "expired" and entry["verdict"] == "tick" and event.get("cause", "") == "":
        if entry["now"] < known.until and known.thawed_at != entry["o"]:
            yield Violation("I6", f"the lease of {event['subject']} ended before its time", (known.line, line))
    elif event["reason"] == "released" and (event["agent"], event["token"]) != (known.agent, known.token):
        yield Violation("I5", f"{event['subject']} was released by somebody who does not hold it", (known.line, line))


def _refused(known: _Subject, entry: Json, event: Json, line: str) -> Iterator[Violation]:
    if event.get("reason") != "late" or event.get("token") is None:
        return
    is_current = (event["agent"], event["token"]) == (known.agent, known.token)
    if is_current and entry["at"] < known.until:
        yield Violation("I6", f"{event['agent']} is late for {event['subject']} before its time", (known.line, line))
