"""Remembers what is to be done when, for the one thread that serves a connection."""

import heapq
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

Task = Callable[[], None]

CANCELLED_MAX = 100  # so many, and half of all, may wait for a time that matters no more; then they are swept out


@dataclass(slots=True, order=True)
class Timer:
    """One task; ``at_s`` is a reading of `elapsed_s`. A cancelled one keeps nothing alive."""

    at_s: float
    number: int
    task: Task | None = field(compare=False)


class Timers:
    """Tasks by their time on `elapsed_s`, added from any thread. Whoever adds tasks bounds how many."""

    def __init__(self) -> None:
        self._waiting: list[Timer] = []
        self._cancelled = 0
        self._number = count()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._waiting) - self._cancelled

    def at(self, when_s: float, task: Task) -> Timer:
        """Do this then, not before."""
        with self._lock:
            timer = Timer(when_s, next(self._number), task)
            heapq.heappush(self._waiting, timer)
            return timer

    def cancel(self, timer: Timer | None) -> None:
        """Do it no more; nothing if it was done or cancelled already, or is None."""
        with self._lock:
            if timer is None or timer.task is None:
                return
            timer.task = None
            self._cancelled += 1
            if self._cancelled > max(CANCELLED_MAX, len(self._waiting) // 2):
                self._waiting = [one for one in self._waiting if one.task is not None]
                heapq.heapify(self._waiting)
                self._cancelled = 0

    def due(self, now_s: float) -> list[Task]:
        """What is to be done now, in the order of the times; each is handed out once."""
        with self._lock:
            found: list[Task] = []
            while self._waiting and self._waiting[0].at_s <= now_s:
                timer = heapq.heappop(self._waiting)
                if timer.task is None:
                    self._cancelled -= 1
                else:
                    found.append(timer.task)
                    timer.task = None
            return found

    def next_s(self) -> float | None:
        """The time of the next task, None if there is none."""
        with self._lock:
            return self._waiting[0].at_s if self._waiting else None
