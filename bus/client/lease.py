"""A resource that an agent holds, for code that waits: act on it, give it back, hear when it is lost."""

import logging
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, Self

from bus.client.clock import elapsed_s
from bus.client.errors import ClientError, Denied, LeaseLost, Misuse, Refused, Unanswered, Undecided
from bus.client.event import Event
from bus.client.holding import ENDED_BY_ANSWER, Holding, OnLost
from bus.client.message import JSON, RESUME, WAIT, Body, Draft, encoded
from bus.client.pending import Request, Until
from bus.client.verdict import Verdict
from bus.core.decision.reasons import ArbiterReason

if TYPE_CHECKING:
    from bus.client.sync_bus import Bus

LEAVING_S = 5.0  # how long the end of a `with` block waits to hear that its lease has ended

# An own lease that has run out is ended by the bus's next tick, a frozen one goes on when a person has decided.
AGAIN_S, AGAIN_S_MAX = 0.1, 1.0

Failure = LeaseLost | Denied | Undecided | Unanswered  # of a claim

_log = logging.getLogger("agentbus.client")


class Lease:
    """A resource that this agent holds. Leaving its ``with`` block releases it."""

    def __init__(self, bus: "Bus", holding: Holding) -> None:
        self._bus = bus
        self._holding = holding
        self._is_left = False
        self._wait = ""

    @property
    def subject(self) -> str:
        """What is held."""
        return self._holding.subject

    @property
    def token(self) -> int:
        """The fencing token: give it to whatever you write to outside Kafka, which should refuse lower ones."""
        return self._holding.token

    @property
    def until_ms(self) -> int:
        """When the bus ends the lease unless it is renewed, in epoch milliseconds of the broker."""
        return self._holding.until_ms

    @property
    def is_held(self) -> bool:
        """Is it held at this moment? It turns False before the bus can give the resource to anybody else."""
        return not self._is_left and self._holding.is_held

    @property
    def remaining_s(self) -> float:
        """For how long that is sure without another renewal."""
        return 0.0 if self._is_left else self._holding.remaining_s

    @property
    def is_frozen(self) -> bool:
        """Does a person decide about it? Its lease clock stands still until then, and whatever is done is held."""
        return self.is_held and self._holding.is_frozen

    @property
    def loss(self) -> LeaseLost | None:
        """Why it is lost, None if it is not."""
        return self._holding.loss

    def on_lost(self, call: OnLost) -> None:
        """Call this when it is lost, at once if it is; in the thread of the callbacks."""
        self._holding.when_lost(call)

    def check(self) -> None:
        """Raise `LeaseLost` unless it is held: for long work between two acts."""
        if self._is_left:
            raise LeaseLost(self.subject, self.token, "released", "it was released before")
        self._holding.check()

    def wait_lost(self, timeout_s: float | None = None) -> bool:
        """Wait until it is lost or released; False if it is still held after ``timeout_s``."""
        return self._holding.ended.wait(timeout_s)

    def act(  # noqa: PLR0913  # all but two are optional headers of the message
        self,
        message_type: str,
        body: Body,
        *,
        content_type: str = JSON,
        id: str = "",
        headers: Mapping[str, str] | None = None,
        expires_in_s: float | None = None,
        until: Until = "verdict",
        timeout_s: float | None = None,
    ) -> Verdict:
        """Do something with what is held: a guarded action under its token; returns what was admitted.

        If others have to agree the answer is a `Held`, and nothing is admitted yet: wait with `Bus.decision_on`, or at
        once with ``until="decided"``, which raises `Undecided` after ``timeout_s``. Raises `LeaseLost` without sending
        if it is held no more, `Fenced` or `Late` if the bus says so, `Refused` with all violations, `Unanswered`.
        """
        self.check()
        return self._bus.send(
            message_type,
            body,
            subject=self.subject,
            token=self.token,
            content_type=content_type,
            id=id,
            headers=headers,
            expires_in_s=expires_in_s,
            until=until,
            timeout_s=timeout_s,
        )

    def wait_for(self, whom: str, *, within_s: float, reason: str, timeout_s: float | None = None) -> Verdict:
        """Say that the work waits for an agent or a subject, for ``within_s`` at most: then a person is told of both.

        ``whom`` is an agent's id, its name, or a subject such as ``lead/L-1``; ``reason`` is for people. Goes on with
        `resume`. Raises `Refused` (``wait_too_long``, ``already_claimed``), `LeaseLost`, `Unanswered`.
        """
        draft = self.begin_wait(whom, within_s, reason)
        request = self._bus._voice.send(draft, self._bus._wait_s(timeout_s))
        return self.end_wait(request, self._bus._await(request))

    def resume(self, *, timeout_s: float | None = None) -> None:
        """The wait is over; nothing if there is none. Raises `Late` if it passed before, `Unanswered`."""
        draft = self.begin_resume()
        if draft is not None:
            request = self._bus._voice.send(draft, self._bus._wait_s(timeout_s))
            self._bus._voice.verdict(request, self._bus._await(request))

    def begin_wait(self, whom: str, within_s: float, reason: str) -> Draft:
        """The message that says so."""
        self.check()
        until_ms = self._bus._voice.connection.clock.now_ms() + int(within_s * 1000)
        # A subject has a slash; a name alone is an agent of the same domain, as on the command line.
        full = whom if "/" in whom else f"{self._bus.agent.rpartition('/')[0]}/{whom}"
        body = {"for": full, "until": until_ms, "reason": reason}
        return Draft(self._bus.agent, WAIT, encoded(body), subject=self.subject)

    def end_wait(self, request: Request, events: tuple[Event, ...]) -> Verdict:
        """Take in what the bus said to that."""
        verdict = self._bus._voice.verdict(request, events)
        self._wait = verdict.decision
        return verdict

    def begin_resume(self) -> Draft | None:
        """The message that ends the wait, None if there is none."""
        wait, self._wait = self._wait, ""
        if not wait:
            return None
        return Draft(self._bus.agent, RESUME, encoded({"wait": wait}), subject=self.subject)

    def renew(self, *, timeout_s: float | None = None) -> None:
        """Renew it now; the background does so by itself. Raises `LeaseLost`, `Unanswered`."""
        bus = self._bus
        try:
            bus._await(bus._voice.renew(self._holding, bus._wait_s(timeout_s)))
        finally:
            self._holding.check_belief()
        self.check()

    def revive(self, until_s: float) -> None:
        """A grant may have been so long on its way that it can no more be believed: then ask for more first.

        ``until_s`` is a reading of `elapsed_s`. Raises `LeaseLost` if the bus has ended it meanwhile. Whoever does not
        get the lease does not keep it from others.
        """
        try:
            if self.loss is None and not self.is_held:
                self.renew(timeout_s=until_s - elapsed_s())
            self.check()
        except BaseException:
            self.abandon()
            raise

    def abandon(self) -> None:
        """Give it back without waiting, unless others in this process use it."""
        if not self._is_left:
            self._is_left = True
            self._bus._voice.holdings.drop(self._holding)

    def release(self, *, to: str = "", reason: str = "", timeout_s: float | None = None) -> None:
        """Give it back; with ``to`` only that agent (an id) may claim it for a while. Nothing if it is over already.

        A lease that was claimed several times on one connection is given back by the last release: each before that
        only ends its own use (``is_held`` is False then), and others go on holding.
        Raises `LeaseLost` if it was lost before, `Unanswered`, and `Misuse` if it cannot go ``to`` that agent because
        another part of this one holds it, too.
        """
        draft = self.begin_release(to=to, reason=reason)
        if draft is not None:
            request = self._bus._voice.send(draft, self._bus._wait_s(timeout_s))
            self.end_release(request, self._bus._await(request))

    def begin_release(self, *, to: str = "", reason: str = "") -> Draft | None:
        """Believe in it no more: the message that says so, None if others in this process use it, or it is over."""
        if self._is_left or self._holding.state == "released":
            return None
        if to and self._holding.uses > 1:
            text = f"{self.subject} is held by another part of this agent, too: it cannot be handed over"
            raise Misuse(text, "release it there first, then hand it over")
        self._is_left = True
        if not self._bus._voice.holdings.leave(self._holding):
            return None
        return self._holding.draft_release(to=to, reason=reason)

    def end_release(self, request: Request, events: tuple[Event, ...]) -> None:
        """Take in what the bus said to that."""
        try:
            self._bus._voice.verdict(request, events)
        except Refused as refused:
            if refused.reason not in ENDED_BY_ANSWER:
                raise
            raise LeaseLost(self.subject, self.token, refused.reason, refused.detail) from None

    def __enter__(self) -> Self:
        """The lease itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Release it. A loss that nobody has noticed yet is raised, unless something else is raised already."""
        timeout_s = min(LEAVING_S, self._bus._timeout_s)
        try:
            self.release(timeout_s=timeout_s)
        except Unanswered as unanswered:
            _log.warning("%s was released, but not confirmed: %s", self.subject, unanswered)
        except ClientError:
            if kind is None:
                raise

    def __reduce__(self) -> NoReturn:
        """A lease belongs to the process that renews it."""
        raise Misuse("a Lease cannot be pickled or copied", "hand its token over, or release it to the other agent")

    def __repr__(self) -> str:
        return f"<Lease of {self.subject} under token {self.token}: {self._holding.state}>"


def worth_another_try(error: Failure, before: Failure | None, *, until_s: float, pause_s: float) -> Failure:
    """The error of a claim that is made once more after a pause; raises it, or the one before, if that has no sense.

    ``until_s`` is a reading of `elapsed_s`.
    """
    if isinstance(error, Unanswered) and before is not None:
        raise before from None  # the last try had too little time, and what was heard before says more
    if not is_own_and_over(error) or elapsed_s() + pause_s >= until_s:
        raise error
    return error


def is_own_and_over(error: Failure) -> bool:
    """Did a claim fail because this agent's own last lease is over, and the bus is about to end it? Then try again."""
    if isinstance(error, LeaseLost):
        return error.reason not in ("revoked", "closed", "superseded", "ruled")
    if isinstance(error, Denied):
        return error.reason == ArbiterReason.LATE and not error.contest  # of a contest it is the window that is over
    return isinstance(error, Undecided)


def pauses() -> Iterator[float]:
    """How long to wait before each further try, in seconds, without an end."""
    pause_s = AGAIN_S
    while True:
        yield pause_s
        pause_s = min(2 * pause_s, AGAIN_S_MAX)
