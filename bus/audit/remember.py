"""Writes what a segment decided into the tables of the index: rows, entries, events, and how each resource stood."""

import json
import sqlite3
from dataclasses import dataclass, field
from typing import Any

from bus.audit.standing import WatchedState, resource_to_text
from bus.core.decision.contest_events import ActionRefused
from bus.core.decision.entries import Entry
from bus.core.decision.events import ActionAdmitted, AgentStatus, ControlSet, Ended, Event, Reported
from bus.core.gate import Row
from bus.core.log.records import Record
from bus.core.policy.contracts import JsonObject
from bus.core.policy.control import SUSPENDED, suspension_name

_ENCODE = json.JSONEncoder(separators=(",", ":")).encode
VIOLATIONS_BYTES_MAX = 65_536  # twenty violations are far shorter; a record that says more is not the bus's


@dataclass(slots=True)
class Pen:
    """Collects what is to be written and writes it at once: many lines of one table cost little more than one."""

    database: sqlite3.Connection
    _lines: dict[str, list[tuple[object, ...]]] = field(default_factory=dict)

    def write(self, statement: str, values: tuple[object, ...]) -> None:
        """Write this with the rest."""
        self._lines.setdefault(statement, []).append(values)

    def flush(self) -> None:
        """Write all there is, within a transaction."""
        for statement, lines in self._lines.items():
            self.database.executemany(statement, lines)
        self._lines.clear()


def remember_row(pen: Pen, segment: JsonObject, row: Row, journal_offset: int) -> None:
    """A gate's decision on one record of its lane."""
    body = _ENCODE([row.hash, list(row.partitions)])
    spoken = (segment["lane"], row.offset, row.verdict, row.reason, row.source, row.id, row.at)
    pen.write(
        "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*spoken, segment["control"], journal_offset, body),
    )


def remember_entry(pen: Pen, state: WatchedState, entry: Entry, raw: JsonObject, journal_offset: int) -> None:
    """The arbiter's decision on one record, its events, and how the resources stand after it."""
    spoken = (state.p, entry.o, entry.verdict, entry.reason, entry.src, entry.id, entry.source, entry.time_ms)
    body = _ENCODE(raw)
    pen.write("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*spoken, journal_offset, body))
    for event in entry.events:
        _remember_event(pen, state.p, entry, event)
        _remember_change(pen, state, entry, event)
    for subject in state.touched:
        _remember_standing(pen, state, entry.o, subject)


def remember_refusal(pen: Pen, record: Record) -> None:
    """The words behind a gate's refusal: a journal has the reason, the dead letter says what was wrong where."""
    headers: dict[str, str] = {}
    for name, value in record.headers:  # the last of a name is ours
        headers[name] = (value or b"").decode("utf-8", "replace")
    decision, violations = headers.get("bus-decision", ""), headers.get("bus-violations", "[]")
    if not decision or len(violations) > VIOLATIONS_BYTES_MAX:
        return
    said = (headers.get("ce_type", ""), headers.get("ce_subject", ""), headers.get("bus-contract", ""))
    words = (headers.get("__connect.errors.exception.message", ""), violations)
    pen.write("INSERT OR IGNORE INTO refusals VALUES (?, ?, ?, ?, ?, ?)", (decision, *said, *words))


def _remember_event(pen: Pen, p: int, entry: Entry, event: Event) -> None:
    what: Any = event.what  # Any: not every kind of event has these fields
    reason = str(getattr(what, "reason", "") or getattr(what, "by", ""))
    at = (
        p,
        entry.o,
        event.n,
        event.subject,
        what.kind,
        getattr(what, "agent", ""),
        reason,
        _refers_to(event),
        entry.time_ms,
    )
    pen.write("INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", at)


def _refers_to(event: Event) -> str:
    match event.what:
        case Ended():
            return event.what.cause
        case Reported():
            return event.what.action
        case ActionRefused() | ActionAdmitted():
            return event.what.held
        case _:
            return str(getattr(event.what, "contest", "") or getattr(event.what, "case", "") or "")


def _remember_change(pen: Pen, state: WatchedState, entry: Entry, event: Event) -> None:
    """A change of control: every partition tells of it, the first one is enough."""
    what, number = event.what, entry.basis.control if entry.basis else 0
    match what:
        case ControlSet():
            named = (what.control, what.kind_of, what.name, what.rev, json.dumps(what.value))
        case AgentStatus():
            name = suspension_name(what.select)
            value = {"select": what.select} if what.status == "suspended" else None
            named = (number, SUSPENDED, name, state.registry.revs[SUSPENDED, name], json.dumps(value))
        case _:
            return
    by = (entry.source, entry.at, entry.src)
    pen.write("INSERT OR IGNORE INTO changes VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*named, *by))


def _remember_standing(pen: Pen, state: WatchedState, o: int, subject: str) -> None:
    resource = state.resource(subject)
    body = resource_to_text(resource)
    holder, until = (resource.holding.agent, resource.holding.until) if resource.holding else ("", 0)
    pen.write("INSERT OR REPLACE INTO states VALUES (?, ?, ?, ?)", (subject, o, state.p, body))
    pen.write("INSERT OR REPLACE INTO resources VALUES (?, ?, ?, ?, ?)", (subject, state.p, holder, until, body))
