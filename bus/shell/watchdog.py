"""Ends a process that hangs on a record, so that the next one judges that record alone and in the end refuses it.

Nothing in the bus should run for ever: patterns and rules are linear in what they are given. If something does all the
same, a lane would stand still without a word. A batch takes milliseconds, one that reads older records waits for Kafka
for 10 s now and then; after ``hang_s`` the process says where it hung and dies, which is what the poison path begins
with. What hangs in native code and never lets Python run is ended by a timer of the operating system, which this thread
puts off while all is well. The timer counts CPU time, and the thread its own looks: a process that was stopped for a
while, or gets no CPU, does not hang.
"""

import faulthandler
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

LOOKS = 8  # in the time that a batch may take
HANG_CODE = 70  # what the process ends with

log = structlog.get_logger("bus.watchdog")


@dataclass(slots=True, eq=False)
class Judging:
    """What one stage is judging now: since when (monotonic, 0: nothing), in which partition, from which record on.

    ``survived`` counts, by topic, partition and offset, how often it has begun to judge a record alone and still lives.
    """

    since_s: float = 0.0
    topic: str = ""
    partition: int = 0
    offset: int = 0
    survived: Counter[tuple[str, int, int]] = field(default_factory=Counter)

    @contextmanager
    def of(self, topic: str, partition: int, offset: int) -> Iterator[None]:
        """A batch is being judged."""
        self.topic, self.partition, self.offset = topic, partition, offset
        self.since_s = time.monotonic()
        try:
            yield
        finally:
            self.since_s = 0.0


def die(judging: Judging, hang_s: float) -> None:
    """Say where it hung, with the stack of every thread, and end the process at once."""
    log.critical(
        "record_hangs",
        topic=judging.topic,
        partition=judging.partition,
        offset=judging.offset,
        seconds=hang_s,
        next="the process ends; started again it judges this record alone, and refuses it as poison the third time",
    )
    faulthandler.dump_traceback(file=sys.stderr, all_threads=True)
    sys.stderr.flush()
    os._exit(HANG_CODE)


@dataclass(slots=True)
class Watchdog:
    """Watches all stages of a process."""

    stages: Sequence[Judging]
    hang_s: float
    on_hang: Callable[[Judging, float], None] = die
    _seen: dict[Judging, tuple[float, int]] = field(default_factory=dict)  # the batch, and how often it was seen
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to watch."""
        # The signal's own effect is to end the process; the stacks of all threads are said before.
        faulthandler.register(signal.SIGPROF, file=sys.__stderr__ or 2, all_threads=True, chain=True)
        self._thread = threading.Thread(target=self._run, name="bus-watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(self.hang_s)
        signal.setitimer(signal.ITIMER_PROF, 0)
        faulthandler.unregister(signal.SIGPROF)

    def _run(self) -> None:
        while not self._stop.is_set():
            # Half as long again: where this thread can still speak, it names the record.
            signal.setitimer(signal.ITIMER_PROF, self.hang_s * 1.5)
            for judging in self.stages:
                since_s, looks = self._seen.get(judging, (0.0, 0))
                looks = looks + 1 if judging.since_s == since_s else 0
                self._seen[judging] = (judging.since_s, looks)
                if judging.since_s and looks >= LOOKS:
                    self.on_hang(judging, self.hang_s)
            self._stop.wait(self.hang_s / LOOKS)
