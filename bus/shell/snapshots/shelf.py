"""Finds the newest good snapshot of a partition: reads ``bus.snapshots`` from its end backwards, as far as is needed.

What was read once is kept without the parts, so the partitions of a process share one look at the topic.
"""

import time
from dataclasses import dataclass, field

from confluent_kafka import Consumer, Message, TopicPartition

from bus.core.log.topics import SNAPSHOTS
from bus.shell import kafka
from bus.shell.errors import RetryableError
from bus.shell.snapshots.records import FORMAT, Finding, Snapshot, read_record

WINDOW_RECORDS = 128  # read at once on the way back; parts are up to 1 MiB each
LOOKED_BACK_MAX = 50_000  # records; a partition whose last snapshot is farther back is restored from its beginning
STEP_S = 0.02  # a search goes on in small steps: it must not stall the other partitions of its process


@dataclass(slots=True)
class _Window:
    """A range of the topic that is being read."""

    start: int
    stop: int
    position: int
    progress_s: float


@dataclass(slots=True)
class Shelf:
    """The snapshots of all partitions, as far as they were read: offsets ``low`` to ``high`` of the topic."""

    config: kafka.ClientConfig
    _low: int = -1
    _high: int = -1
    _floor: int = 0  # nothing below is looked at
    _window: _Window | None = None
    _closed: dict[int, Snapshot] = field(default_factory=dict)
    _found: list[Finding] = field(default_factory=list)
    _spoiled: set[int] = field(default_factory=set)
    _asked: set[str] = field(default_factory=set)  # for whom the end of the topic was looked at
    _reader: Consumer | None = None

    def look(self, key: str) -> bool:
        """Read on for a moment; True once `newest` can be asked for this key. Raises `RetryableError`."""
        if self._window is not None:
            self._read(self._window)
        elif key not in self._asked:
            self._asked.add(key)
            self._look_at_end()
        elif self.newest(key) is not None or self._low <= self._floor:
            self._asked.discard(key)
            if not self._asked:
                self.close()
            return True
        else:
            self._open_window(max(self._floor, self._low - WINDOW_RECORDS), self._low)
        return False

    def newest(self, key: str, *, before: int | None = None) -> Snapshot | None:
        """The good one farthest on in the journal, or the one farthest on ``before`` a journal offset."""
        good = [self._closed.get(one.snapshot) for one in self._found if one.kind == "verified" and one.key == key]
        usable = [
            one
            for one in good
            if one is not None
            and one.place not in self._spoiled
            and one.format == FORMAT
            and (before is None or one.standing.offset < before)
        ]
        return max(usable, key=lambda one: one.standing.offset, default=None)

    def spoil(self, snapshot: Snapshot) -> None:
        """Never offer this one again: it could not be read, or is about another chain."""
        self._spoiled.add(snapshot.place)

    def close(self) -> None:
        """Give the reader back; a later look begins where this one ended."""
        if self._reader is not None:
            self._reader.close()
        self._reader, self._window = None, None
        self._asked.clear()

    def _look_at_end(self) -> None:
        first, end = kafka.ends(self._opened(), SNAPSHOTS, 0)
        if self._high < 0:
            self._low = self._high = end
        self._floor = max(first, self._high - LOOKED_BACK_MAX)
        if end > self._high:
            self._open_window(self._high, end)

    def _opened(self) -> Consumer:
        if self._reader is None:
            self._reader = kafka.reader(self.config)
        return self._reader

    def _open_window(self, start: int, stop: int) -> None:
        self._window = _Window(start, stop, start, time.monotonic())
        self._opened().assign([TopicPartition(SNAPSHOTS, 0, start)])

    def _read(self, window: _Window) -> None:
        for message in kafka.fetch(self._opened(), STEP_S):
            if error := None if kafka.is_end(message) else message.error():
                self.close()
                raise RetryableError(f"{SNAPSHOTS} cannot be read: {error.str()}")
            window.progress_s = time.monotonic()
            window.position = window.stop if kafka.is_end(message) else (message.offset() or 0) + 1
            if window.position <= window.stop and not kafka.is_end(message):
                self._keep(message)
        if window.position >= window.stop:
            self._low, self._high = min(self._low, window.start), max(self._high, window.stop)
            self._window = None
            self._opened().unassign()
        elif time.monotonic() - window.progress_s > kafka.WATCHDOG_S:
            self.close()
            raise RetryableError(f"{SNAPSHOTS} does not answer")

    def _keep(self, message: Message) -> None:
        read = read_record(kafka.record_of(message))
        if isinstance(read, Snapshot):
            self._closed[read.place] = read
        elif isinstance(read, Finding):
            self._found.append(read)
