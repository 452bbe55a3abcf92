"""Two clocks: one that only measures how long ago something was, and one that guesses what time it is at the broker."""

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

# Linux counts suspended time on this clock alone, macOS on CLOCK_MONOTONIC: a machine that slept must not wake up
# with a belief that ended meanwhile.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", None) or time.CLOCK_MONOTONIC

# A delivery report that took longer says too little about the broker's clock once a better one is there.
SHARP_MS = 250
# After this long even a vague report is worth more than a sharp old one: clocks drift and are set.
REMEMBERED_S = 60.0
# A clock that is wrong by this much is worth a warning; networks and busy machines explain less.
SKEW_TOLD_MS = 5_000

_log = logging.getLogger("agentbus.client")


Reading = Callable[[], float]


@dataclass(slots=True)
class _Clocks:
    """What is read: this machine's clocks, or those of a simulated world while one lasts."""

    elapsed_s: Reading
    wall_s: Reading


_MACHINE = _Clocks(lambda: time.clock_gettime(_CLOCK), lambda: time.time())  # noqa: PLW0108 as it is when it is read
_clocks = _MACHINE


def elapsed_s() -> float:
    """Seconds since some fixed moment, running on while the machine sleeps; equal in all processes of one machine."""
    return _clocks.elapsed_s()


@contextlib.contextmanager
def living_by(elapsed: Reading, wall: Reading) -> Iterator[None]:
    """Every agent of this process lives by these clocks (seconds) as long as this lasts: a simulated world's."""
    global _clocks  # noqa: PLW0603 one time for a whole process: its agents talk to one another
    before, _clocks = _clocks, _Clocks(elapsed, wall)
    try:
        yield
    finally:
        _clocks = before


class BrokerClock:
    """Learns the broker's time from delivery reports, so that a wrong local clock is told and not suffered."""

    def __init__(self) -> None:
        self._ahead_ms = 0.0
        self._doubt_ms = float("inf")
        self._learned_s = 0.0
        self._is_told = False
        self._wall_ahead_ms = _clocks.wall_s() * 1000 - elapsed_s() * 1000

    @property
    def is_learned(self) -> bool:
        """Has the broker told its time yet? Before that the local clock has to do."""
        return self._doubt_ms != float("inf")

    @property
    def skew_ms(self) -> int | None:
        """How far the local clock is ahead of the broker's (negative: behind); None before the broker told."""
        if not self.is_learned:
            return None
        return int(_clocks.wall_s() * 1000 - elapsed_s() * 1000 - self._ahead_ms)

    @property
    def is_wrong(self) -> bool:
        """Is the local clock off by more than the way of the reports explains?"""
        skew_ms = self.skew_ms
        return skew_ms is not None and abs(skew_ms) > SKEW_TOLD_MS + self._doubt_ms

    def learn(self, append_ms: int, *, sent_s: float, reported_s: float) -> None:
        """Take in an append time (epoch ms) that lies between two readings of `elapsed_s`."""
        doubt_ms = (reported_s - sent_s) * 500
        is_better = doubt_ms <= max(self._doubt_ms, SHARP_MS) or reported_s - self._learned_s > REMEMBERED_S
        if append_ms <= 0 or not is_better:
            return
        self._ahead_ms = append_ms - (sent_s + reported_s) * 500
        self._doubt_ms = doubt_ms
        self._learned_s = reported_s

    def warn_once(self) -> None:
        """Tell people, the first time it turns out, that the local clock is wrong."""
        if self.is_wrong and not self._is_told:
            self._is_told = True
            told = (
                "the clock of this machine is %d ms ahead of Kafka's: messages carry the corrected time; set it right"
            )
            _log.warning(told, self.skew_ms)

    def now_ms(self) -> int:
        """Epoch milliseconds at the broker, about; the local clock's before the broker told."""
        ahead_ms = self._ahead_ms if self.is_learned else self._wall_ahead_ms
        return int(elapsed_s() * 1000 + ahead_ms)
