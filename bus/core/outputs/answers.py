"""What goes out for a decision: answers, public events, refusals and forwarded records, each naming the one before it.

Outputs are a function of the valid chain and of the records it names, so a new owner sends exactly the same again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from bus.core.decision.contest_events import CaseChanged, CaseClosed, CaseOpened
from bus.core.decision.entries import Entry
from bus.core.decision.events import Recipients, Refused, event_to_json
from bus.core.decision.reasons import SENDER_NOT_KNOWN
from bus.core.gate import GateBasis, Judged, Row
from bus.core.log.records import Headers, Output, Record, canonical, digest
from bus.core.log.routing import partition_of
from bus.core.log.topics import (
    ARBITER,
    ESCALATION_PARTITIONS,
    ESCALATIONS,
    OPERATORS_LANE,
    OUTCOMES,
    REFUSED,
    REFUSED_PARTITIONS,
    answers,
    coordinates,
    incoming,
)
from bus.core.message.envelope import HEADER_BYTES_MAX
from bus.core.outputs.enclosed import NOTHING_ENCLOSED, Enclosed
from bus.core.outputs.sealed import told_to_all, told_to_lanes
from bus.core.policy.contracts import JsonObject, Violation
from bus.core.policy.control import Change

PASSED_ON_BYTES_MAX = 1024 * 1024  # a dead letter must fit into its topic's 2 MiB: what is more is left out and named
NONE_ENCLOSED: Mapping[int, Enclosed] = MappingProxyType({})
WITH_A_FILE = (CaseOpened, CaseChanged, CaseClosed)
HEADER_FRAME_BYTES = 10  # the two lengths that a record keeps in front of each header, at most


@dataclass(slots=True)
class Predecessors:
    """The last id one source has sent to each topic-partition; sending is linking."""

    source: str
    last: dict[tuple[str, int], str] = field(default_factory=dict)

    def link(self, topic: str, partition: int, identifier: str) -> Headers:
        """``bus-from`` and ``bus-prev`` of the next record to that place."""
        before = self.last.get((topic, partition), "")
        self.last[topic, partition] = identifier
        return (("bus-from", self.source.encode()), ("bus-prev", before.encode()))


def control_headers(change: Change, decision: str) -> Headers:
    """The headers of a record on ``bus.control``."""
    numbers = (("bus-control", change.number), ("bus-decision", decision), ("bus-rev", change.rev))
    return tuple((name, str(value).encode()) for name, value in numbers)


def row_destinations(row: Row, lane: str, partitions: int) -> list[tuple[str, int]]:
    """Where the outputs of a row go, in order."""
    places = [(ARBITER, partition) for partition in row.partitions]
    if row.verdict == "refused":
        places.append((REFUSED, partition_of(lane, REFUSED_PARTITIONS)))
    if row.verdict != "forwarded" or is_control_row(row, lane, partitions):
        places.append((answers(lane), 0))
    return places


def is_control_row(row: Row, lane: str, partitions: int) -> bool:
    """An accepted control message goes to every partition, and nothing else does (there are at least two)."""
    return lane == OPERATORS_LANE and len(row.partitions) == partitions


def entry_destinations(entry: Entry, p: int) -> list[tuple[str, int, int]]:
    """Topic, partition and event number of each output of an entry, in order (governed topics apart)."""
    places = []
    for event in entry.events:
        places.append((OUTCOMES, p, event.n))
        places.extend((answers(lane), 0, event.n) for lane in _lanes(event.to))
        if isinstance(event.what, Refused):
            places.append((REFUSED, partition_of(_lane_of_entry(entry), REFUSED_PARTITIONS), event.n))
        if isinstance(event.what, WITH_A_FILE):
            places.append((ESCALATIONS, partition_of(event.what.case, ESCALATION_PARTITIONS), event.n))
    return places


def gate_outputs(sent: Predecessors, record: Record, judged: Judged, basis: GateBasis, control: int) -> list[Output]:
    """Everything the gate sends for one record; the write to ``bus.control`` comes after it, see `control_headers`."""
    lane, row = sent.source, judged.row
    decision = f"{lane}.{row.offset}"
    outputs = [_forwarded(sent, record, basis, row, p, control, decision) for p in row.partitions]
    if row.verdict == "refused" and judged.refusal is not None:
        place = (REFUSED, partition_of(lane, REFUSED_PARTITIONS))
        contract = basis.contract.ref if basis.contract else ""
        details = _Refusal(row.reason, judged.refusal.detail, judged.refusal.violations, contract)
        src = coordinates(record.topic, record.partition, record.offset)
        outputs.append(_dead_letter(sent, place, record, src, decision, details, lane))
    if row.verdict != "forwarded" or basis.change is not None:
        outputs.append(_gate_answer(sent, judged, basis, decision))
    return outputs


def arbiter_outputs(
    sent: Predecessors,
    entry: Entry,
    record: Record | None,
    p: int,
    enclosed: Mapping[int, Enclosed] = NONE_ENCLOSED,
    events: Sequence[JsonObject] | None = None,
) -> list[Output]:
    """Everything the arbiter's stage sends for one entry, governed topics apart; only a refusal needs the record.

    ``enclosed`` is what goes with its events, by their numbers (`bus.core.outputs.enclosed.enclose`), and ``events``
    what the journal has of them, where that is at hand.
    """
    outputs = []
    for event, journaled in zip(entry.events, events or map(event_to_json, entry.events), strict=True):
        with_it = enclosed.get(event.n, NOTHING_ENCLOSED)
        decision = f"{sent.source}.{entry.o}.{event.n}"
        body = {**journaled, "decision": decision, "id": entry.id, "src": entry.src, "at": entry.time_ms}
        key = (event.subject or entry.source).encode()
        to_all, to_lanes, lanes = told_to_all(body), told_to_lanes(body), _lanes(event.to)
        public = canonical(to_all)
        outputs.append(_answer(sent, (OUTCOMES, p), key, public, decision))
        # Nearly always one lane hears what all hear, and then it is not encoded twice.
        is_public = to_lanes is to_all and len(lanes) == 1 and not with_it.lanes
        for lane in lanes:
            mine = [pair for pair in event.to if pair[0] == lane]
            more = with_it.fields if lane in with_it.lanes else {}
            value = public if is_public else canonical({**to_lanes, "to": mine, **more})
            outputs.append(_answer(sent, (answers(lane), 0), (mine[0][1] or lane).encode(), value, decision))
        if isinstance(event.what, Refused):
            assert record is not None, "a dead letter carries the bytes it is about"
            lane = _lane_of_entry(entry)
            place = (REFUSED, partition_of(lane, REFUSED_PARTITIONS))
            contract = entry.basis.contract if entry.basis else ""
            details = _Refusal(entry.reason, event.what.detail, (), contract)
            outputs.append(_dead_letter(sent, place, record, entry.src, decision, details, lane))
        if isinstance(event.what, WITH_A_FILE):
            case = event.what.case
            place = (ESCALATIONS, partition_of(case, ESCALATION_PARTITIONS))
            headers = (("bus-decision", decision.encode()), *sent.link(*place, decision))
            outputs.append(Output(*place, case.encode(), with_it.file, headers, decision))
    return outputs


@dataclass(frozen=True, slots=True)
class _Refusal:
    reason: str
    detail: str
    violations: tuple[Violation, ...]
    contract: str


def _lanes(to: Recipients) -> list[str]:
    return list(dict.fromkeys(lane for lane, _ in to))


def _lane_of_entry(entry: Entry) -> str:
    return entry.src.partition("/")[0].removeprefix(incoming(""))


def _forwarded(
    sent: Predecessors, record: Record, basis: GateBasis, row: Row, partition: int, control: int, decision: str
) -> Output:
    contract = basis.contract.ref if basis.contract else ""
    number = basis.change.number if basis.change else control
    headers: Headers = (
        *record.headers,
        *((("bus-key", record.key),) if record.key is not None else ()),
        ("bus-src", coordinates(record.topic, record.partition, record.offset).encode()),
        ("bus-at", str(row.at).encode()),
        ("bus-control", str(number).encode()),
        ("bus-contract", contract.encode()),
        ("bus-values", canonical(basis.values) if basis.values else b"{}"),
        *sent.link(ARBITER, partition, decision),
    )
    key = (basis.subject or basis.source).encode()
    return Output(ARBITER, partition, key, record.value, headers, decision)


def _gate_answer(sent: Predecessors, judged: Judged, basis: GateBasis, decision: str) -> Output:
    row, lane = judged.row, sent.source
    who = "" if row.reason in SENDER_NOT_KNOWN else basis.source
    body: dict[str, Any] = {"n": 0, "to": [[lane, who]], "decision": decision, "id": row.id, "at": row.at}
    body["src"] = coordinates(incoming(lane), 0, row.offset)
    if basis.subject:
        body["subject"] = basis.subject
    if basis.change is not None and row.verdict == "forwarded":
        change = basis.change
        body |= {"kind": "control_set", "control": change.number, "kind_of": change.kind, "name": change.name}
        body |= {"rev": change.rev, "value_hash": change.value_hash, "value": change.shown_value}
    elif row.verdict == "duplicate":
        body |= {"kind": "duplicate", "agent": basis.source, "type": basis.type, "of": f"{lane}.{judged.first_offset}"}
    else:
        assert judged.refusal is not None
        body |= {"kind": "refused", "agent": basis.source, "type": basis.type, "reason": row.reason}
        body["detail"] = judged.refusal.detail
        if judged.refusal.violations:
            body["violations"] = [violation.to_json() for violation in judged.refusal.violations]
    return _answer(sent, (answers(lane), 0), who.encode() or lane.encode(), canonical(body), decision)


def _answer(sent: Predecessors, place: tuple[str, int], key: bytes, value: bytes, decision: str) -> Output:
    headers = (("bus-decision", decision.encode()), *sent.link(*place, decision))
    return Output(*place, key, value, headers, decision)


def _dead_letter(
    sent: Predecessors,
    place: tuple[str, int],
    record: Record,
    src: str,
    decision: str,
    refusal: _Refusal,
    lane: str,
) -> Output:
    ours: list[tuple[str, bytes]] = [
        ("bus-reason", refusal.reason.encode()),
        ("bus-violations", canonical([violation.to_json() for violation in refusal.violations])),
        ("bus-src", src.encode()),
        ("bus-decision", decision.encode()),
        ("bus-contract", refusal.contract.encode()),
        ("__connect.errors.topic", record.topic.encode()),
        ("__connect.errors.partition", str(record.partition).encode()),
        ("__connect.errors.offset", str(record.offset).encode()),
        ("__connect.errors.exception.message", (refusal.detail or refusal.reason).encode()),
    ]
    value, theirs, key = record.value, record.headers, record.key if record.topic != ARBITER else None
    if key is not None and len(key) <= HEADER_BYTES_MAX:
        ours.append(("bus-key", key))
    headers_size = sum(len(name.encode()) + len(item or b"") + HEADER_FRAME_BYTES for name, item in theirs)
    if value is not None and len(value) + headers_size > PASSED_ON_BYTES_MAX:
        ours.append(("bus-omitted", canonical({"size": len(value), "hash": digest(value)})))
        value = b""
    if headers_size > PASSED_ON_BYTES_MAX:
        theirs = ()  # they stand at bus-src, like whatever else was left out
    headers = (*theirs, *ours, *sent.link(*place, decision))
    return Output(*place, lane.encode(), value, headers, decision)
