"""Checks of refusals and governed topics: original bytes, everything once, in order, with the right headers."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from tests.acceptance.evidence import Evidence
from tests.acceptance.predecessor import Reader
from tests.acceptance.setting import GOVERNED
from tests.acceptance.verdicts import Verdicts
from tests.acceptance.wire import Headers, Json, Record, canonical, id_order, partition_of

REFUSED_PARTITIONS = 3
REFUSAL_HEADERS = ("bus-reason", "bus-src", "bus-decision", "__connect.errors.exception.message")


def check_outputs(evidence: Evidence, verdicts: Verdicts) -> None:
    """All promises about bus.refused and the governed topics."""
    due: dict[str, list[Refusal]] = {}
    verdicts.check("every refused entry has a refusal event", _fill(evidence, due))
    verdicts.check("refusals carry the original bytes and headers, and say why", _raw_refusals(evidence, due))
    verdicts.check("every refusal is on bus.refused once, by the predecessor rule", _read_refusals(evidence, due))
    verdicts.check("governed records are the admitted ones, each once, bytes and headers right", _governed(evidence))
    verdicts.check("governed records stand in the order of their decisions", _order(evidence))


def _fill(evidence: Evidence, due: dict[str, list[Refusal]]) -> Iterator[str]:
    due |= due_refusals(evidence)
    yield from ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """What must stand on bus.refused for one refused message: the record it is of, and who says it."""

    source: str
    id: str
    lane: str
    reason: str
    original: Record


def due_refusals(evidence: Evidence) -> dict[str, list[Refusal]]:
    """What must stand on bus.refused, by source, in order."""
    held: dict[str, list[Refusal]] = {}
    for lane, rows in evidence.rows.items():
        refused = [row for row in rows if row.verdict == "refused"]
        held[lane] = [Refusal(lane, f"{lane}.{row.record.offset}", lane, row.reason, row.record) for row in refused]
    for partition, log in enumerate(evidence.topics["bus.arbiter"]):
        source = f"{evidence.gen}.{partition}"
        held[source] = []
        for entry in evidence.entries(partition):
            if entry["verdict"] == "refused":
                record = log[entry["o"]]
                decision = f"{source}.{entry['o']}.{entry['events'][0]['n']}"
                lane = record.last("bus-from") or ""
                held[source].append(Refusal(source, decision, lane, entry["reason"], record))
    return held


def _raw_refusals(evidence: Evidence, due: dict[str, list[Refusal]]) -> Iterator[str]:
    known = {}
    for refusals in due.values():
        before: dict[int, str] = {}
        for refusal in refusals:
            partition = partition_of(refusal.lane.encode(), REFUSED_PARTITIONS)
            known[refusal.id] = (refusal, before.get(partition, ""))
            before[partition] = refusal.id
    for log in evidence.topics["bus.refused"]:
        for record in log:
            held = known.get(record.last("bus-decision") or "")
            fault = "is of no valid segment" if held is None else _refusal_fault(record, *held)
            if fault:
                yield f"{record.src} ({record.last('bus-decision')}): {fault}"


def _refusal_fault(record: Record, refusal: Refusal, before: str) -> str:
    original = refusal.original
    if record.value != original.value:
        return "the value is not the original"
    if record.headers[: len(original.headers)] != original.headers:
        return "the original headers are changed"
    if record.key != refusal.lane.encode():
        return f"key {record.key!r}, expected {refusal.lane!r}"
    if record.partition != partition_of(refusal.lane.encode(), REFUSED_PARTITIONS):
        return f"partition {record.partition} is not the key's"
    src = original.src if original.topic != "bus.arbiter" else original.last("bus-src")
    named = {"bus-from": refusal.source, "bus-prev": before, "bus-reason": refusal.reason, "bus-src": src}
    named |= {
        "__connect.errors.topic": original.topic,
        "__connect.errors.partition": str(original.partition),
        "__connect.errors.offset": str(original.offset),
    }
    own = record.headers[len(original.headers) :]
    return _named_fault(dict(own), named)


def _named_fault(own: dict[str, bytes | None], named: dict[str, str | None]) -> str:
    for name in REFUSAL_HEADERS:
        if name not in own:
            return f"header {name} is missing"
    for name, value in named.items():
        if own.get(name) != (value or "").encode():
            return f"{name} is {own.get(name)!r}, expected {value!r}"
    return ""


def _read_refusals(evidence: Evidence, due: dict[str, list[Refusal]]) -> Iterator[str]:
    read: dict[str, list[str]] = defaultdict(list)
    for log in evidence.topics["bus.refused"]:
        reader = Reader()
        for record in log:
            source, own = record.last("bus-from") or "", record.last("bus-decision") or ""
            if reader.accepts(source, own, record.last("bus-prev") or ""):
                read[source].append(own)
    for source in read.keys() | due.keys():
        expected = sorted((refusal.id for refusal in due.get(source, [])), key=id_order)
        got = sorted(read[source], key=id_order)
        if got != expected:
            missing = next((one for one in expected if one not in set(got)), "none")
            yield f"from {source}: {len(got)} refusals, expected {len(expected)}; first missing {missing}"


def admitted(evidence: Evidence) -> Iterator[tuple[str, str, Json, Record, str]]:
    """(topic, decision, event, the record on bus.arbiter, source) of everything admitted, in order per partition."""
    for partition, log in enumerate(evidence.topics["bus.arbiter"]):
        for entry in evidence.entries(partition):
            for event in entry["events"]:
                if event["kind"] == "action_admitted":
                    decision = f"{evidence.gen}.{partition}.{entry['o']}.{event['n']}"
                    yield event["topic"], decision, event, log[event["o"]], entry["source"]


def _governed(evidence: Evidence) -> Iterator[str]:
    records: dict[str, list[Record]] = defaultdict(list)
    for name in GOVERNED:
        for log in evidence.topics[name]:
            for record in log:
                records[f"{name} {record.last('bus-decision')}"].append(record)
    for topic, decision, event, forwarded, source in admitted(evidence):
        found = records.pop(f"{topic} {decision}", [])
        if len(found) != 1:
            yield f"{decision} stands {len(found)} times on {topic}"
            continue
        fault = _governed_fault(evidence, found[0], decision, event, forwarded, source)
        if fault:
            yield f"{found[0].src} ({decision}): {fault}"
    for name in records:
        yield f"{name} was never admitted"


def _governed_fault(
    evidence: Evidence, record: Record, decision: str, event: Json, forwarded: Record, source: str
) -> str:
    row = evidence.row(forwarded.last("bus-src") or "")
    assert row is not None, "forwarded records were checked before"
    sent = row.record
    key = (event.get("subject") or source).encode()
    own = {"bus-src": sent.src, "bus-at": str(row.at_ms), "bus-decision": decision}
    if "token" in event:
        own |= {"bus-token": str(event["token"]), "bus-until": str(event["until"])}
    expected: dict[str, bytes | None] = {name: value.encode() for name, value in own.items()}
    if sent.key is not None:
        expected["bus-key"] = sent.key
    if record.value != sent.value:
        return "the bytes are not what was sent"
    if record.headers[: len(sent.headers)] != sent.headers:
        return "the sender's headers are changed"
    if _last_of(record.headers[len(sent.headers) :]) != expected:
        return f"headers {record.headers[len(sent.headers) :]}, expected {expected}"
    if record.key != key:
        return f"key {record.key!r}, expected {key!r}"
    partition = partition_of(key, len(evidence.topics[record.topic]))
    return "" if record.partition == partition else f"partition {record.partition}, the key's is {partition}"


def _last_of(headers: Headers) -> dict[str, bytes | None]:
    return dict(headers)


def _order(evidence: Evidence) -> Iterator[str]:
    for name in GOVERNED:
        for log in evidence.topics[name]:
            last: dict[str, str] = {}
            for record in log:
                decision = record.last("bus-decision") or ""
                source = ".".join(decision.split(".")[:2])
                if source in last and id_order(decision) <= id_order(last[source]):
                    yield f"{record.src}: {decision} stands after {last[source]}"
                last[source] = decision
            for record in log:
                values = record.last("bus-values")
                if values is not None and canonical(json.loads(values)) != values.encode():
                    yield f"{record.src}: bus-values"
