"""Makes a reader that blocks into one that asyncio awaits: a thread of its own waits, the event loop never does."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Blocking(Protocol[T_co]):
    """A subscription or an execution."""

    def __next__(self) -> T_co:
        """The next item, however long that takes; raises StopIteration."""

    def __enter__(self) -> object:
        """Open it."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Close it; without an exception the last item is processed."""

    def close(self) -> None:
        """Close it; the last item is not processed."""


class AsyncIteration(Generic[T]):
    """``async for`` over it. An item counts as processed once the next one is asked for; see the reader's own words."""

    def __init__(self, blocking: Blocking[T]) -> None:
        self._blocking = blocking
        self._thread = ThreadPoolExecutor(1, "agentbus-reader")
        # What was fetched for somebody who was cancelled meanwhile is the next one's.
        self._fetching: asyncio.Future[T | None] | None = None

    async def close(self) -> None:
        """End it; what was handed out last is not processed."""
        await asyncio.to_thread(self._blocking.close)
        self._thread.shutdown(wait=False)

    def __aiter__(self) -> AsyncIterator[T]:
        """The items, as they come."""
        return self

    async def __anext__(self) -> T:
        """The next item."""
        if self._fetching is None:
            self._fetching = asyncio.get_running_loop().run_in_executor(self._thread, self._next)
        try:
            item = await asyncio.shield(self._fetching)
        except asyncio.CancelledError:
            raise
        except BaseException:
            self._fetching = None
            raise
        self._fetching = None
        if item is None:
            raise StopAsyncIteration
        return item

    async def __aenter__(self) -> Self:
        """Open it."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._blocking.__enter__)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it; without an exception the last item is processed."""
        if self._fetching is not None:
            await asyncio.to_thread(self._blocking.close)  # ends the wait of the one thread
        await asyncio.get_running_loop().run_in_executor(self._thread, self._blocking.__exit__, kind, error, trace)
        self._thread.shutdown(wait=False)

    def _next(self) -> T | None:
        return next(self._blocking, None)
