"""Virtual time: what is to happen when, in an order that depends on nothing but what was asked for.

Time passes only in `run`; whoever waits in the middle of its work (a flush, a commit) lets the others go on.
"""

import heapq
from collections.abc import Callable

from bus.sim.errors import SimulationError

# Far above what any machine's own counter shows, so that nothing of this machine is taken for something to come.
BEGIN_S = 1_000_000_000.0
# 2026-11-21T10:00:00Z: every run begins on the same morning.
BEGIN_WALL_MS = 1_795_255_200_000
# A run of an hour needs a few million; a world that goes round in circles is told from one that is slow.
EVENTS_MAX = 50_000_000

Call = Callable[[], None]


class Timeline:
    """One virtual clock and everything that waits for its time."""

    def __init__(self) -> None:
        self.now_s = BEGIN_S
        self.count = 0
        self._waiting: list[tuple[float, int, Call]] = []

    @property
    def elapsed_s(self) -> float:
        """Seconds since the beginning."""
        return self.now_s - BEGIN_S

    def wall_ms(self) -> float:
        """Epoch milliseconds of a clock that is right."""
        return BEGIN_WALL_MS + self.elapsed_s * 1000

    def at(self, when_s: float, call: Call) -> None:
        """Call it then; at once, in its turn, if that is past."""
        self.count += 1
        if self.count > EVENTS_MAX:
            raise SimulationError("more events than any run needs: something goes round in circles")
        heapq.heappush(self._waiting, (max(when_s, self.now_s), self.count, call))

    def after(self, delay_s: float, call: Call) -> None:
        """Call it so much later."""
        self.at(self.now_s + delay_s, call)

    def run(self, until_s: float, is_done: Callable[[], bool] | None = None) -> bool:
        """Let time pass until then, or until it is done; was it done? None is never done."""
        if is_done is not None and is_done():
            return True
        waiting = self._waiting
        while waiting and waiting[0][0] <= until_s:
            when_s, _, call = heapq.heappop(waiting)
            self.now_s = max(self.now_s, when_s)  # somebody may have waited in the middle of another call
            call()
            if is_done is not None and is_done():
                return True
        self.now_s = max(self.now_s, until_s)
        return False

    def next_s(self) -> float | None:
        """When the next thing happens; None if nothing ever does."""
        return self._waiting[0][0] if self._waiting else None
