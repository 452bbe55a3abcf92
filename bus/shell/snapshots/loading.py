"""Reads one snapshot back, a moment at a time: its parts in order, each by its hash, and all lines by theirs."""

import time
from collections import deque
from dataclasses import dataclass, field

from confluent_kafka import Consumer, Message, TopicPartition

from bus.core.log.records import digest
from bus.core.log.topics import SNAPSHOTS
from bus.shell import kafka
from bus.shell.errors import RetryableError
from bus.shell.snapshots.copies import StateReader
from bus.shell.snapshots.records import Snapshot, Unpacking

LOOK_EVERY_LINES = 50  # how often the time is looked at: half a millisecond of lines


class UnusableError(RetryableError):
    """A snapshot that counts as good cannot be read, or is not of this chain: the restore begins elsewhere."""


@dataclass(slots=True)
class Loading:
    """Gives the lines of a snapshot to ``reader``; `step` until it says that all is done."""

    snapshot: Snapshot
    reader: StateReader
    _unpacking: Unpacking = field(default_factory=Unpacking)
    _values: deque[bytes] = field(default_factory=deque)
    _lines: deque[bytes] = field(default_factory=deque)
    _next_part: int = 0
    _consumer: Consumer | None = None
    _progress_s: float = 0.0

    def step(self, config: kafka.ClientConfig, step_s: float) -> bool:
        """Read for about so many seconds; True when the state is whole.

        Raises `UnusableError`, or `RetryableError` if Kafka is silent.
        """
        until_s = time.monotonic() + step_s
        if self._consumer is None and self._next_part == 0:
            self._open(config)
        if self._consumer is not None and not self._values and not self._lines:
            self._fetch(self._consumer, step_s)
        try:
            while self._values or self._lines:
                if not self._lines:
                    self._lines.extend(self._unpacking.unpack(self._values.popleft()))
                self._take_some()
                if time.monotonic() >= until_s:
                    break
            if self._next_part < len(self.snapshot.parts) or self._values or self._lines:
                return False
            self._finish()
        except (KeyError, TypeError, ValueError) as error:
            raise self._unusable(f"it cannot be read ({type(error).__name__}: {error})") from error
        return True

    def close(self) -> None:
        """Give the client back."""
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None

    def _open(self, config: kafka.ClientConfig) -> None:
        if not self.snapshot.parts:
            raise self._unusable("it has no parts")
        self._consumer = kafka.reader(config)
        self._consumer.assign([TopicPartition(SNAPSHOTS, 0, self.snapshot.parts[0].offset)])
        self._progress_s = time.monotonic()

    def _fetch(self, consumer: Consumer, step_s: float) -> None:
        for message in kafka.fetch(consumer, step_s):
            self._progress_s = time.monotonic()
            if error := None if kafka.is_end(message) else message.error():
                raise self._unusable(f"its parts are not to be had ({error.str()})")
            if self._next_part < len(self.snapshot.parts):
                self._take_part(message)
        if self._next_part == len(self.snapshot.parts):
            self.close()
        elif time.monotonic() - self._progress_s > kafka.WATCHDOG_S:
            raise RetryableError(f"{SNAPSHOTS} does not answer")

    def _take_part(self, message: Message) -> None:
        part, offset = self.snapshot.parts[self._next_part], message.offset() or 0
        if offset < part.offset and not kafka.is_end(message):
            return  # of another snapshot, written beside this one
        value = message.value() or b""
        if offset > part.offset or kafka.is_end(message) or digest(value) != part.hash:
            raise self._unusable(f"part {self._next_part} is not the one it names")
        self._values.append(value)
        self._next_part += 1

    def _take_some(self) -> None:
        for _ in range(min(LOOK_EVERY_LINES, len(self._lines))):
            self.reader.take(self._lines.popleft())

    def _finish(self) -> None:
        if self._unpacking.state_hash != self.snapshot.state_hash:
            raise ValueError("its lines have another hash")
        self.reader.finish()

    def _unusable(self, why: str) -> UnusableError:
        self.close()
        text = f"the snapshot of {self.snapshot.standing.key} at offset {self.snapshot.place} of {SNAPSHOTS} is no use"
        return UnusableError(f"{text}: {why}", "the restore begins at an older one")
