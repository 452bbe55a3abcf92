"""Writes what a segment decided into the tables of the index: rows, entries, events, and how each resource stood."""

import json
import sqlite3
from typing import Any

from bus.audit.standing import WatchedState, resource_to_text
from bus.core.contracts import JsonObject
from bus.core.control import SUSPENDED, suspension_name
from bus.core.entries import Entry
from bus.core.events import AgentStatus, ControlSet, Ended, Event, Reported
from bus.core.gate import Row
from bus.core.records import Record, canonical

VIOLATIONS_BYTES_MAX = 65_536  # twenty violations are far shorter; a record that says more is not the bus's


def remember_row(database: sqlite3.Connection, segment: JsonObject, row: Row, journal_offset: int) -> None:
    """A gate's decision on one record of its lane."""
    body = canonical([row.hash, list(row.partitions)]).decode()
    spoken = (segment["lane"], row.offset, row.verdict, row.reason, row.source, row.id, row.at)
    database.execute(
        "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*spoken, segment["control"], journal_offset, body),
    )


def remember_entry(
    database: sqlite3.Connection, state: WatchedState, entry: Entry, raw: JsonObject, journal_offset: int
) -> None:
    """The arbiter's decision on one record, its events, and how the resources stand after it."""
    spoken = (state.p, entry.o, entry.verdict, entry.reason, entry.src, entry.id, entry.source, entry.time_ms)
    body = json.dumps(raw, separators=(",", ":"))
    database.execute(
        "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*spoken, journal_offset, body)
    )
    for event in entry.events:
        _remember_event(database, state.p, entry, event)
        _remember_change(database, entry, event)
    for subject in state.touched:
        _remember_standing(database, state, entry.o, subject)


def remember_refusal(database: sqlite3.Connection, record: Record) -> None:
    """The words behind a gate's refusal: a journal has the reason, the dead letter says what was wrong where."""
    headers: dict[str, str] = {}
    for name, value in record.headers:  # the last of a name is ours
        headers[name] = (value or b"").decode("utf-8", "replace")
    decision, violations = headers.get("bus-decision", ""), headers.get("bus-violations", "[]")
    if not decision or len(violations) > VIOLATIONS_BYTES_MAX:
        return
    said = (headers.get("ce_type", ""), headers.get("ce_subject", ""), headers.get("bus-contract", ""))
    words = (headers.get("__connect.errors.exception.message", ""), violations)
    database.execute("INSERT OR IGNORE INTO refusals VALUES (?, ?, ?, ?, ?, ?)", (decision, *said, *words))


def _remember_event(database: sqlite3.Connection, p: int, entry: Entry, event: Event) -> None:
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
    database.execute("INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", at)


def _refers_to(event: Event) -> str:
    match event.what:
        case Ended():
            return event.what.cause
        case Reported():
            return event.what.action
        case _:
            return ""


def _remember_change(database: sqlite3.Connection, entry: Entry, event: Event) -> None:
    """A change of control: every partition tells of it, the first one is enough."""
    what, number = event.what, entry.basis.control if entry.basis else 0
    match what:
        case ControlSet():
            named = (what.control, what.kind_of, what.name, what.rev, json.dumps(what.value))
        case AgentStatus():
            name = suspension_name(what.select)
            known = database.execute(
                "SELECT count(*) FROM changes WHERE kind = ? AND name = ? AND number < ?", (SUSPENDED, name, number)
            ).fetchone()
            value = {"select": what.select} if what.status == "suspended" else None
            named = (number, SUSPENDED, name, int(known[0]) + 1, json.dumps(value))
        case _:
            return
    by = (entry.source, entry.at, entry.src)
    database.execute("INSERT OR IGNORE INTO changes VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*named, *by))


def _remember_standing(database: sqlite3.Connection, state: WatchedState, o: int, subject: str) -> None:
    resource = state.resource(subject)
    body = resource_to_text(resource)
    holder, until = (resource.holding.agent, resource.holding.until) if resource.holding else ("", 0)
    database.execute("INSERT OR REPLACE INTO states VALUES (?, ?, ?, ?)", (subject, o, state.p, body))
    database.execute("INSERT OR REPLACE INTO resources VALUES (?, ?, ?, ?, ?)", (subject, state.p, holder, until, body))
