"""Everything one agent holds on one connection, and what the bus says about it without being asked."""

import contextlib
from collections.abc import Callable

from bus.client.connection import Connection
from bus.client.errors import ClientError, Misuse
from bus.client.event import Event
from bus.client.holding import GIVE_BACK_S, Holding
from bus.client.message import CLAIM
from bus.client.pending import Request

HOLDINGS_MAX = 10_000  # renewed by one thread, three times in each lease


class Holdings:
    """The holdings of one agent by subject. ``unasked`` gets every event that is no answer."""

    def __init__(self, connection: Connection, agent: str, unasked: Callable[[Event], None]) -> None:
        self._connection = connection
        self._agent = agent
        self._unasked = unasked
        self._held: dict[str, Holding] = {}

    def open(self) -> None:
        """Begin to hear what happens to the agent."""
        self._connection.listen(self._agent, self._on_event)

    def close(self) -> None:
        """Give everything back that is held, without waiting, and hear no more."""
        with self._connection.lock:
            held = list(self._held.values())
        for holding in held:
            was_held = holding.is_held
            holding.lose("closed", "its bus was closed")
            if was_held:
                self._give_back(holding)
        self._connection.leave(self._agent, self._on_event)

    def take(self, event: Event, request: Request) -> Holding:
        """The holding that a grant or confirmation stands for: a new one, or one more use of what is held already."""
        with self._connection.lock:
            known = self._held.get(event.subject)
            if known is not None and known.token == event.token and known.state == "held":
                known.uses += 1
                known.prolong(event, request)
                return known
            if len(self._held) >= HOLDINGS_MAX:
                raise Misuse(f"{HOLDINGS_MAX} leases are held at once", "release some of them")
            holding = Holding(self._connection, self._agent, event, request, self._forget)
            self._held[event.subject] = holding
            holding.start()
            return holding

    def is_last_use(self, holding: Holding) -> bool:
        """One user less; True if nobody uses it any more, which then ends it."""
        with self._connection.lock:
            holding.uses -= 1
            return holding.uses <= 0

    def _forget(self, holding: Holding) -> None:
        if self._held.get(holding.subject) is holding:
            del self._held[holding.subject]

    def _on_event(self, event: Event) -> None:
        """On the background thread, with the lock held."""
        if event.kind in ("granted", "confirmed") and self._give_back_unused(event):
            return
        holding = self._held.get(event.subject)
        if event.kind == "ended" and holding is not None and holding.token == event.token:
            holding.lose(event.reason, _why_it_ended(event))
        if self._connection.given_up(event) is None or event.kind not in ("renewed", "ended"):
            self._unasked(event)

    def _give_back_unused(self, event: Event) -> bool:
        """A claim was granted after its caller had left: nobody would ever use or release it."""
        request = self._connection.given_up(event)
        if request is None or request.draft.type != CLAIM or event.agent != self._agent:
            return False
        known = self._held.get(event.subject)
        if known is None or known.token != event.token:
            self._give_back(Holding(self._connection, self._agent, event, request, self._forget))
        return True

    def _give_back(self, holding: Holding) -> None:
        holding.release()
        with contextlib.suppress(ClientError):
            self._connection.submit(holding.draft_release(reason="not used"), GIVE_BACK_S, is_waited_for=False)


def _why_it_ended(event: Event) -> str:
    match event.reason:
        case "expired":
            return "it expired before a renewal arrived"
        case "revoked":
            return "an operator ended it"
        case "released":
            return "this agent released it elsewhere"
        case _:
            return f"it is {event.reason}"
