"""Compares what stands on the topics the bus writes with what the valid decisions send, record by record."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bus.audit.evidence import Log, Place
from bus.audit.findings import Check
from bus.core.log import topics
from bus.core.log.records import Headers, Output, Record
from bus.core.log.routing import Arrival, arrival, id_order

# Texts for people are no part of the contract: another version of the engine may say it in other words.
_FOR_PEOPLE = frozenset({"detail", "message", "hint"})
_HEADERS_FOR_PEOPLE = frozenset({"bus-violations", "__connect.errors.exception.message"})
Stream = tuple[Place, str]  # a topic-partition, and one source that writes there


@dataclass(slots=True)
class _Sent:
    """What one source was seen to send to one topic-partition, and what it should have sent."""

    raw: dict[str, list[Record]] = field(default_factory=dict)
    found: list[Record] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Matching:
    """Fed with the logs first, then with every expected output in the order of its source; `finish` sums up."""

    check: Check
    logs: Mapping[Place, Log]
    _streams: dict[Stream, _Sent] = field(default_factory=dict)
    _on_the_way: dict[Place, int] = field(default_factory=dict)

    def read(self, place: Place) -> None:
        """Take in what stands in a topic-partition."""
        log = self.logs[place]
        self.check.count("records", len(log.records))
        for record in log.records:
            named = dict(record.headers)
            if place[0] == topics.ARBITER and "bus-from" not in named:
                continue  # a tick, or an alien: the arbiter's journal says which
            source, identifier = _text(named.get("bus-from")), _identifier(place, named)
            if not source or not identifier:
                self.check.find(place, record.offset, "the bus did not write this: it names no decision")
                continue
            sent = self._streams.setdefault((place, source), _Sent())
            sent.raw.setdefault(identifier, []).append(record)

    def expect(self, source: str, output: Output, *, is_due: bool | None) -> None:
        """A valid decision sends this. ``is_due``: its owner says that it was sent; None: that is not known."""
        place = (output.topic, output.partition)
        log = self.logs.get(place)
        if log is None:
            self.check.leave_out(f"{place[0]}/{place[1]}: it is not there")
            return
        sent = self._streams.setdefault((place, source), _Sent())
        copies = sent.raw.pop(output.id, [])
        self.check.count("outputs")
        for record in copies:
            if wrong := difference(output, record):
                text = f"{output.id} went out with another {wrong} than its decision gives"
                self.check.find(place, record.offset, text)
        if copies:
            sent.expected.append(output.id)
            sent.found.extend(copies)
        elif log.first > 0 and not sent.expected:
            self.check.leave_out(f"{place[0]}/{place[1]}: what is older than its first offset, {log.first}")
        elif is_due:
            self.check.find(place, None, f"{output.id} is missing: it was decided and never went out here")
        else:
            self._on_the_way[place] = self._on_the_way.get(place, 0) + 1

    def pass_over(self, source: str, place: Place, identifier: str) -> None:
        """A valid decision sends something of this id there, but what exactly cannot be known any more."""
        sent = self._streams.setdefault((place, source), _Sent())
        copies = sent.raw.pop(identifier, [])
        if copies:
            sent.expected.append(identifier)
            sent.found.extend(copies)

    def finish(self) -> None:
        """Say what stands there without a decision, and what a reader that follows the rule never gets."""
        for (place, source), sent in self._streams.items():
            for identifier, copies in sent.raw.items():
                text = f"{identifier} of {source} stands here, yet no valid decision sends it"
                self.check.find(place, copies[0].offset, text)
            records = sorted(sent.found, key=lambda record: record.offset)
            lost = _never_read(place, records, sent.expected, is_cut=place in self.logs and self.logs[place].first > 0)
            if lost:
                text = f"a reader that follows the predecessors never gets {lost} of {source}"
                self.check.find(place, None, text)
        for place, count in self._on_the_way.items():
            self.check.still_moving(f"{place[0]}/{place[1]}: {count:,} outputs are on their way")


def difference(output: Output, record: Record) -> str:
    """Which part of the record is not what the output says: ``key``, ``value`` or ``headers``; "" if none is."""
    if output.key != (record.key or b""):
        return "key"
    if output.value != record.value and _for_machines(output.value) != _for_machines(record.value):
        return "value"
    same = tuple(output.headers) == record.headers or _without_words(output.headers) == _without_words(record.headers)
    return "" if same else "headers"


def _for_machines(value: bytes | None) -> Any:  # Any: JSON
    """A value without the words for people; bytes that are no JSON object as they are."""
    try:
        parsed = json.loads(value or b"")
    except (ValueError, RecursionError):
        return value
    return _stripped(parsed) if isinstance(parsed, dict) and "decision" in parsed else value


def _stripped(answer: dict[str, Any]) -> dict[str, Any]:  # Any: JSON
    kept = {name: item for name, item in answer.items() if name not in _FOR_PEOPLE}
    if isinstance(kept.get("violations"), list):
        kept["violations"] = [_stripped(v) if isinstance(v, dict) else v for v in kept["violations"]]
    return kept


def _without_words(headers: Headers) -> Headers:
    return tuple(pair for pair in headers if pair[0] not in _HEADERS_FOR_PEOPLE)


def _identifier(place: Place, named: Mapping[str, bytes | None]) -> str:
    if place[0] != topics.ARBITER:
        return _text(named.get("bus-decision"))
    found = topics.lane_and_offset(_text(named.get("bus-src")))
    return f"{found[0]}.{found[1]}" if found else ""


def _never_read(place: Place, records: list[Record], expected: list[str], *, is_cut: bool) -> str:
    """The first expected id that a reader does not accept, by the rule of the predecessor; "" if there is none."""
    last = ""
    accepted = []
    for record in records:
        named = dict(record.headers)
        identifier, prev = _identifier(place, named), _text(named.get("bus-prev"))
        arrived = arrival(last=last, identifier=identifier, prev=prev)
        may_anchor = is_cut and arrived is Arrival.GAP and id_order(prev) > id_order(last)
        if arrived is Arrival.NEXT or may_anchor:
            accepted.append(identifier)
            last = identifier
    if accepted == expected:
        return ""
    got = set(accepted)
    return next((identifier for identifier in expected if identifier not in got), "")


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace")
