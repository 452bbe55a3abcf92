"""What happens to an agent without its asking, for asyncio: awaited, and kept when the one who waits is cancelled."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from bus.client.duty import Duty, Say
from bus.client.event import Event
from bus.client.inbox import Inbox
from bus.client.verdict import Verdict
from bus.client.voice import Voice


class AsyncEvents:
    """Iterate over it with ``async for``; `AsyncBus.events` makes it. Each event goes to one of those who wait."""

    def __init__(self, inbox: Inbox, opening: Callable[[], Awaitable[object]], timeout_s: float | None) -> None:
        self._inbox = inbox
        self._opening = opening
        self._timeout_s = timeout_s

    def __aiter__(self) -> AsyncIterator[Event]:
        """The events, as they happen."""
        return self

    async def __anext__(self) -> Event:
        """The next event."""
        await self._opening()
        loop, changed = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(changed.set)

        self._inbox.watch(wake)
        try:
            async with asyncio.timeout(self._timeout_s):
                while (event := self._inbox.take()) is None:
                    if self._inbox.is_over:
                        raise StopAsyncIteration
                    await changed.wait()
                    changed.clear()
                return event
        except TimeoutError:
            raise StopAsyncIteration from None
        finally:
            self._inbox.unwatch(wake)


class AsyncDuties:
    """Iterate over it with ``async for``; `AsyncBus.duties` makes it. Each duty goes to one of those who wait."""

    def __init__(
        self,
        voice: Voice,
        opening: Callable[[], Awaitable[object]],
        say: Say[Awaitable[Verdict]],
        timeout_s: float | None,
    ) -> None:
        self._voice = voice
        self._events = AsyncEvents(voice.asked, opening, timeout_s)
        self._say = say
        self._has_looked_back = False

    def __aiter__(self) -> AsyncIterator[Duty[Awaitable[Verdict]]]:
        """The duties, as they come."""
        return self

    async def __anext__(self) -> Duty[Awaitable[Verdict]]:
        """The next duty whose time is not over."""
        if not self._has_looked_back:
            self._has_looked_back = True
            await asyncio.to_thread(self._voice.look_back)
        while True:
            duty = self._voice.duty(await anext(self._events), self._say)
            if duty is not None:
                return duty
