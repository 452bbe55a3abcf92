"""What an agent holds, as far as it may believe so: renewed in the background, lost loudly, never believed too long.

    held -- renewed ---------------------------------------------> held
    held -- a person decides on it (frozen): the lease clock stands
            still, and what answers a renewal begins a whole lease
            once more, for a thaw never gives less -------------> held
    held -- the agent releases it -------------------------------> released
    held -- the bus says it ended, fenced or late, or the belief
            ends before a renewal was answered ------------------> lost, for good

A lost holding is never believed again, even if an answer comes later: whoever was told to stop has stopped.
"""

import contextlib
import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Literal

from bus.client.belief import belief_end_s, counted_from_s, next_try_s, renewal_due_s
from bus.client.clock import elapsed_s
from bus.client.connection import Connection
from bus.client.errors import ClientError, LeaseLost
from bus.client.event import Event
from bus.client.message import RENEW, Draft, encoded, release_of
from bus.client.pending import Request
from bus.client.timers import Timer

GIVE_BACK_S = 30.0  # how long the client keeps at giving back what nobody uses; then the lease ends it
ENDED_BY_ANSWER = ("fenced", "late")  # reasons which say that the token is over

_log = logging.getLogger("agentbus.client")

OnLost = Callable[[LeaseLost], object]
State = Literal["held", "released", "lost"]


class Holding:
    """One grant. All methods but `is_held` take the connection's lock."""

    def __init__(
        self, connection: Connection, agent: str, event: Event, request: Request, when_over: Callable[["Holding"], None]
    ) -> None:
        assert event.token is not None
        assert event.until_ms is not None
        self.agent = agent
        self.subject = event.subject
        self.token = event.token
        self.until_ms = event.until_ms
        # A claim of what the agent holds already is one more use of it. What nobody uses waits for nobody: it is kept
        # only while another claim of the agent may take it over.
        self.uses = 0
        self.state: State = "held"
        self.loss: LeaseLost | None = None
        self.ended = threading.Event()
        self._connection = connection
        self._when_over = when_over
        self._on_lost: list[OnLost] = []
        self.is_frozen = _says_frozen(event)
        self._lease_ms = 0  # of a whole lease, never more than it is
        self._is_lease_known = False
        # A reading at which the broker's clock stood at or before ``_at_ms``, and how far from there is believed.
        self._began_s, self._at_ms, self._until_ms = request.began_s, event.at_ms, event.until_ms
        self._belief_end_s = self._renewal_s = 0.0
        self._is_started = False
        self._watching: Timer | None = None
        self._renewing: Timer | None = None
        self._extend(event, request.counted_from_s(event))

    @property
    def is_held(self) -> bool:
        """May the agent believe that it holds this, at this moment?"""
        return self.state == "held" and elapsed_s() < self._belief_end_s

    @property
    def remaining_s(self) -> float:
        """How long it may believe so without another renewal."""
        return max(0.0, self._belief_end_s - elapsed_s()) if self.state == "held" else 0.0

    def start(self) -> None:
        """Begin to renew, once there is a belief to prolong: a grant may have been too long on its way."""
        if not self._is_started and self.is_held:
            self._is_started = True
            self._watch()
            self._renew_at(self._renewal_s)

    def when_lost(self, call: OnLost) -> None:
        """Call this once it is lost, at once if it is already."""
        with self._connection.lock:
            self._connection.callbacks.start()
            self._on_lost.append(call)
            if self.loss is not None:
                self._tell(call, self.loss)

    def check(self) -> None:
        """Raise `LeaseLost` unless it is held."""
        with self._connection.lock:
            self.check_belief()
            if self.loss is not None:
                raise self.loss.again()
            if self.state == "released":
                raise LeaseLost(self.subject, self.token, "released", "it was released before")

    def release(self) -> None:
        """The agent believes it no more; what the bus is told comes after."""
        with self._connection.lock:
            if self.state == "held":
                self.state = "released"
                self._end()

    def lose(self, reason: str, detail: str = "") -> None:
        """It is over while the agent believed in it."""
        with self._connection.lock:
            if self.state != "held":
                return
            self.state = "lost"
            self.loss = LeaseLost(self.subject, self.token, reason, detail)
            self._end()
            if reason == "closed":  # its own program ends it: nothing that anybody has to look into
                _log.info("%s", self.loss.message)
            else:
                _log.warning("%s", self.loss)
            for call in self._on_lost:
                self._tell(call, self.loss)

    def prolong(self, event: Event, request: Request) -> None:
        """The bus has renewed or confirmed it."""
        with self._connection.lock:
            if self._is_started:
                self.check_belief()  # once it is over it is not believed again, even if its timer comes late
            if self.state != "held":
                return
            self._extend(event, request.counted_from_s(event))
            if self._is_started:
                self._watch()
            self.start()

    def on_freeze(self, event: Event) -> None:
        """A person decides on it from here on, or has decided that it goes on."""
        with self._connection.lock:
            self.is_frozen = event.kind == "frozen"
            if self.state != "held" or self.is_frozen or event.until_ms is None:
                return
            self._extend(event, counted_from_s(self._began_s, asked_at_ms=self._at_ms, at_ms=event.at_ms))
            if self._is_started:
                self._watch()
            self.start()

    def on_renewal(self, request: Request) -> None:
        """Take in the answer to a renewal."""
        event = request.events[-1]
        if event.kind in ("renewed", "confirmed"):
            self.is_frozen = event.kind == "confirmed"  # nothing else is said so to a renewal
        if event.kind in ("renewed", "confirmed"):
            self.prolong(event, request)
        elif event.reason in ENDED_BY_ANSWER:
            self.lose(event.reason, event.detail)
        else:
            _log.warning("the lease of %s was not renewed (%s): it ends soon", self.subject, event.reason)

    def check_belief(self) -> None:
        """Is the belief over though nobody has said so? Then it is lost."""
        with self._connection.lock:
            if self.state == "held" and not self.is_held:
                self._lose_unanswered()

    def _lose_unanswered(self) -> None:
        """Nobody knows whether it is still held: believe that it is not, and tell the bus so."""
        self.lose("unanswered", "no renewal was answered before the lease could have ended")
        # A holder that has stopped should not keep others waiting.
        self.send_release(reason="no renewal was answered")

    def draft_renewal(self) -> Draft:
        """The message that prolongs it."""
        return Draft(self.agent, RENEW, encoded({"token": self.token}), subject=self.subject)

    def draft_release(self, *, to: str = "", reason: str = "") -> Draft:
        """The message that ends it."""
        return release_of(self.agent, self.subject, self.token, to=to, reason=reason)

    def send_release(self, *, reason: str = "not used") -> None:
        """Tell the bus that it is over, without waiting; if that fails, the lease ends it."""
        with contextlib.suppress(ClientError):
            self._connection.submit(self.draft_release(reason=reason), GIVE_BACK_S, is_waited_for=False)

    def _end(self) -> None:
        self.ended.set()
        for timer in (self._watching, self._renewing):
            self._connection.timers.cancel(timer)
        self._when_over(self)

    def _extend(self, event: Event, began_s: float) -> None:
        assert event.until_ms is not None
        lease_ms = event.until_ms - event.at_ms
        if event.kind in ("granted", "renewed"):
            self._lease_ms = min(lease_ms, self._lease_ms) if self._is_lease_known else lease_ms
            self._is_lease_known = True
        elif event.lease_ms is not None:
            self._lease_ms, self._is_lease_known = event.lease_ms, True
        elif not self._is_lease_known:  # what is left of it
            self._lease_ms = max(lease_ms, self._lease_ms)
        self.until_ms = max(self.until_ms, event.until_ms)
        # Whenever the clock goes on, a whole lease is left at least.
        until_ms = event.at_ms + self._lease_ms if self.is_frozen else event.until_ms
        self._began_s, self._at_ms, self._until_ms = began_s, event.at_ms, until_ms
        self._belief_end_s = max(self._belief_end_s, belief_end_s(began_s, at_ms=event.at_ms, until_ms=until_ms))
        self._renewal_s = renewal_due_s(began_s, at_ms=event.at_ms, until_ms=until_ms)

    def _watch(self) -> None:
        self._connection.timers.cancel(self._watching)
        self._watching = self._connection.timers.at(self._belief_end_s, self.check_belief)

    def _renew_at(self, when_s: float) -> None:
        self._renewing = self._connection.timers.at(when_s, self._renew)

    def _renew(self) -> None:
        if not self.is_held:
            return
        if elapsed_s() < self._renewal_s:  # it was renewed meanwhile
            self._renew_at(self._renewal_s)
            return
        draft, within_s = self.draft_renewal(), self.remaining_s
        try:  # if it is not answered, the next try or the end of the belief says more
            self._connection.submit(draft, within_s, is_waited_for=False, when_answered=self.on_renewal)
        except ClientError as error:
            _log.warning("%s could not be renewed: %s", self.subject, error)
        self._renew_at(next_try_s(elapsed_s(), at_ms=self._at_ms, until_ms=self._until_ms))

    def _tell(self, call: OnLost, loss: LeaseLost) -> None:
        self._connection.callbacks.add(partial(call, loss))


def _says_frozen(event: Event) -> bool:
    """Does a confirmation say that a person decides on it? Who has forgotten its grant was told nothing of a freeze."""
    return event.kind == "confirmed" and event.case != ""
