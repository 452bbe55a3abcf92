"""Writes a record of any topic of the bus as one line: when, where, and what it says."""

import json
from collections import Counter
from typing import Any

from bus.audit.plain import printable
from bus.cli.words import clock, in_words, name_of
from bus.core.log.records import Record
from bus.core.log.topics import ARBITER, JOURNAL
from bus.core.policy.contracts import JsonObject

BODY_CHARACTERS_MAX = 160  # of a body, in a line for people; --json has all of it
DECISIONS_MAX = 2  # of a segment, told one by one; a busy stage writes hundreds into one
PLACE_WIDTH = 18
MANY_PARTITIONS = frozenset({ARBITER, JOURNAL})  # each partition is a line of events of its own


def as_line(record: Record) -> str:
    """The record for people."""
    place = record.topic.removeprefix("bus.")
    if record.topic in MANY_PARTITIONS:
        place = f"{place}/{record.partition}"
    return f"{clock(record.timestamp_ms)}  {place:<{PLACE_WIDTH}}  {printable(_said(record))}"


def as_json(record: Record) -> JsonObject:
    """The record for programs: coordinates, append time, headers as texts, and the value, parsed if it is JSON."""
    headers = [[name, (value or b"").decode("utf-8", "replace")] for name, value in record.headers]
    place = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
    key = None if record.key is None else record.key.decode("utf-8", "replace")
    return {**place, "time": record.timestamp_ms, "key": key, "headers": headers, "value": _value(record)}


def _said(record: Record) -> str:
    value, headers = _value(record), {name: (item or b"").decode("utf-8", "replace") for name, item in record.headers}
    match record.topic.split("."):
        case ["bus", "outcomes"] | ["bus", "out", _] if isinstance(value, dict) and "kind" in value:
            return in_words(value)
        case ["bus", "escalations"] if isinstance(value, dict) and "case" in value:
            return _case_file(value)
        case ["bus", "journal"] | ["bus", "gate", _] if isinstance(value, dict) and "kind" in value:
            return _segment(value)
        case ["bus", "control"]:
            return _change((record.key or b"").decode("utf-8", "replace"), headers, is_set=value is not None)
        case ["bus", "refused"]:
            about = {"type": headers.get("ce_type", ""), "agent": headers.get("ce_source", "")}
            about |= {"subject": headers.get("ce_subject", ""), "detail": headers.get(_WHY, "")}
            return in_words({"kind": "refused", "reason": headers.get("bus-reason", ""), **about})
        case ["bus", "arbiter"] if headers.get("ce_type") == "bus.clock.tick.v1" and isinstance(value, dict):
            return f"tick: {clock(value['now'])} after offset {value['after']}"
        case _:
            return _message(headers, value)


def _case_file(value: JsonObject) -> str:
    """What a person looks for in the file of a case; `agentbus cases show` has all of it."""
    due = f", due at {clock(value['due'])}" if value.get("due") else ""
    overdue = ", overdue" if value.get("overdue") else ""
    about = f"{value.get('subject', '')} in queue {value.get('queue') or '(none)'}"
    edition = f"edition {value.get('n', 0)} of its file"
    return f"case {value['case']} on {about} is {value.get('state', '')}{overdue}{due}; {edition}"


_WHY = "__connect.errors.exception.message"


def _change(key: str, headers: dict[str, str], *, is_set: bool) -> str:
    """A record of `bus.control` in the words of its event; genesis and strangers' records by their key."""
    kind, _, name = key.partition("/")
    if "bus-control" not in headers:
        return f"control 0: {key}"
    number = f"control {headers['bus-control']}"
    if kind == "suspended":
        whom = "all agents" if name == "all" else f"{name.partition('/')[0]} {name_of(name)}"
        return f"{number}: {whom} {'suspended' if is_set else 'no longer suspended'}"
    verb = "is set" if is_set else "is no longer set"
    return f"{number}: {kind} {name_of(name)} {verb}, revision {headers.get('bus-rev', '')}"


def _segment(value: JsonObject) -> str:
    opening = f"segment {value['seq']} ({value['kind']})"
    if value["kind"] == "gate":
        said = [_row(value["lane"], row) for row in value["rows"]]
        return f"{opening} at control {value['control']}: {_summed(said) or 'nothing new'}"
    if value["kind"] == "arbiter":
        said = [line for entry in value["entries"] for line in _entry(entry)]
        return f"{opening}: {_summed(said)}"
    return opening


def _row(lane: str, row: list[Any]) -> str:  # Any: JSON
    """A gate's decision: `forwarded sales.512, c-75 of sales-1`."""
    offset, verdict, reason, source, identifier = row[:5]
    why = f" ({reason})" if reason not in ("", verdict) else ""
    return f"{verdict} {lane}.{offset}{why}, {identifier or 'a message'} of {name_of(source)}"


def _entry(entry: JsonObject) -> list[str]:
    """The arbiter's decision on one record, a line for each event; without one, its verdict."""
    if not entry["events"]:
        return [in_words({"kind": entry["verdict"], "agent": entry.get("source", ""), "type": entry.get("type", "")})]
    return [in_words(event) for event in entry["events"]]


def _summed(said: list[str]) -> str:
    """A few decisions as they are, more of them counted by their first word."""
    if len(said) <= DECISIONS_MAX:
        return "; ".join(said)
    counts = Counter(one.partition(" ")[0].rstrip(":") for one in said)
    return f"{len(said):,} decisions: " + ", ".join(f"{word} {count:,}" for word, count in counts.most_common())


def _message(headers: dict[str, str], value: object) -> str:
    who, subject = name_of(headers.get("ce_source", "")), headers.get("ce_subject", "")
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value
    if len(text) > BODY_CHARACTERS_MAX:
        text = f"{text[:BODY_CHARACTERS_MAX]}…"
    about = f" on {subject}" if subject else ""
    return f"{headers['ce_type']} of {who}{about}: {text}" if "ce_type" in headers else text


def _value(record: Record) -> Any:  # Any: JSON
    if record.value is None:
        return None
    try:
        return json.loads(record.value)
    except ValueError:
        return record.value.decode("utf-8", "replace")
