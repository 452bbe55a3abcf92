"""Ends a process that hangs on a record, so that the next one judges that record alone and in the end refuses it.

Nothing in the bus should run for ever: patterns and rules are linear in what they are given. If something does all the
same, a lane would stand still without a word. A batch has ``hang_s`` (30 by default: it takes milliseconds, one that
reads older records waits for Kafka, 10 s now and then); then the process says where it hung and dies, which
is what the poison path begins with. A hang in native code that never lets Python run is ended by a timer of the
operating system, which this thread keeps putting off while all is well.
"""

import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

LOOK_S = 0.5
GRACE_S = 2.0  # the timer leaves the words to the thread where it can still speak
HANG_CODE = 70  # what the process ends with

log = structlog.get_logger("bus.watchdog")


@dataclass(slots=True)
class Judging:
    """What one stage is judging now: since when (monotonic, 0: nothing), in which partition, from which record on."""

    since_s: float = 0.0
    topic: str = ""
    partition: int = 0
    offset: int = 0

    def begin(self, topic: str, partition: int, offset: int) -> None:
        """A batch is about to be judged."""
        self.topic, self.partition, self.offset = topic, partition, offset
        self.since_s = time.monotonic()

    def end(self) -> None:
        """It has been."""
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
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to watch."""
        self._thread = threading.Thread(target=self._run, name="bus-watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(LOOK_S * 4)
        faulthandler.cancel_dump_traceback_later()

    def _run(self) -> None:
        while not self._stop.is_set():
            faulthandler.dump_traceback_later(self.hang_s + GRACE_S, exit=True, file=sys.__stderr__ or 2)
            now_s = time.monotonic()
            for judging in self.stages:
                since_s = judging.since_s
                if since_s and now_s - since_s > self.hang_s:
                    self.on_hang(judging, self.hang_s)
            self._stop.wait(min(LOOK_S, self.hang_s / 4))
