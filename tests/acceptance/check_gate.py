"""Checks of the gate: its verdict on every message is the oracle's, and what it passed on is the message untouched."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from tests.acceptance.broken import EXPECTED, WAYS
from tests.acceptance.evidence import Evidence
from tests.acceptance.gate_oracle import Row, forwarded_key
from tests.acceptance.outgoing import VARIANT_HEADER
from tests.acceptance.verdicts import Verdicts
from tests.acceptance.wire import Json, Record, canonical, sha256

# A message broken on purpose may meet one of these first: its sender was suspended, or it was sent twice.
EARLIER = frozenset({"suspended", "duplicate", "id_reuse"})
SHOULD_OCCUR = frozenset(WAYS) | {"duplicate", "id_reuse", "suspended", "stale_base"}


def check_gate(evidence: Evidence, verdicts: Verdicts, *, is_full: bool, is_prompt: bool = True) -> None:
    """All promises about the gate's rows and the records it forwarded.

    `is_prompt`: no message waited for Kafka so long that a time which was wrong on purpose became right meanwhile.
    """
    verdicts.check("the gate's verdict and reason are the ones computed here, for every message", _rows(evidence))
    if is_prompt:
        verdicts.check("messages broken on purpose are refused for what is wrong with them", _variants(evidence))
    if is_full:
        verdicts.check("the traffic met every reason of the list", _coverage(evidence))
    verdicts.check("control numbers rise per lane and end at the last one", _control_per_lane(evidence))
    verdicts.check("control is dense, compare-and-set, and bus.control says what was accepted", _control(evidence))
    verdicts.check("forwarded records keep value and headers and name their predecessor", _forwarded(evidence))


def _rows(evidence: Evidence) -> Iterator[str]:
    for lane, rows in evidence.rows.items():
        written = evidence.written_rows(lane)
        for row in rows:
            held = written.get(row.record.offset)
            if held and held[0] != row.as_written():
                yield f"{row.record.src}{_variant(row)}: written {held[0]}, computed {row.as_written()}"


def _variant(row: Row) -> str:
    name = row.record.last(VARIANT_HEADER)
    return f" ({name})" if name else ""


def _variants(evidence: Evidence) -> Iterator[str]:
    for lane, rows in evidence.rows.items():
        written = evidence.written_rows(lane)
        for row in rows:
            expected = EXPECTED.get(row.record.last(VARIANT_HEADER) or "")
            if expected is None:
                continue
            for held in written.get(row.record.offset, []):
                if held[2] != expected and held[2] not in EARLIER:
                    yield f"{row.record.src}{_variant(row)}: the gate says {held[2]!r}, expected {expected!r}"


def _coverage(evidence: Evidence) -> Iterator[str]:
    met = Counter(row.reason for rows in evidence.rows.values() for row in rows)
    for reason in sorted(SHOULD_OCCUR - met.keys()):
        yield f"no message of this run was {reason}: raise --messages"


def _control_per_lane(evidence: Evidence) -> Iterator[str]:
    for lane, segments in evidence.gate.items():
        numbers = [segment.content["control"] for segment in segments if segment.covers]
        for before, after in pairwise(numbers):
            if after < before:
                yield f"lane {lane}: control fell from {before} to {after}"
        last = numbers[-1] if numbers else 0
        if last != evidence.registry.last and lane != "operators":
            yield f"lane {lane}: its last segment is under control {last}, in force is {evidence.registry.last}"
    for segment in evidence.gate["operators"]:
        yield from _last_of_its_segment(evidence, segment.content)


def _last_of_its_segment(evidence: Evidence, content: Json) -> Iterator[str]:
    rows = evidence.rows["operators"]
    for row in content.get("rows", []):
        computed = rows[row[0]]
        if computed.control != content["control"]:
            yield f"bus.in.operators/0/{row[0]}: judged under {content['control']}, in force was {computed.control}"
        if computed.is_control and row[0] != content["to"]:
            yield f"bus.in.operators/0/{row[0]}: an accepted control message is not the last row of its segment"


def _control(evidence: Evidence) -> Iterator[str]:
    accepted = {row.own_control: row for row in evidence.rows["operators"] if row.is_control}
    seen: dict[int, tuple[bytes | None, bytes | None]] = {}
    for record in evidence.topics["bus.control"][0][1:]:
        number = int(record.last("bus-control") or -1)
        if number in seen:
            if seen[number] != (record.key, record.value):
                yield f"{record.src}: number {number} again with other content"
            continue
        if number != len(seen) + 1:
            yield f"{record.src}: number {number} after {len(seen)}"
        seen[number] = (record.key, record.value)
        row = accepted.get(number)
        if row is None:
            yield f"{record.src}: number {number} was not accepted by the computation here"
        else:
            yield from _control_record(evidence, record, row)
    if len(seen) != len(accepted):
        yield f"bus.control holds {len(seen)} changes, {len(accepted)} were accepted"


def _control_record(evidence: Evidence, record: Record, row: Row) -> Iterator[str]:
    key = (record.key or b"").decode()
    versions = evidence.registry.versions.get(key, [])
    version = next((one for one in versions if one.control == row.own_control), None)
    if version is None:
        yield f"{record.src}: key {key!r} is not what message {row.record.src} changed"
        return
    value = None if version.value is None else canonical(version.value)
    if record.value != value:
        yield f"{record.src}: value hash {sha256(record.value or b'')}, expected {sha256(value or b'')}"
    decision = f"operators.{row.record.offset}"
    for name, expected in (("bus-decision", decision), ("bus-rev", str(version.revision))):
        if record.last(name) != expected:
            yield f"{record.src}: {name} is {record.last(name)!r}, expected {expected!r}"


def _forwarded(evidence: Evidence) -> Iterator[str]:
    for partition, log in enumerate(evidence.topics["bus.arbiter"]):
        previous = _predecessors(evidence, partition)
        arrived: set[str] = set()
        for record in log:
            if record.last("bus-from") is None:
                continue
            src = record.last("bus-src") or ""
            row = evidence.row(src)
            if row is None or partition not in row.partitions:
                yield f"{record.src}: {src} was not to be forwarded to partition {partition}"
                continue
            arrived.add(src)
            fault = _forwarded_fault(record, row, previous[src])
            if fault:
                yield f"{record.src} from {src}: {fault}"
        for src in previous.keys() - arrived:
            yield f"{src} never arrived in bus.arbiter/{partition}"


def _predecessors(evidence: Evidence, partition: int) -> dict[str, str]:
    """For every message forwarded to this partition the id its lane sent there before."""
    held = {}
    for lane, rows in evidence.rows.items():
        before = ""
        for row in rows:
            if partition in row.partitions:
                held[row.record.src] = before
                before = f"{lane}.{row.record.offset}"
    return held


def _forwarded_fault(record: Record, row: Row, previous: str) -> str:
    sent = row.record
    assert row.contract is not None, "what is forwarded has a contract"
    own = {
        "bus-src": sent.src,
        "bus-at": str(row.at_ms),
        "bus-from": sent.topic.removeprefix("bus.in."),
        "bus-prev": previous,
        "bus-control": str(row.own_control or row.control),
        "bus-contract": row.contract.name,
    }
    added = dict(record.headers[len(sent.headers) :])
    values = added.pop("bus-values", None)
    expected: dict[str, bytes | None] = {name: value.encode() for name, value in own.items()}
    if sent.key is not None:
        expected["bus-key"] = sent.key
    if record.value != sent.value:
        return "the value is not the sender's"
    if record.headers[: len(sent.headers)] != sent.headers:
        return "the sender's headers are changed"
    if added != expected:
        return f"headers {added}, expected {expected}"
    if record.key != forwarded_key(row):
        return f"key {record.key!r}, expected {forwarded_key(row)!r}"
    return "" if row.contract.fact is None or (values and "fact" in json.loads(values)) else "bus-values has no fact"
