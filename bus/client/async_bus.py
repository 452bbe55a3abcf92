"""The bus for agents on asyncio: the same words, awaited; nothing here ever blocks the event loop."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from types import TracebackType
from typing import Any, NoReturn, Self, TypeVar, overload

from bus.client.admitted import Builder, Message
from bus.client.async_events import AsyncDuties, AsyncEvents
from bus.client.async_iteration import AsyncIteration
from bus.client.async_lease import Claiming, on_the_loop
from bus.client.errors import Misuse, Undecided
from bus.client.event import Event
from bus.client.execution import Action, Execution
from bus.client.holding import OnLost
from bus.client.message import JSON, Body
from bus.client.pending import OnProgress, Request, Until
from bus.client.stores import Store
from bus.client.subscription import Start
from bus.client.sync_bus import TIMEOUT_S, Bus, PlainBody
from bus.client.verdict import Held, Outcome, Verdict
from bus.client.voice import Extras, OnEvent, Question
from bus.core.policy.contracts import JsonObject

T = TypeVar("T")


class AsyncBus:
    """One agent on the bus, for asyncio; arguments as of `Bus`.

    async with AsyncBus(agent="spiffe://acme/agent/sales-1", lane="sales") as bus:
        async with bus.claim("lead/L-1") as lead:
            await lead.act("leads.email.send.v1", {"lead_id": "L-1", "to": "ada@acme.com", "subject": "A", "text": "B"})
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
        if self.blocking.is_open:
            self.blocking.open()  # somebody who shares the connection has opened it: nothing here waits any more
        else:
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
        on_progress: OnProgress | None = None,
        timeout_s: float | None = None,
    ) -> Claiming:
        """Hold ``subject``: ``async with bus.claim(…) as lead`` or ``lead = await bus.claim(…)``; as `Bus.claim`.

        ``on_lost`` and ``on_progress`` are called on the event loop. A claim that is cancelled is withdrawn from its
        contest, and one that is granted all the same is given back.
        """
        waiting_s = self.blocking._wait_s(timeout_s)
        return Claiming(self, (subject, lease_ms, reasoning, evidence), on_lost, on_progress, waiting_s)

    async def withdraw(self, subject: str, *, timeout_s: float | None = None) -> Verdict:
        """Take this agent's claim out of the contest for ``subject``; as `Bus.withdraw`."""
        await self.open()
        voice = self.blocking._voice
        request = voice.withdraw(subject, self.blocking._wait_s(timeout_s))
        return voice.verdict(request, await self._answer(request))

    async def ask(
        self,
        subject: str,
        question: str,
        options: Sequence[str],
        *,
        within_s: float | None = None,
        on_progress: OnProgress | None = None,
        timeout_s: float | None = None,
    ) -> Outcome:
        """Let the seats of the terms choose one of ``options``; as `Bus.ask`."""
        await self.open()
        voice, asked = self.blocking._voice, Question(question, tuple(options), within_s)
        request = voice.ask(subject, asked, self.blocking._wait_s(timeout_s), on_the_loop(on_progress))
        return voice.outcome(request, await self._answer(request))

    def duties(self, *, timeout_s: float | None = None) -> AsyncDuties:
        """What others ask of this agent: ``async for duty in bus.duties()``; as `Bus.duties`."""
        return AsyncDuties(self.blocking._voice, self.open, self._say, timeout_s)

    async def decision_on(self, held: Held | Undecided, *, timeout_s: float | None = None) -> Verdict:
        """Wait for the decision on an action that is held; as `Bus.decision_on`."""
        await self.open()
        voice = self.blocking._voice
        request = voice.held_action(held, self.blocking._wait_s(timeout_s))
        return voice.verdict(request, await self._answer(request))

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
        until: Until = "verdict",
        timeout_s: float | None = None,
    ) -> Verdict:
        """Say something and get the verdict; as `Bus.send`."""
        await self.open()
        voice = self.blocking._voice
        draft = voice.draft(message_type, body, subject, token, Extras(content_type, id, headers, expires_in_s))
        request = voice.send(draft, self.blocking._wait_s(timeout_s), until)
        return voice.verdict(request, await self._answer(request))

    def events(self, *, timeout_s: float | None = None) -> AsyncEvents:
        """What happens to this agent without its asking: ``async for event in bus.events()``; as `Bus.events`."""
        return AsyncEvents(self.blocking._voice.inbox, self.open, timeout_s)

    async def on_event(self, call: OnEvent) -> None:
        """Call this on the event loop for every such event."""
        await self.open()
        loop = asyncio.get_running_loop()
        self.blocking._voice.when_event(lambda event: loop.call_soon_threadsafe(call, event))

    @overload
    def subscribe(
        self, *topics: str, group: str, start: Start = "latest", timeout_s: float | None = None
    ) -> AsyncIteration[Message[PlainBody]]: ...

    @overload
    def subscribe(
        self,
        *topics: str,
        group: str,
        types: Mapping[str, Builder[T]],
        start: Start = "latest",
        timeout_s: float | None = None,
    ) -> AsyncIteration[Message[T]]: ...

    def subscribe(
        self,
        *topics: str,
        group: str,
        types: Mapping[str, Builder[Any]] | None = None,
        start: Start = "latest",
        timeout_s: float | None = None,
    ) -> AsyncIteration[Message[Any]]:
        """Read governed topics, or ``bus.outcomes``: ``async for message in bus.subscribe(…)``; as `Bus.subscribe`."""
        return AsyncIteration(self.blocking._subscription(topics, group, types, start, timeout_s))

    @overload
    def execute_once(
        self, store: Store, *topics: str, group: str, start: Start = "earliest", timeout_s: float | None = None
    ) -> AsyncIteration[Action[PlainBody]]: ...

    @overload
    def execute_once(
        self,
        store: Store,
        *topics: str,
        group: str,
        types: Mapping[str, Builder[T]],
        start: Start = "earliest",
        timeout_s: float | None = None,
    ) -> AsyncIteration[Action[T]]: ...

    def execute_once(
        self,
        store: Store,
        *topics: str,
        group: str,
        types: Mapping[str, Builder[Any]] | None = None,
        start: Start = "earliest",
        timeout_s: float | None = None,
    ) -> AsyncIteration[Action[Any]]:
        """Execute what is admitted: ``async for action in bus.execute_once(…)``; as `Bus.execute_once`.

        The store is asked in a thread of its own.
        """
        subscription = self.blocking._subscription(topics, group, types, start, timeout_s)
        return AsyncIteration(Execution(self.blocking, store, subscription))

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

    def _say(self, message_type: str, body: JsonObject, subject: str, timeout_s: float | None) -> Awaitable[Verdict]:
        return self.send(message_type, body, subject=subject, timeout_s=timeout_s)

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
        except BaseException:
            self.blocking._voice.holdings.abandon(request)
            raise
