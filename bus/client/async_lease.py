"""A resource that an agent on asyncio holds, and the claim that leads to it."""

import asyncio
import logging
from collections.abc import Generator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from bus.client.clock import elapsed_s
from bus.client.errors import ClientError, Denied, LeaseLost, Unanswered, Undecided
from bus.client.holding import OnLost
from bus.client.lease import LEAVING_S, Failure, Lease, pauses, worth_another_try
from bus.client.message import JSON, Body
from bus.client.pending import OnProgress, Until
from bus.client.verdict import Verdict

if TYPE_CHECKING:
    from bus.client.async_bus import AsyncBus

_log = logging.getLogger("agentbus.client")


class Claiming:
    """A claim on its way: await it for the lease, or enter it."""

    def __init__(
        self,
        bus: "AsyncBus",
        arguments: tuple[str, int | None, str, Sequence[Mapping[str, str]]],
        on_lost: OnLost | None,
        on_progress: OnProgress | None,
        timeout_s: float,
    ) -> None:
        self._bus = bus
        self._arguments = arguments  # subject, lease_ms, reasoning, evidence
        self._on_lost = on_lost
        self._on_progress = on_progress
        self._timeout_s = timeout_s
        self._lease: AsyncLease | None = None

    def __await__(self) -> Generator[Any, None, "AsyncLease"]:
        """The lease; raises as `Bus.claim`."""
        return self._claim().__await__()

    async def __aenter__(self) -> "AsyncLease":
        """The lease, which ends with the block."""
        self._lease = await self._claim()
        return self._lease

    async def __aexit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Release it, as `Lease` does."""
        assert self._lease is not None
        await self._lease.leave(kind)

    async def _claim(self) -> "AsyncLease":
        await self._bus.open()
        voice, until_s = self._bus.blocking._voice, elapsed_s() + self._timeout_s
        on_progress = on_the_loop(self._on_progress)
        failed: Failure | None = None
        for pause_s in pauses():
            request = voice.claim(*self._arguments, until_s - elapsed_s(), on_progress)
            try:
                holding = voice.held(request, await self._bus._answer(request))
                lease = AsyncLease(self._bus, Lease(self._bus.blocking, holding))
                await lease.revive(until_s)
            except (LeaseLost, Denied, Undecided, Unanswered) as error:
                failed = worth_another_try(error, failed, until_s=until_s, pause_s=pause_s)
                await asyncio.sleep(pause_s)
                continue
            if self._on_lost is not None:
                lease.on_lost(self._on_lost)
            return lease
        raise AssertionError("the pauses never end")


def on_the_loop(call: OnProgress | None) -> OnProgress | None:
    """The same, called on the event loop that runs now."""
    if call is None:
        return None
    loop = asyncio.get_running_loop()
    return lambda event: loop.call_soon_threadsafe(call, event)


class AsyncLease:
    """A resource that this agent holds; the words of `Lease`, awaited."""

    def __init__(self, bus: "AsyncBus", lease: Lease) -> None:
        self._bus = bus
        self._lease = lease
        self._holding = lease._holding

    @property
    def subject(self) -> str:
        """What is held."""
        return self._holding.subject

    @property
    def token(self) -> int:
        """The fencing token: give it to whatever you write to outside Kafka."""
        return self._holding.token

    @property
    def until_ms(self) -> int:
        """When the bus ends the lease unless it is renewed, in epoch milliseconds of the broker."""
        return self._holding.until_ms

    @property
    def is_held(self) -> bool:
        """Is it held at this moment?"""
        return self._lease.is_held

    @property
    def remaining_s(self) -> float:
        """For how long that is sure without another renewal."""
        return self._lease.remaining_s

    @property
    def is_frozen(self) -> bool:
        """Does a person decide about it?"""
        return self._lease.is_frozen

    @property
    def loss(self) -> LeaseLost | None:
        """Why it is lost, None if it is not."""
        return self._holding.loss

    def on_lost(self, call: OnLost) -> None:
        """Call this on the event loop when it is lost, at once if it is."""
        loop = asyncio.get_running_loop()
        self._holding.when_lost(lambda loss: loop.call_soon_threadsafe(call, loss))

    def check(self) -> None:
        """Raise `LeaseLost` unless it is held."""
        self._lease.check()

    async def act(  # noqa: PLR0913  # all but two are optional headers of the message
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
        """Do something with what is held; as `Lease.act`."""
        self.check()
        return await self._bus.send(
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

    async def wait_for(self, whom: str, *, within_s: float, reason: str, timeout_s: float | None = None) -> Verdict:
        """Say that the work waits for an agent or a subject; as `Lease.wait_for`."""
        draft, blocking = self._lease.begin_wait(whom, within_s, reason), self._bus.blocking
        request = blocking._voice.send(draft, blocking._wait_s(timeout_s))
        return self._lease.end_wait(request, await self._bus._answer(request))

    async def resume(self, *, timeout_s: float | None = None) -> None:
        """The wait is over; as `Lease.resume`."""
        draft, blocking = self._lease.begin_resume(), self._bus.blocking
        if draft is not None:
            request = blocking._voice.send(draft, blocking._wait_s(timeout_s))
            blocking._voice.verdict(request, await self._bus._answer(request))

    async def renew(self, *, timeout_s: float | None = None) -> None:
        """Renew it now; the background does so by itself."""
        blocking = self._bus.blocking
        try:
            await self._bus._answer(blocking._voice.renew(self._holding, blocking._wait_s(timeout_s)))
        finally:
            self._holding.check_belief()
        self.check()

    async def revive(self, until_s: float) -> None:
        """As `Lease.revive`."""
        try:
            if self.loss is None and not self.is_held:
                await self.renew(timeout_s=until_s - elapsed_s())
            self.check()
        except BaseException:
            self._lease.abandon()
            raise

    async def release(self, *, to: str = "", reason: str = "", timeout_s: float | None = None) -> None:
        """Give it back; as `Lease.release`."""
        draft = self._lease.begin_release(to=to, reason=reason)
        if draft is None:
            return
        blocking = self._bus.blocking
        request = blocking._voice.send(draft, blocking._wait_s(timeout_s))
        self._lease.end_release(request, await self._bus._answer(request))

    async def leave(self, kind: type[BaseException] | None) -> None:
        """The end of its block."""
        try:
            await self.release(timeout_s=min(LEAVING_S, self._bus.blocking._timeout_s))
        except Unanswered as unanswered:
            _log.warning("%s was released, but not confirmed: %s", self.subject, unanswered)
        except ClientError:
            if kind is None:
                raise

    async def __aenter__(self) -> Self:
        """The lease itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Release it."""
        await self.leave(kind)

    def __repr__(self) -> str:
        return repr(self._lease)
