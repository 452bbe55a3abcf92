"""Looks at ticks: the time they state is one the broker gave, and nothing that was forwarded later is older."""

from dataclasses import dataclass, field

from bus.audit.book import Book, Entered
from bus.audit.evidence import Log
from bus.audit.findings import Check
from bus.core.decision.entries import Entry
from bus.core.log import topics


@dataclass(slots=True)
class Ticks:
    """The ticks of one partition so far: per lane, the latest time that a tick stated while counting on that lane."""

    book: Book
    p: int
    check: Check
    floors: dict[str, tuple[int, int]] = field(default_factory=dict)  # lane -> now, input offset of the tick
    _since_ms: dict[str, int] = field(default_factory=dict)
    _log: Log | None = None

    def __post_init__(self) -> None:
        self._since_ms = self.book.lane_since_ms()
        self._log = self.book.evidence.log(topics.ARBITER, self.p)

    def look_at(self, entered: Entered) -> None:
        """Look at the next entry."""
        entry = entered.entry
        if entry.verdict == "tick":
            self.check.count("ticks")
            self._tick(entry, entered.journal_offset)
        elif entry.verdict != "repeat":
            self._message(entry, entered.journal_offset)

    def _tick(self, entry: Entry, journal_offset: int) -> None:
        place = (topics.JOURNAL, self.p)
        if not entry.after < entry.o:
            self.check.find(place, journal_offset, f"the tick at input {entry.o} stands on input {entry.after}")
            return
        record = self._log.by_offset.get(entry.after) if self._log else None
        if record is None:
            why = f"{topics.ARBITER}/{self.p}: ticks whose earlier record is not there any more"
            self.check.leave_out(f"{why} (the time they state cannot be compared)")
            return
        bound = record.timestamp_ms - self.book.genesis.skew_ms
        if entry.now > bound:
            text = (
                f"the tick at input {entry.o} states {entry.now}; the record before it, less the skew, allows {bound}"
            )
            self.check.find(place, journal_offset, text)
        for lane, since_ms in self._since_ms.items():
            # A tick counts on a lane once the change that set it was surely there for its writer to read.
            is_counted = lane not in entry.stalled and record.timestamp_ms > since_ms + self.book.genesis.skew_ms
            if is_counted and entry.now > self.floors.get(lane, (0, 0))[0]:
                self.floors[lane] = (entry.now, entry.o)

    def _message(self, entry: Entry, journal_offset: int) -> None:
        lane = entry.src.partition("/")[0].removeprefix(topics.incoming(""))
        now, tick = self.floors.get(lane, (0, 0))
        if entry.at < now:
            text = f"input {entry.o} from lane {lane} came at {entry.at}, yet the tick at input {tick} stated {now}"
            self.check.find((topics.JOURNAL, self.p), journal_offset, text)
