"""Makes a reader that blocks into one that asyncio awaits: a thread of its own waits, the event loop never does."""

import asyncio
import contextlib
import queue
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

T = TypeVar("T")
R = TypeVar("R")
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
    """``async for`` over it. An item counts as processed once the next one is asked for; see the reader's own words.

    What was fetched for somebody who stopped waiting is kept for the next one. If there is none it was never handed
    out, so it is not processed either.
    """

    def __init__(self, blocking: Blocking[T]) -> None:
        self._blocking = blocking
        self._thread = ReaderThread()
        self._fetching: Future[T | None] | None = None

    async def close(self) -> None:
        """End it; what was handed out last is not processed."""
        await asyncio.to_thread(self._blocking.close)
        self._thread.end()

    def __aiter__(self) -> AsyncIterator[T]:
        """The items, as they come."""
        return self

    async def __anext__(self) -> T:
        """The next item."""
        if self._fetching is None:
            self._fetching = self._thread.run(lambda: next(self._blocking, None))
        fetching = self._fetching
        waiting = asyncio.wrap_future(fetching)
        waiting.add_done_callback(_seen)
        try:
            await asyncio.wait([waiting])  # a caller that is cancelled here leaves the item to the next one
        finally:
            waiting.cancel()
        if self._fetching is not fetching:  # somebody else who waited has it
            return await self.__anext__()
        self._fetching = None
        item = fetching.result()
        if item is None:
            raise StopAsyncIteration
        return item

    async def __aenter__(self) -> Self:
        """Open it."""
        await asyncio.wrap_future(self._thread.run(self._blocking.__enter__))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it; without an exception the last item that was handed out is processed."""
        if self._fetching is not None:
            await asyncio.to_thread(self._blocking.close)  # ends the wait of the one thread
        else:
            await asyncio.wrap_future(self._thread.run(lambda: self._blocking.__exit__(kind, error, trace)))
        self._thread.end()


class ReaderThread:
    """One thread that makes calls in their order. A program that ends does not wait for it."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def run(self, call: Callable[[], R]) -> Future[R]:
        """Make this call, after those before it; its future cannot be cancelled."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="agentbus-reader", daemon=True)
            self._thread.start()
        future: Future[R] = Future()
        future.set_running_or_notify_cancel()
        self._calls.put(lambda: _make(call, future))
        return future

    def end(self) -> None:
        """No call comes any more."""
        self._calls.put(None)

    def _serve(self) -> None:
        while (call := self._calls.get()) is not None:
            call()


def _make(call: Callable[[], R], future: Future[R]) -> None:
    # Whoever waits may be gone with its event loop.
    with contextlib.suppress(RuntimeError):
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001  # it is raised where the caller waits
            future.set_exception(error)
        else:
            future.set_result(result)


def _seen(waiting: asyncio.Future[T]) -> None:
    """Its error is raised by the one who takes the item, not complained of by the loop."""
    if not waiting.cancelled():
        waiting.exception()
