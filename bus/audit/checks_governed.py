"""Check 6: governed topics hold what the arbiter admitted: each record once, in order, byte for byte."""

from dataclasses import dataclass, field

from bus.audit.book import Book, Entered
from bus.audit.evidence import Log, Place
from bus.audit.findings import Check
from bus.core.decision.events import ActionAdmitted
from bus.core.log import topics
from bus.core.log.records import Record
from bus.core.log.routing import id_order, partition_of
from bus.shell.publisher import governed_headers

Order = tuple[int, ...]


def check_governed(book: Book, check: Check) -> None:
    """Compare the governed topics with the events ``action_admitted``."""
    names = {topic for topic, _ in book.evidence.logs if not topic.startswith("bus.")}
    released = {name: _Released(name, book, check) for name in sorted(names)}
    missing = [f"{topics.JOURNAL}/{p}" for p in range(book.genesis.partitions) if p not in book.arbiters]
    missing += [f"{topics.JOURNAL}/{p}" for p, arbiter in book.arbiters.items() if arbiter.unread]
    if missing:
        check.leave_out(f"all governed topics: {', '.join(missing)} cannot be read as a whole")
        return
    for p, arbiter in book.arbiters.items():
        log = book.evidence.log(topics.ARBITER, p)
        for entered in arbiter.entered:
            for event in entered.entry.events:
                if not isinstance(event.what, ActionAdmitted) or not event.what.topic:
                    continue
                if event.what.topic in released:
                    decision = f"{book.genesis.gen}.{p}.{entered.entry.o}.{event.n}"
                    released[event.what.topic].look_for(p, log, entered, decision, event.what)
                else:
                    check.leave_out(f"{event.what.topic}: it is not there")
    for topic in released.values():
        topic.finish()


@dataclass(slots=True)
class _Released:
    """One governed topic: its records by the decision they name."""

    topic: str
    book: Book
    check: Check
    by_decision: dict[str, list[Record]] = field(default_factory=dict)
    waiting: int = 0
    is_cut: bool = False

    def __post_init__(self) -> None:
        for (topic, partition), log in self.book.evidence.logs.items():
            if topic == self.topic:
                self.is_cut = self.is_cut or log.first > 0
                self._read((topic, partition), log)

    def _read(self, place: Place, log: Log) -> None:
        self.check.count("records", len(log.records))
        last: dict[Order, Order] = {}
        for record in log.records:
            decision = (dict(record.headers).get("bus-decision") or b"").decode("utf-8", "replace")
            order = id_order(decision)
            if len(order) != 4:
                self.check.find(place, record.offset, "somebody else wrote this: it names no decision of the arbiter")
                continue
            if order < last.get(order[:2], ()):
                self.check.find(place, record.offset, f"{decision} stands behind a later decision")
            last[order[:2]] = max(order, last.get(order[:2], ()))
            self.by_decision.setdefault(decision, []).append(record)

    def look_for(self, p: int, log: Log | None, entered: Entered, decision: str, what: ActionAdmitted) -> None:
        """One record was admitted by this decision of partition ``p``."""
        self.check.count("admitted")
        found = self.by_decision.pop(decision, [])
        source = log.by_offset.get(what.o) if log else None
        if not found:
            self._absent(p, entered, decision)
        for record in found[1:]:
            self.check.find((self.topic, record.partition), record.offset, f"{decision} is there more than once")
        if found and source is None:
            self.check.leave_out(f"{topics.ARBITER}/{p}: records that are gone (their bytes cannot be compared)")
        elif found and source is not None and (wrong := _difference(self.book, source, found[0], decision, what)):
            text = f"{decision} has another {wrong} than {topics.ARBITER}/{p} offset {what.o}"
            self.check.find((self.topic, found[0].partition), found[0].offset, text)

    def _absent(self, p: int, entered: Entered, decision: str) -> None:
        mark = self.book.released.get(p)
        if mark is None and (topics.PUBLISHED, 0) not in self.book.evidence.logs:
            self.check.leave_out(f"{self.topic}: bus.published is not there, so nobody knows what should be out")
        elif mark is None or entered.journal_offset >= mark:
            self.waiting += 1
        elif self.is_cut:
            self.check.leave_out(f"{self.topic}: what is older than its owner keeps")
        else:
            self.check.find((self.topic, 0), None, f"{decision} is missing: it was admitted and never released")

    def finish(self) -> None:
        """Say what was never admitted, and what is on its way."""
        for decision, records in self.by_decision.items():
            place = (self.topic, records[0].partition)
            self.check.find(place, records[0].offset, f"{decision} was never admitted by a valid decision")
        if self.waiting:
            self.check.still_moving(f"{self.topic}: {self.waiting:,} admitted records are on their way")


def _difference(book: Book, source: Record, record: Record, decision: str, what: ActionAdmitted) -> str:
    """Which part of a governed record is not as it should be; "" if all is."""
    if record.value != source.value:
        return "value"
    if record.key != source.key:
        return "key"
    if record.headers != governed_headers(source.headers, decision, what):
        return "set of headers"
    count = book.evidence.partitions.get(record.topic, 0)
    if count and record.partition != partition_of(source.key or b"", count):
        return "partition"
    return ""
