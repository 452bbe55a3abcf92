"""Knows which agents speak on a connection, and whom of them an event concerns."""

import contextlib
from typing import Protocol

from bus.client.errors import ClientError
from bus.client.event import Event

# With more agents than this on one connection, looking for their names takes longer than reading every answer.
NAMES_LOOKED_FOR_MAX = 4


class Listener(Protocol):
    """An agent on a connection. Everything here is called with the connection's lock held, and must not block."""

    def hear(self, event: Event) -> None:
        """Something happened that concerns the agent, whether it is an answer or not."""

    def notice(self, event: Event) -> None:
        """… and it was not heard before."""

    def tell(self, event: Event) -> None:
        """… and nobody waits for it."""

    def settle(self, subject: str) -> None:
        """A claim of the agent on this subject is over, or nobody waits for it any more."""

    def holds(self, subject: str, token: int) -> bool:
        """Does somebody use this lease?"""

    def cut_off(self, error: ClientError) -> None:
        """The connection has ended: nothing will be heard or renewed any more."""


class Listeners:
    """The listeners by agent: two of them may be the same agent. Not locked: its owner is."""

    def __init__(self, lane: str) -> None:
        self._lane = lane
        self._by_agent: dict[str, list[Listener]] = {}
        self._needles: tuple[bytes, ...] = ()

    def add(self, agent: str, listener: Listener) -> None:
        """From now on it hears what concerns the agent."""
        self._by_agent.setdefault(agent, []).append(listener)
        self._look_for_names()

    def remove(self, agent: str, listener: Listener) -> None:
        """Not any more; nothing if it did not."""
        with contextlib.suppress(KeyError, ValueError):
            self._by_agent[agent].remove(listener)
            if not self._by_agent[agent]:
                del self._by_agent[agent]
            self._look_for_names()

    def of(self, agent: str) -> list[Listener]:
        """Those of one agent."""
        return list(self._by_agent.get(agent, ()))

    def all(self) -> list[Listener]:
        """Those of all agents."""
        return [listener for listeners in self._by_agent.values() for listener in listeners]

    def concerned(self, event: Event) -> list[Listener]:
        """Those whom an event names."""
        return [listener for agent in dict.fromkeys(event.recipients) for listener in self.of(agent)]

    def may_concern(self, value: bytes) -> bool:
        """Can it be for one of them? Quicker than reading it, and never wrong about a no."""
        return not self._needles or any(needle in value for needle in self._needles)

    def _look_for_names(self) -> None:
        names = [*self._by_agent]
        few = 0 < len(names) <= NAMES_LOOKED_FOR_MAX
        to_the_lane = f'["{self._lane}",""]'
        self._needles = tuple(text.encode() for text in (*names, to_the_lane)) if few else ()
