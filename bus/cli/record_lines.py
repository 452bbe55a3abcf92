"""Writes a record of any topic of the bus as one line: when, where, and what it says."""

import json
from typing import Any

from bus.cli.words import clock, in_words, name_of
from bus.core.contracts import JsonObject
from bus.core.records import Record
from bus.core.topics import ARBITER, JOURNAL

BODY_CHARACTERS_MAX = 160  # of a body, in a line for people; --json has all of it
PLACE_WIDTH = 18
MANY_PARTITIONS = frozenset({ARBITER, JOURNAL})  # each partition is a line of events of its own


def as_line(record: Record) -> str:
    """The record for people."""
    place = record.topic.removeprefix("bus.")
    if record.topic in MANY_PARTITIONS:
        place = f"{place}/{record.partition}"
    return f"{clock(record.timestamp_ms)}  {place:<{PLACE_WIDTH}}  {_said(record)}"


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
        case ["bus", "journal"] | ["bus", "gate", _] if isinstance(value, dict) and "kind" in value:
            return _segment(value)
        case ["bus", "control"]:
            key = (record.key or b"").decode("utf-8", "replace")
            number = headers.get("bus-control", "0")
            return f"control {number}: {key}" + ("" if value is not None else " is no longer set")
        case ["bus", "refused"]:
            who = f"{headers.get('ce_type', 'a message')} of {name_of(headers.get('ce_source', ''))}"
            return f"refused: {who} ({headers.get('bus-reason', '')}): {headers.get(_WHY, '')}"
        case ["bus", "arbiter"] if headers.get("ce_type") == "bus.clock.tick.v1" and isinstance(value, dict):
            return f"tick: {clock(value['now'])} after offset {value['after']}"
        case _:
            return _message(headers, value)


_WHY = "__connect.errors.exception.message"


def _segment(value: JsonObject) -> str:
    opening = f"segment {value['seq']} ({value['kind']})"
    if value["kind"] == "gate":
        rows = [f"{row[0]} {row[1]}{f' ({row[2]})' if row[2] else ''}" for row in value["rows"]]
        return f"{opening} at control {value['control']}: {', '.join(rows) or 'nothing new'}"
    if value["kind"] == "arbiter":
        entries = [
            f"{entry['o']} {entry['verdict']}{''.join(' ' + event['kind'] for event in entry['events'])}"
            for entry in value["entries"]
        ]
        return f"{opening}: {', '.join(entries)}"
    return opening


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
