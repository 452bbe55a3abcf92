"""The bus for agents on asyncio: the same words, awaited; nothing here ever blocks the event loop."""

import asyncio
import logging
from collections.abc import AsyncIterator, Generator, Mapping, Sequence
from types import TracebackType
from typing import Any, NoReturn, Self

from bus.client.clock import elapsed_s
from bus.client.errors import ClientError, LeaseLost, Misuse, Refused, Unanswered
from bus.client.event import Event
from bus.client.holding import ENDED_BY_ANSWER, OnLost
from bus.client.message import JSON, Body
from bus.client.pending import Request
from bus.client.sync_bus import LEAVING_S, TIMEOUT_S, Bus, Lease
from bus.client.verdict import Verdict
from bus.client.voice import Extras, OnEvent

LOOK_S = 0.5  # how long a thread waits for an event before it sees that nobody wants one any more

_log = logging.getLogger("agentbus.client")


class AsyncBus:
    """One agent on the bus, for asyncio; arguments as of `Bus`.

    async with AsyncBus(agent="spiffe://acme/agent/sales-1", lane="sales") as bus:
        async with bus.claim("lead/L-1") as lead:
            await lead.act("leads.email.send.v1", {"lead_id": "L-1", "to": "ada@example.com", "text": "Hello"})
    """

    def __init__(
        self,
        *,
        agent: str = "",
        lane: str = "",
        bootstrap: str = "",
        kafka: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
        sharing: "AsyncBus | None" = None,
    ) -> None:
        shared = None if sharing is None else sharing.blocking
        self.blocking: Bus = Bus(
            agent=agent, lane=lane, bootstrap=bootstrap, kafka=kafka, timeout_s=timeout_s, sharing=shared
        )

    @property
    def agent(self) -> str:
        """Who speaks here."""
        return self.blocking.agent

    @property
    def lane(self) -> str:
        """The lane it speaks on."""
        return self.blocking.lane

    @property
    def clock_skew_ms(self) -> int | None:
        """How far this machine's clock is ahead of Kafka's (negative: behind); None before the first message."""
        return self.blocking.clock_skew_ms

    def as_agent(self, agent: str) -> "AsyncBus":
        """Another agent of the same lane on the same connection."""
        return AsyncBus(agent=agent, timeout_s=self.blocking._timeout_s, sharing=self)

    async def open(self) -> Self:
        """Connect now; raises `Unreachable`, `NotTaken`."""
        if not self.blocking.is_open:
            await asyncio.to_thread(self.blocking.open)
        return self

    async def close(self) -> None:
        """Give back every lease and disconnect; may be called again."""
        await asyncio.to_thread(self.blocking.close)

    def claim(
        self,
        subject: str,
        *,
        lease_ms: int | None = None,
        reasoning: str = "",
        evidence: Sequence[Mapping[str, str]] = (),
        on_lost: OnLost | None = None,
        timeout_s: float | None = None,
    ) -> "Claiming":
        """Hold ``subject``: ``async with bus.claim(…) as lead`` or ``lead = await bus.claim(…)``; as `Bus.claim`.

        ``on_lost`` is called on the event loop. A claim that is cancelled and granted all the same is given back.
        """
        return Claiming(self, subject, lease_ms, reasoning, evidence, on_lost, self.blocking._wait_s(timeout_s))

    async def send(  # noqa: PLR0913  # all but two are optional headers of the message
        self,
        message_type: str,
        body: Body,
        *,
        subject: str = "",
        token: int | None = None,
        content_type: str = JSON,
        id: str = "",
        headers: Mapping[str, str] | None = None,
        expires_in_s: float | None = None,
        timeout_s: float | None = None,
    ) -> Verdict:
        """Say something and get the verdict; as `Bus.send`."""
        await self.open()
        voice = self.blocking._voice
        draft = voice.draft(message_type, body, subject, token, Extras(content_type, id, headers, expires_in_s))
        request = voice.send(draft, self.blocking._wait_s(timeout_s))
        return voice.verdict(request, await self._answer(request))

    async def events(self, *, timeout_s: float | None = None) -> AsyncIterator[Event]:
        """What happens to this agent without its asking; as `Bus.events`."""
        await self.open()
        voice, until_s = self.blocking._voice, None if timeout_s is None else elapsed_s() + timeout_s
        while until_s is None or elapsed_s() < until_s:
            event = await asyncio.to_thread(voice.next_event, LOOK_S)
            if event is not None:
                until_s = None if timeout_s is None else elapsed_s() + timeout_s
                yield event
            elif not self.blocking.is_open:
                return

    async def on_event(self, call: OnEvent) -> None:
        """Call this on the event loop for every such event."""
        await self.open()
        loop = asyncio.get_running_loop()
        self.blocking._voice.when_event(lambda event: loop.call_soon_threadsafe(call, event))

    async def __aenter__(self) -> Self:
        """Connect."""
        return await self.open()

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Close."""
        await self.close()

    def __reduce__(self) -> NoReturn:
        """A connection cannot travel."""
        raise Misuse("an AsyncBus cannot be pickled or copied", "make a new one in the other process")

    def __repr__(self) -> str:
        return f"<AsyncBus {self.agent} on lane {self.lane}>"

    async def _answer(self, request: Request) -> tuple[Event, ...]:
        """The answer, as a future of the loop; a caller that is cancelled leaves, the message does not."""
        connection = self.blocking._shared.connection
        try:
            async with asyncio.timeout(request.remaining_s):
                return await asyncio.wrap_future(request.future)
        except TimeoutError:
            error = connection.give_up(request)
            if error is not None:
                raise error from None
            return request.future.result()
        except asyncio.CancelledError:
            connection.give_up(request)
            raise


class Claiming:
    """A claim on its way: await it for the lease, or enter it."""

    def __init__(
        self,
        bus: AsyncBus,
        subject: str,
        lease_ms: int | None,
        reasoning: str,
        evidence: Sequence[Mapping[str, str]],
        on_lost: OnLost | None,
        timeout_s: float,
    ) -> None:
        self._bus = bus
        self._arguments = (subject, lease_ms, reasoning, evidence, timeout_s)
        self._on_lost = on_lost
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
        voice = self._bus.blocking._voice
        request = voice.claim(*self._arguments)
        holding = voice.held(request, await self._bus._answer(request))
        lease = AsyncLease(self._bus, Lease(self._bus.blocking, holding))
        if self._on_lost is not None:
            lease.on_lost(self._on_lost)
        if not holding.is_held:
            await lease.renew(timeout_s=self._timeout_s)
        return lease


class AsyncLease:
    """A resource that this agent holds; the words of `Lease`, awaited."""

    def __init__(self, bus: AsyncBus, lease: Lease) -> None:
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
        return self._holding.is_held

    @property
    def remaining_s(self) -> float:
        """For how long that is sure without another renewal."""
        return self._holding.remaining_s

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
        self._holding.check()

    async def act(
        self,
        message_type: str,
        body: Body,
        *,
        content_type: str = JSON,
        id: str = "",
        headers: Mapping[str, str] | None = None,
        expires_in_s: float | None = None,
        timeout_s: float | None = None,
    ) -> Verdict:
        """Do something with what is held; as `Lease.act`."""
        self._holding.check()
        try:
            return await self._bus.send(
                message_type,
                body,
                subject=self.subject,
                token=self.token,
                content_type=content_type,
                id=id,
                headers=headers,
                expires_in_s=expires_in_s,
                timeout_s=timeout_s,
            )
        except Refused as refused:
            if refused.reason in ENDED_BY_ANSWER:
                self._holding.lose(refused.reason, refused.detail)
            raise

    async def renew(self, *, timeout_s: float | None = None) -> None:
        """Renew it now; the background does so by itself."""
        blocking = self._bus.blocking
        try:
            request = blocking._voice.send(self._holding.draft_renewal(), blocking._wait_s(timeout_s))
            self._holding.on_renewal((await self._bus._answer(request))[-1], request)
        finally:
            self._holding.check_belief()
        self._holding.check()

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
