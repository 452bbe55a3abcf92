"""Keeps what happened to an agent without its asking until somebody looks, a thread or an event loop."""

import threading
from collections import deque
from collections.abc import Callable, Sequence

from bus.client.clock import elapsed_s
from bus.client.event import Event

# Whoever does not take in what happens to it loses the oldest of it; what it asks is always answered.
EVENTS_MAX = 1_000

Wake = Callable[[], None]


class Inbox:
    """Each event goes to one of those who look. Safe from any thread."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=EVENTS_MAX)
        self._changed = threading.Condition()
        self._watchers: list[Wake] = []
        self._is_closed = False

    def put(self, event: Event) -> None:
        """One more; never blocks."""
        with self._changed:
            self._events.append(event)
            self._wake()

    def put_first(self, events: Sequence[Event]) -> None:
        """These were there before: ahead of the others, less those that are here already."""
        with self._changed:
            here = {event.decision for event in self._events}
            self._events.extendleft(event for event in reversed(events) if event.decision not in here)
            self._wake()

    def close(self) -> None:
        """Nothing comes any more: everybody who waits is woken, once the last event is taken."""
        with self._changed:
            self._is_closed = True
            self._wake()

    @property
    def is_over(self) -> bool:
        """Is it closed and empty?"""
        with self._changed:
            return self._is_closed and not self._events

    def take(self) -> Event | None:
        """The oldest event, None if there is none at this moment."""
        with self._changed:
            return self._events.popleft() if self._events else None

    def wait(self, timeout_s: float | None) -> Event | None:
        """The oldest event; None once the time is over or the inbox is closed."""
        until_s = None if timeout_s is None else elapsed_s() + timeout_s
        with self._changed:
            while not self._events:
                remaining_s = None if until_s is None else until_s - elapsed_s()
                if self._is_closed or (remaining_s is not None and remaining_s <= 0):
                    return None
                self._changed.wait(remaining_s)
            return self._events.popleft()

    def watch(self, wake: Wake) -> None:
        """Call this, which must neither block nor fail, whenever something has changed."""
        with self._changed:
            self._watchers.append(wake)

    def unwatch(self, wake: Wake) -> None:
        """Stop that."""
        with self._changed:
            self._watchers.remove(wake)

    def _wake(self) -> None:
        self._changed.notify_all()
        for wake in self._watchers:
            wake()
