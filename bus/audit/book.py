"""The journals and the control log of a bus, read into typed values that every check can use."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bus.audit.chains import Chain, fold_chain
from bus.audit.evidence import ARBITER_PUBLISHED, GATE_PUBLISHED, Evidence, Log, Place
from bus.audit.forms import fits, is_entry, is_row
from bus.core.arbiter import evolve
from bus.core.decision.entries import Entry, entry_from_json
from bus.core.decision.events import Event
from bus.core.gate import Row, row_from_json
from bus.core.log import topics
from bus.core.log.journal import parse_segment
from bus.core.log.records import Record
from bus.core.policy.contracts import JsonObject
from bus.core.policy.control import Change, Genesis, Registry, genesis_from_json
from bus.core.state.gaps import fold_gap
from bus.core.state.partition import PartitionState
from bus.shell.catalogue import built_in_contracts
from bus.shell.control_log import change_of
from bus.shell.errors import NotInitialisedError


@dataclass(frozen=True, slots=True)
class Decided:
    """A row of a gate: the control number it was judged by, and where its segment stands in the journal."""

    row: Row
    control: int
    journal_offset: int


@dataclass(frozen=True, slots=True)
class Entered:
    """An entry of the arbiter, as it stands in the journal and as this engine reads it."""

    entry: Entry
    raw: JsonObject
    journal_offset: int
    gap: JsonObject | None = None  # an accepted loss right before it

    def fold(self, state: PartitionState, watch: Callable[[Event], None] | None = None) -> None:
        """Fold it into the partition's state, what was lost before it first; raises what the core raises."""
        self.fold_gap(state)
        if watch is None:
            evolve(state, self.entry)
        else:
            evolve(state, self.entry, watch)

    def fold_gap(self, state: PartitionState) -> None:
        """Fold what was lost right before it."""
        if self.gap is not None and state.next_offset <= self.gap["to"]:
            fold_gap(state, self.gap)


@dataclass(slots=True)
class GateBook:
    """What the gate of a lane decided. ``unread`` are journal offsets and what is wrong with an item there."""

    lane: str
    chain: Chain
    decided: list[Decided] = field(default_factory=list)
    unread: list[tuple[int, str]] = field(default_factory=list)

    @property
    def source(self) -> str:
        """The topic whose records were judged."""
        return topics.incoming(self.lane)


@dataclass(slots=True)
class ArbiterBook:
    """What the arbiter decided in partition ``p``."""

    p: int
    chain: Chain
    entered: list[Entered] = field(default_factory=list)
    unread: list[tuple[int, str]] = field(default_factory=list)


@dataclass(slots=True)
class Book:
    """Everything that is known of a bus. A journal that is not in the evidence is not in ``gates`` or ``arbiters``.

    Nor is one whose beginning is gone, which ``cut`` has: nothing can be folded from the middle. ``flaws`` are records
    of ``bus.control`` and ``bus.published`` that cannot be read: place, offset and sentence.
    """

    evidence: Evidence
    genesis: Genesis
    changes: tuple[Change, ...]
    set_at_ms: tuple[int, ...]
    gates: dict[str, GateBook] = field(default_factory=dict)
    arbiters: dict[int, ArbiterBook] = field(default_factory=dict)
    cut: list[Chain] = field(default_factory=list)
    released: dict[int, int] = field(default_factory=dict)
    flaws: list[tuple[Place, int, str]] = field(default_factory=list)

    @property
    def lanes(self) -> list[str]:
        """Every lane that was ever set, the two of genesis included."""
        own = {change.name for change in self.changes if change.kind == "lane"}
        return sorted(own | set(topics.PERSON_LANES))

    def lane_since_ms(self) -> dict[str, int]:
        """Since when (broker time) each lane is in force; the two of genesis always were."""
        since = dict.fromkeys(topics.PERSON_LANES, 0)
        for change, at_ms in zip(self.changes, self.set_at_ms, strict=True):
            if change.kind == "lane":
                since.setdefault(change.name, at_ms)
        return since

    def gate_mark(self, lane: str) -> int | None:
        """The journal offset below which the gate's outputs were all sent; None if it is not known."""
        return self.evidence.mark(GATE_PUBLISHED, (topics.gate_journal(lane), 0))

    def arbiter_mark(self, p: int) -> int | None:
        """The same for the arbiter of a partition."""
        return self.evidence.mark(ARBITER_PUBLISHED, (topics.JOURNAL, p))


class Registries:
    """The registry at rising control numbers, one change applied at a time."""

    def __init__(self, book: Book) -> None:
        self._changes = book.changes
        self._registry = Registry(book.genesis, built_in_contracts())

    def at(self, number: int) -> Registry | None:
        """The registry at that number, which must not be lower than the last one asked for; None beyond the log."""
        if not self._registry.number <= number <= len(self._changes):
            return None
        for change in self._changes[self._registry.number : number]:
            self._registry = self._registry.apply(change)
        return self._registry


def read_book(evidence: Evidence) -> Book:
    """Read the evidence; raises `NotInitialisedError` if it holds no genesis."""
    log = evidence.log(topics.CONTROL)
    genesis = _genesis(log.records[0]) if log and log.records and log.records[0].offset == 0 else None
    if log is None or genesis is None:
        text = f"{evidence.source} holds no bus.control that begins with a genesis"
        raise NotInitialisedError(text, "without it nothing can be checked; `agentbus init` writes it")
    flaws: list[tuple[Place, int, str]] = []
    dated = list(_changes(log.records, Registry(genesis, built_in_contracts()), flaws))
    book = Book(evidence, genesis, tuple(change for change, _ in dated), tuple(at_ms for _, at_ms in dated))
    book.flaws = flaws
    book.released = _released(evidence.log(topics.PUBLISHED), flaws)
    for lane in book.lanes:
        chain = _chain(book, (topics.gate_journal(lane), 0), book.gate_mark(lane))
        if chain is not None:
            book.gates[lane] = _gate_book(lane, chain, genesis.partitions)
    for p in range(genesis.partitions):
        chain = _chain(book, (topics.JOURNAL, p), book.arbiter_mark(p))
        if chain is not None:
            book.arbiters[p] = _arbiter_book(p, chain)
    return book


def _chain(book: Book, place: Place, mark: int | None) -> Chain | None:
    log = book.evidence.logs.get(place)
    if log is None:
        return None
    chain = fold_chain(place, log, mark)
    if log.first == 0:
        return chain
    book.cut.append(chain)
    return None


def _genesis(record: Record) -> Genesis | None:
    value = parse_segment(record.value)
    try:
        return genesis_from_json(value) if value is not None else None
    except (KeyError, TypeError):
        return None


def _changes(
    records: tuple[Record, ...], registry: Registry, flaws: list[tuple[Place, int, str]]
) -> Iterator[tuple[Change, int]]:
    """The changes in force one after the other, as far as each can be applied."""
    for record in records[1:]:
        change = change_of(record)
        if change is None or change.number != registry.number + 1:
            continue
        try:
            registry = registry.apply(change)
        except (LookupError, TypeError, ValueError, AttributeError):
            text = f"change {change.number} cannot be applied: its value is not of the form it should be"
            flaws.append(((record.topic, record.partition), record.offset, text))
            return
        yield change, record.timestamp_ms


def _released(log: Log | None, flaws: list[tuple[Place, int, str]]) -> dict[int, int]:
    """The publishers' marks: per partition of the journal, the offset below which everything is out."""
    marks: dict[int, int] = {}
    for record in log.records if log else ():
        stated = parse_segment(record.value)
        try:
            own = {int(p): mark for p, mark in (stated or {})["marks"].items()}
            if stated is None or not fits(stated["slot"], int) or not all(fits(mark, int) for mark in own.values()):
                raise ValueError
            marks |= own
        except (LookupError, ValueError, AttributeError):
            flaws.append(((record.topic, record.partition), record.offset, "the record is no mark of a publisher"))
    return marks


def _gate_book(lane: str, chain: Chain, partitions: int) -> GateBook:
    book = GateBook(lane, chain)
    for segment in chain.segments:
        for item in segment.items:
            if is_row(item, partitions) and type(segment.body.get("control")) is int:
                book.decided.append(Decided(row_from_json(item), segment.body["control"], segment.offset))
            else:
                book.unread.append((segment.offset, "a row is not of the form this engine knows"))
    return book


def _arbiter_book(p: int, chain: Chain) -> ArbiterBook:
    book = ArbiterBook(p, chain)
    gap: JsonObject | None = None
    for segment in chain.segments:
        gap = segment.body if segment.kind == "gap" else gap
        for item in segment.items:
            entry = _entry(item)
            if entry is not None:
                book.entered.append(Entered(entry, item, segment.offset, gap))
                gap = None
            else:
                book.unread.append((segment.offset, "an entry is not of the form this engine knows"))
    return book


def _entry(item: Any) -> Entry | None:  # Any: JSON
    try:
        entry = entry_from_json(item)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return entry if is_entry(entry) else None
