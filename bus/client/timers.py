"""Remembers what is to be done when, for the one thread that serves a connection."""

import heapq
import threading
from collections.abc import Callable
from itertools import count

Task = Callable[[], None]


class Timers:
    """Tasks by their time on `elapsed_s`, added from any thread. Whoever adds tasks bounds how many."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, Task]] = []
        self._number = count()
        self._lock = threading.Lock()

    def at(self, when_s: float, task: Task) -> None:
        """Do this then, not before."""
        with self._lock:
            heapq.heappush(self._waiting, (when_s, next(self._number), task))

    def due(self, now_s: float) -> list[Task]:
        """What is to be done now, in the order of the times; each is handed out once."""
        with self._lock:
            found = []
            while self._waiting and self._waiting[0][0] <= now_s:
                found.append(heapq.heappop(self._waiting)[2])
            return found

    def next_s(self) -> float | None:
        """The time of the next task, None if there is none."""
        with self._lock:
            return self._waiting[0][0] if self._waiting else None
