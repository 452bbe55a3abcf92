"""Checks of the journals: the chains are whole, cover every input once, and everything is canonical JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.acceptance.chain import Segment, continuity_fault
from tests.acceptance.evidence import Evidence
from tests.acceptance.verdicts import Verdicts
from tests.acceptance.wire import canonical, canonical_fault

JSON_TOPICS = (
    "bus.gate.",
    "bus.journal",
    "bus.control",
    "bus.out.",
    "bus.outcomes",
    "bus.published",
    "bus.escalations",
)
JSON_HEADERS = ("bus-values", "bus-violations")


def check_chains(evidence: Evidence, verdicts: Verdicts) -> None:
    """All promises about the journals themselves."""
    verdicts.check("the gates' chains are whole and cover every offset of bus.in", _gate_chains(evidence))
    verdicts.check("the arbiter's chains are whole and cover every offset of bus.arbiter", _journals(evidence))
    verdicts.check("every record of bus.in has exactly one row", _one_row(evidence))
    verdicts.check("every record of bus.arbiter has exactly one entry", _one_entry(evidence))
    verdicts.check("a genesis names its input topic, later owners take over", _owners(evidence))
    verdicts.check("every value and JSON header the bus wrote is canonical JSON without floats", _canonical(evidence))


def _gate_chains(evidence: Evidence) -> Iterator[str]:
    for lane, segments in evidence.gate.items():
        end = len(evidence.topics[f"bus.in.{lane}"][0])
        yield from _whole(f"bus.gate.{lane}", segments, end)
        yield from _keys(f"bus.gate.{lane}", segments, lane)


def _journals(evidence: Evidence) -> Iterator[str]:
    for partition, segments in enumerate(evidence.journal):
        end = len(evidence.topics["bus.arbiter"][partition])
        yield from _whole(f"bus.journal/{partition}", segments, end)
        yield from _keys(f"bus.journal/{partition}", segments, f"{evidence.gen}.{partition}")


def _whole(place: str, segments: list[Segment], end: int) -> Iterator[str]:
    fault = continuity_fault(segments)
    if fault:
        yield f"{place}: {fault}"
        return
    covered = max((segment.content["to"] + 1 for segment in segments if segment.covers), default=0)
    if covered != end:
        yield f"{place} decides up to offset {covered}, the input ends at {end}"


def _keys(place: str, segments: list[Segment], key: str) -> Iterator[str]:
    for segment in segments:
        if segment.record.key != key.encode():
            yield f"{place} seq {segment.content['seq']} has key {segment.record.key!r}, expected {key!r}"


def _one_row(evidence: Evidence) -> Iterator[str]:
    for lane in evidence.lanes:
        written = evidence.written_rows(lane)
        inputs = {record.offset for record in evidence.topics[f"bus.in.{lane}"][0]}
        for offset in sorted(inputs | written.keys()):
            count = len(written.get(offset, []))
            if count != 1 or offset not in inputs:
                yield f"bus.in.{lane} offset {offset} has {count} rows"


def _one_entry(evidence: Evidence) -> Iterator[str]:
    for partition in range(len(evidence.journal)):
        offsets = [entry["o"] for entry in evidence.entries(partition)]
        inputs = [record.offset for record in evidence.topics["bus.arbiter"][partition]]
        if offsets != inputs:
            odd = next((pair for pair in zip(offsets, inputs, strict=False) if pair[0] != pair[1]), None)
            yield f"partition {partition}: {len(offsets)} entries for {len(inputs)} records, first difference {odd}"


def _owners(evidence: Evidence) -> Iterator[str]:
    ids = evidence.topic_ids
    for lane, segments in evidence.gate.items():
        yield from _genesis(segments, ids[f"bus.in.{lane}"], {"lane": lane, "gen": evidence.gen})
    for partition, segments in enumerate(evidence.journal):
        yield from _genesis(segments, ids["bus.arbiter"], {"p": partition, "gen": evidence.gen})


def _genesis(segments: list[Segment], topic_id: str, names: dict[str, object]) -> Iterator[str]:
    for segment in segments[:1]:
        expected = names | {"kind": "genesis", "seq": 0, "prev": "", "v": 1, "topic_id": _plain_id(topic_id)}
        for name, value in expected.items():
            written = segment.content.get(name)
            if (_plain_id(str(written)) if name == "topic_id" else written) != value:
                yield f"{segment.record.src}: {name} is {segment.content.get(name)!r}, expected {value!r}"
    for segment in segments[1:]:
        if segment.content["kind"] == "takeover" and not {"nonce", "mark", "engine"} <= segment.content.keys():
            yield f"{segment.record.src}: a take-over without nonce, mark or engine"
        if segment.content["kind"] not in ("takeover", "gate", "arbiter"):
            yield f"{segment.record.src}: kind {segment.content['kind']!r}"


def _plain_id(topic_id: str) -> str:
    """A topic id in either of the two base64 alphabets Kafka's clients print."""
    return topic_id.replace("+", "-").replace("/", "_").rstrip("=")


def _canonical(evidence: Evidence) -> Iterator[str]:
    for name, log in evidence.topics.items():
        is_json = name.startswith(JSON_TOPICS)
        for partition in log:
            for record in partition:
                is_tick = name == "bus.arbiter" and record.last("bus-from") is None
                fault = canonical_fault(record.value) if (is_json and record.value is not None) or is_tick else ""
                if fault:
                    yield f"{record.src}: {fault}"
                if name in ("bus.arbiter", "bus.refused"):
                    for header in JSON_HEADERS:
                        text = record.last(header)
                        if text is not None and canonical(json.loads(text)) != text.encode():
                            yield f"{record.src}: header {header} is not canonical: {text[:120]}"
