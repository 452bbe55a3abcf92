"""The arbiter as a stage of the owner loop: one partition of ``bus.arbiter`` in, its journal and its answers out."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from bus import ENGINE
from bus.core.arbiter import decide, evolve
from bus.core.decision.entries import Entry, entry_from_json
from bus.core.decision.events import event_to_json
from bus.core.log.journal import SEGMENT_BYTES_MAX, SEGMENT_INPUTS_MAX
from bus.core.log.records import Output, Record
from bus.core.log.topics import ARBITER, JOURNAL
from bus.core.message.arrivals import Arrived, Message, read_arrival
from bus.core.message.envelope import message_hash
from bus.core.outputs.answers import NONE_ENCLOSED, Predecessors, arbiter_outputs, entry_destinations
from bus.core.outputs.enclosed import Enclosed, Situations, enclose, offsets_named, with_hashes
from bus.core.outputs.witness import Witness
from bus.core.policy.contracts import JsonObject
from bus.core.policy.control import Change, Registry
from bus.core.state.gaps import change_to_json, fold_gap
from bus.core.state.image import ImageReader, image_of
from bus.core.state.partition import PartitionState
from bus.shell.earlier_records import EarlierRecords, ReadOffsets
from bus.shell.errors import FatalError
from bus.shell.metrics import Metrics
from bus.shell.snapshots.copies import ArbiterCopy, ArbiterReader
from bus.shell.stage import Draft
from resolvers import RESOLVERS, RESOLVERS_VERSION

# What one segment sends may not fill the producer's queue: a burst of cases has a file of up to 64 KiB for each.
OUTPUT_BYTES_MAX = 4 * 1024 * 1024
# Nothing goes with these beyond what they say, and nobody is told later of the records that brought them about.
SAY_ALL = frozenset({"action_admitted", "renewed", "ended", "fact", "reported", "refused", "denied", "confirmed"})
# A grant says all as well, but its claim is told of when it is challenged.
SAY_ENOUGH = SAY_ALL | {"granted"}
# Some records are read, then judged, then answered, for the processor keeps at hand what it does again: one after the
# other takes a third longer. More at once gain nothing, and whatever a full segment does not take was read in vain.
SIDE_BY_SIDE = 32
EARLIER_READS_MAX = 500  # records one segment asks Kafka for; more would keep the other partitions waiting


def no_changes(number: int) -> list[Change]:  # noqa: ARG001 whatever is known
    """What came into force behind a number, where no control log is at hand."""
    return []


@dataclass(frozen=True, slots=True)
class _Kept:
    """A segment whose outputs may not have been sent, with what was seen while its entries were folded."""

    to: int
    entries: tuple[tuple[Entry, Situations], ...]


class _Judged(NamedTuple):
    """A record, its entry, what goes with that, its events as JSON, and its bytes in the journal."""

    record: Record
    entry: Entry
    enclosed: Mapping[int, Enclosed]
    events: Sequence[JsonObject]
    written: bytes


class _Room:
    """What one segment may still take, send and ask for."""

    def __init__(self, earlier: EarlierRecords) -> None:
        self._earlier, self._reads_max = earlier, earlier.read_count + EARLIER_READS_MAX
        self._bytes = self._file_bytes = 0

    def take(self, judged: _Judged) -> None:
        """It is in the segment."""
        self._bytes += len(judged.written)
        if judged.enclosed:
            self._file_bytes += sum(len(one.file or b"") for one in judged.enclosed.values())

    def is_full(self) -> bool:
        """Is it enough? The last one may go beyond."""
        has_read = self._earlier.read_count > self._reads_max
        return has_read or self._bytes > SEGMENT_BYTES_MAX or self._file_bytes > OUTPUT_BYTES_MAX


class ArbiterStage:
    """Everything the arbiter of one partition knows; see `bus.shell.stage.Stage`."""

    def __init__(
        self,
        partition: int,
        topic_id: str,
        registry: Registry,
        metrics: Metrics,
        read: ReadOffsets,
        *,
        changes_after: Callable[[int], list[Change]] = no_changes,
    ) -> None:
        self.topic, self.partition, self.journal = ARBITER, partition, JOURNAL
        self.state = PartitionState(
            registry.genesis.gen,
            partition,
            registry,
            resolvers=RESOLVERS,
            resolvers_version=RESOLVERS_VERSION,
        )
        self.last_seen: tuple[int, int] | None = None  # offset and append time (ms) of the newest record judged
        self._earlier = EarlierRecords(read)
        self._changes_after = changes_after
        self._topic_id = topic_id
        self._metrics = metrics
        self._sent = Predecessors(f"{registry.genesis.gen}.{partition}")
        self._kept: list[_Kept] = []
        self._last_hash = ""

    @property
    def next_offset(self) -> int:
        """The input offset to judge next."""
        return self.state.next_offset

    @next_offset.setter
    def next_offset(self, value: int) -> None:
        self.state.next_offset = value

    def genesis(self) -> dict[str, Any]:  # Any: JSON
        """Which partition of which generation this journal is about."""
        gen, p = self.state.gen, self.partition
        return {"kind": "genesis", "engine": ENGINE, "gen": gen, "p": p, "topic_id": self._topic_id}

    def key(self) -> bytes:
        """``<gen>.<p>``."""
        return self._sent.source.encode()

    # ---- restore --------------------------------------------------------------------------------------

    def copy_state(self) -> ArbiterCopy:
        """What the partition's arbiter knows now."""
        return ArbiterCopy(self._last_hash, dict(self._sent.last), image_of(self.state))

    def state_reader(self) -> ArbiterReader:
        """Takes the lines of such a copy."""
        return ArbiterReader(ImageReader(self.state), self._sent.last, self._know)

    def _know(self, last_hash: str) -> None:
        self._last_hash = last_hash

    def fold(self, segment: dict[str, Any], *, is_published: bool) -> None:  # Any: JSON
        """Fold the entries of a valid segment: nothing else is looked up."""
        entries: list[tuple[Entry, Situations]] = []
        if segment["kind"] == "gap":
            fold_gap(self.state, segment)
        for entry in list(map(entry_from_json, segment.get("entries", ()))):  # all at first, see SIDE_BY_SIDE
            self._last_hash = entry.hash
            if is_published:  # nothing is sent again, so nobody need look on
                evolve(self.state, entry)
                self._link(entry)
            else:
                witness = Witness(self.state)
                evolve(self.state, entry, witness)
                entries.append((entry, witness.situations()))
        self.state.next_offset = segment["to"] + 1
        if not is_published:
            self._kept.append(_Kept(segment["to"], tuple(entries)))

    def mark_published(self, count: int) -> None:
        """The first kept segments were sent after all: only what they sent last matters."""
        for kept in self._kept[:count]:
            for entry, _ in kept.entries:
                self._link(entry)
        del self._kept[:count]

    def unpublished_range(self) -> tuple[int, int] | None:
        """The input offsets whose records are needed to send the kept segments again: those of dead letters.

        What is told of older records is read by itself, when it is needed.
        """
        refused = [entry.o for kept in self._kept for entry, _ in kept.entries if entry.verdict == "refused"]
        return (refused[0], refused[-1]) if refused else None

    def redraft(self, records: dict[int, Record]) -> list[Draft]:
        """The outputs of the kept entries, once more."""
        drafts = []
        for kept in self._kept:
            draft = Draft({}, kept.to)
            for entry, situations in kept.entries:
                record = records.get(entry.o)
                is_it = record is not None and message_hash(record) == entry.hash
                if entry.verdict == "refused" and not is_it:
                    text = f"{ARBITER}/{self.partition} offset {entry.o} is not the record the journal judged"
                    raise FatalError("log_divergence", text, "bring back the input that the journal names")
                enclosed = self._enclose(entry, situations)
                draft.outputs.extend(arbiter_outputs(self._sent, entry, record, self.partition, enclosed))
            drafts.append(draft)
        self._kept.clear()
        return drafts

    def vouches_for(self, record: Record) -> bool:
        """Does the last entry's hash fit, if it has one? Ticks and repeats have none."""
        return self._last_hash in ("", message_hash(record))

    def _link(self, entry: Entry) -> None:
        for topic, partition, n in entry_destinations(entry, self.partition):
            self._sent.last[topic, partition] = f"{self._sent.source}.{entry.o}.{n}"

    # ---- the running arbiter --------------------------------------------------------------------------

    def draft(self, records: Sequence[Record], *, poison: int | None) -> tuple[Draft | None, int]:
        """Judge records in the order of the log."""
        if not records:
            return None, 0
        if records[0].offset == poison:
            text = f"judging {ARBITER}/{self.partition} offset {poison} killed the stage twice"
            raise FatalError("arbiter_poisoned", text, "a gate let it through: report it with this record")
        first = self.state.next_offset
        room = _Room(self._earlier)
        outputs: list[Output] = []
        judged: list[_Judged] = []
        for start in range(0, min(len(records), SEGMENT_INPUTS_MAX), SIDE_BY_SIDE):
            some = self._judge_some(records[start : start + SIDE_BY_SIDE], room)
            for record, entry, enclosed, events, _ in some:
                outputs += arbiter_outputs(self._sent, entry, record, self.partition, enclosed, events)
            judged += some
            if room.is_full():
                break
        self._count([one.entry for one in judged])
        self.last_seen = (judged[-1].record.offset, judged[-1].record.timestamp_ms)
        to = self.state.next_offset - 1
        body = {"kind": "arbiter", "engine": ENGINE, "gen": self.state.gen, "p": self.partition}
        body |= {"from": first, "to": to}
        return Draft(body, to, ("entries", [one.written for one in judged]), outputs), len(judged)

    def gap(self, to: int, behind: Callable[[], Iterable[Record]]) -> Draft:
        """Say in the journal that the records up to ``to`` were lost, and which changes came into force in there."""
        known = self.state.registry.number
        changes = [change_to_json(change) for change in self._changes_until(known, behind)]
        body = {"kind": "gap", "engine": ENGINE, "gen": self.state.gen, "p": self.partition}
        body |= {"from": self.next_offset, "to": to, "changes": changes}
        fold_gap(self.state, body)
        return Draft(body, to)

    def _changes_until(self, known: int, behind: Callable[[], Iterable[Record]]) -> list[Change]:
        """The changes behind number ``known`` whose messages were lost: up to the first one that is still there."""
        later = self._changes_after(known)
        if not later:
            return []
        numbers = (read_arrival(record) for record in behind())
        still = next((one.control for one in numbers if isinstance(one, Message) and one.is_control), None)
        return [change for change in later if still is None or change.number < still]

    def _judge_some(self, records: Sequence[Record], room: _Room) -> list[_Judged]:
        """Judge records one after the other, until there is no room for more."""
        judged = []
        for record, arrived in zip(records, list(map(read_arrival, records)), strict=True):
            entry, enclosed = self._judge(record, arrived)
            events = [event_to_json(event) for event in entry.events]
            judged.append(_Judged(record, entry, enclosed, events, entry.written(events)))
            room.take(judged[-1])
            if room.is_full():
                break
        return judged

    def _judge(self, record: Record, arrived: Arrived) -> tuple[Entry, Mapping[int, Enclosed]]:
        """The entry for a record, as it is journaled, and what goes with its events."""
        entry = decide(self.state, arrived)
        self._last_hash = entry.hash
        kinds = {event.what.kind for event in entry.events}
        if not kinds <= SAY_ALL:
            self._earlier.remember(record)
        if kinds <= SAY_ENOUGH:
            evolve(self.state, entry)
            return entry, NONE_ENCLOSED
        witness = Witness(self.state)
        evolve(self.state, entry, witness)
        enclosed = self._enclose(entry, witness.situations())
        return with_hashes(entry, enclosed), enclosed

    def _enclose(self, entry: Entry, situations: Situations) -> dict[int, Enclosed]:
        offsets = offsets_named(entry, situations)
        records = self._earlier.find(offsets) if offsets else {}
        return enclose(entry, situations, records)

    def _count(self, entries: Sequence[Entry]) -> None:
        for (verdict, reason), count in Counter((one.verdict, one.reason) for one in entries).items():
            self._metrics.decided("arbiter", verdict, reason, count)
        for kind, count in Counter(event.what.kind for one in entries for event in one.events).items():
            self._metrics.happened(kind, count)
