"""The gate as a stage of the owner loop: one lane in, one journal, what is forwarded, refused and answered."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bus import ENGINE
from bus.core.decision.reasons import GateReason
from bus.core.gate import (
    POISON,
    GateBasis,
    GateState,
    Judged,
    Row,
    arrival_ms,
    evolve,
    refusal_again,
    row_from_json,
    step,
)
from bus.core.log.journal import SEGMENT_BYTES_MAX, SEGMENT_INPUTS_MAX
from bus.core.log.records import Output, Record, canonical
from bus.core.log.topics import CONTROL, OPERATORS_LANE, gate_journal, incoming
from bus.core.message.envelope import message_hash, readable
from bus.core.outputs.answers import Predecessors, control_headers, gate_outputs, is_control_row, row_destinations
from bus.core.policy.control import Registry
from bus.shell.control_log import ControlLog
from bus.shell.errors import FatalError
from bus.shell.gather import Gatherer
from bus.shell.metrics import Metrics
from bus.shell.snapshots.copies import GateCopy, GateReader
from bus.shell.stage import Draft


@dataclass(frozen=True, slots=True)
class _Kept:
    """A segment whose outputs may not have been sent: its control number, and its rows with their first offsets."""

    control: int
    first: int
    to: int
    rows: tuple[tuple[Row, int | None], ...]


class GateStage:
    """Everything the gate of one lane knows; see `bus.shell.stage.Stage`."""

    def __init__(self, lane: str, topic_id: str, control_log: ControlLog, gatherer: Gatherer, metrics: Metrics) -> None:
        self.topic, self.partition, self.journal = incoming(lane), 0, gate_journal(lane)
        self.next_offset = 0
        self._lane = lane
        self._topic_id = topic_id
        self._control_log = control_log
        self._gatherer = gatherer
        self._metrics = metrics
        self._state = GateState()
        self._sent = Predecessors(lane)
        self._number = 0
        self._registry: Registry | None = None
        self._kept: list[_Kept] = []
        self._last_hash = ""

    def genesis(self) -> dict[str, Any]:  # Any: JSON
        """Which lane of which generation this journal is about."""
        gen = self._control_log.genesis.gen
        return {"kind": "genesis", "engine": ENGINE, "gen": gen, "lane": self._lane, "topic_id": self._topic_id}

    def key(self) -> bytes:
        """The lane."""
        return self._lane.encode()

    # ---- restore --------------------------------------------------------------------------------------

    def copy_state(self) -> GateCopy:
        """What the lane's gate knows now."""
        known = {
            "at": self._state.at_ms,
            "control": self._number,
            "position": self.next_offset,
            "hash": self._last_hash,
        }
        return GateCopy(known, dict(self._sent.last), dict(self._state.seen))

    def state_reader(self) -> GateReader:
        """Takes the lines of such a copy."""
        return GateReader(self._state, self._sent.last, self._know)

    def _know(self, known: Mapping[str, Any]) -> None:  # Any: JSON
        self._number, self.next_offset, self._last_hash = known["control"], known["position"], known["hash"]

    def fold(self, segment: dict[str, Any], *, is_published: bool) -> None:  # Any: JSON
        """Fold the rows of a valid segment."""
        rows = []
        self._number = segment["control"]
        for row in map(row_from_json, segment.get("rows", ())):  # a gap has none
            rows.append((row, self._first_offset(row)))
            evolve(self._state, row)
            self._last_hash = row.hash
            if is_published:
                self._link(row)
            if is_control_row(row, self._lane, self._partitions):
                self._number += 1
        self.next_offset = segment["to"] + 1
        if not is_published:
            self._kept.append(_Kept(segment["control"], segment["from"], segment["to"], tuple(rows)))

    def mark_published(self, count: int) -> None:
        """The first kept segments were sent after all: only what they sent last matters."""
        for kept in self._kept[:count]:
            for row, _ in kept.rows:
                self._link(row)
        del self._kept[:count]

    def unpublished_range(self) -> tuple[int, int] | None:
        """The input offsets whose records are needed to send the kept segments again."""
        spans = [(kept.first, kept.to) for kept in self._kept if kept.rows]
        return (spans[0][0], spans[-1][1]) if spans else None

    def redraft(self, records: dict[int, Record]) -> list[Draft]:
        """Judge the kept records once more for their outputs; the rows of the journal stand as they are."""
        own: Registry | None = None
        drafts = []
        for kept in self._kept:
            registry = own if own is not None and own.number == kept.control else self._control_log.at(kept.control)
            draft = Draft({}, kept.to)
            for row, first_offset in kept.rows:
                basis = self._redraft_row(draft, row, first_offset, registry, records)
                if basis.change is not None and row.verdict == "forwarded":
                    own = registry.apply(basis.change)
            drafts.append(draft)
        self._kept.clear()
        if own is not None and own.number == self._number:
            self._registry = own
        return drafts

    def vouches_for(self, record: Record) -> bool:
        """Does the last row's hash fit?"""
        return self._last_hash in ("", message_hash(record))

    def _redraft_row(
        self, draft: Draft, row: Row, first_offset: int | None, registry: Registry, records: dict[int, Record]
    ) -> GateBasis:
        record = records.get(row.offset)
        if record is None or message_hash(record) != row.hash:
            text = f"{self.topic} offset {row.offset} is not the record the journal judged"
            raise FatalError("log_divergence", text, "the input was replaced: bring back the one the journal names")
        is_poison = row.reason == GateReason.POISON
        passed = row.verdict == "forwarded"
        basis = _blank(row) if is_poison else self._gatherer.gather(record, row.at, registry, was_forwarded=passed)
        self._add_outputs(draft, record, Judged(row, refusal_again(row, basis), first_offset), basis, registry.number)
        return basis

    def _first_offset(self, row: Row) -> int | None:
        seen = self._state.seen.get((row.source, row.id)) if row.verdict == "duplicate" else None
        return seen.offset if seen else None

    def _link(self, row: Row) -> None:
        for topic, partition in row_destinations(row, self._lane, self._partitions):
            self._sent.last[topic, partition] = f"{self._lane}.{row.offset}"

    @property
    def _partitions(self) -> int:
        return self._control_log.genesis.partitions

    # ---- the running gate -----------------------------------------------------------------------------

    def draft(self, records: Sequence[Record], *, poison: int | None) -> tuple[Draft | None, int]:
        """Judge records under one control number; an accepted change is the last row of its segment."""
        registry, is_new = self._in_force()
        if not records and not is_new:
            return None, 0
        first = self.next_offset
        draft = Draft({}, first - 1)
        rows: list[bytes] = []
        tally: Counter[tuple[str, str]] = Counter()
        size = 0
        for record in records[:SEGMENT_INPUTS_MAX]:
            change_came, row = self._judge(record, registry, draft, is_poison=record.offset == poison)
            rows.append(row.written())
            tally[row.verdict, row.reason] += 1
            size += len(rows[-1])
            if change_came or size > SEGMENT_BYTES_MAX:
                break
        for (verdict, reason), count in tally.items():
            self._metrics.decided("gate", verdict, reason, count)
        draft.to = self.next_offset - 1
        gen = self._control_log.genesis.gen
        draft.body = {"kind": "gate", "engine": ENGINE, "gen": gen, "lane": self._lane, "control": registry.number}
        draft.body |= {"from": first, "to": draft.to}
        draft.items = ("rows", rows)
        return draft, len(rows)

    def gap(self, to: int, behind: Callable[[], Iterable[Record]]) -> Draft:  # noqa: ARG002 no message here needs another
        """Say in the journal that the records up to ``to`` were lost; senders that hear nothing send again."""
        body = {"kind": "gap", "engine": ENGINE, "gen": self._control_log.genesis.gen, "lane": self._lane}
        body |= {"control": self._number, "from": self.next_offset, "to": to}
        self.next_offset = to + 1
        return Draft(body, to)

    def _in_force(self) -> tuple[Registry, bool]:
        """The registry to judge by, and whether it is a newer one than the journal knows of."""
        if self._registry is None:
            self._registry = self._control_log.at(self._number)
        if self._lane != OPERATORS_LANE and self._control_log.registry.number > self._registry.number:
            self._registry = self._control_log.registry
        is_new = self._registry.number != self._number
        self._number = self._registry.number
        return self._registry, is_new

    def _judge(self, record: Record, registry: Registry, draft: Draft, *, is_poison: bool) -> tuple[bool, Row]:
        at = arrival_ms(self._state, record.timestamp_ms)
        if is_poison:
            who, identifier = readable(record.headers, "ce_source"), readable(record.headers, "ce_id")
            reason = GateReason.POISON.value
            row = Row(record.offset, "refused", reason, who, identifier, message_hash(record), at, ())
            basis = _blank(row)
            judged = Judged(row, POISON)
            evolve(self._state, row)
        else:
            basis = self._gatherer.gather(record, at, registry)
            judged = step(self._state, record.offset, at, basis)
        self.next_offset, self._last_hash = record.offset + 1, judged.row.hash
        self._add_outputs(draft, record, judged, basis, registry.number)
        if basis.shadowed:
            self._metrics.shadowed(basis.type)
        if basis.change is None or judged.row.verdict != "forwarded":
            return False, judged.row
        self._registry = registry.apply(basis.change)
        self._number = self._registry.number
        return True, judged.row

    def _add_outputs(self, draft: Draft, record: Record, judged: Judged, basis: GateBasis, number: int) -> None:
        outputs = gate_outputs(self._sent, record, judged, basis, number)
        if basis.change is None or judged.row.verdict != "forwarded":
            draft.outputs.extend(outputs)
            return
        change, decision = basis.change, f"{self._lane}.{record.offset}"
        key = f"{change.kind}/{change.name}".encode()
        value = None if change.value is None else canonical(change.value)
        draft.outputs.extend(outputs[:-1])
        draft.last = [Output(CONTROL, 0, key, value, control_headers(change, decision), decision), outputs[-1]]


def _blank(row: Row) -> GateBasis:
    """A basis that knows nothing: for a record that nobody dares to read."""
    return GateBasis(row.source, row.id, "", "", row.hash)
