"""Whoever waits is woken, whoever is cancelled loses nothing, and nobody who waits keeps a program from ending."""

import asyncio
import subprocess
import sys
import threading
from types import TracebackType

import pytest

from bus.client.async_events import AsyncEvents
from bus.client.async_iteration import AsyncIteration
from bus.client.callbacks import Callbacks
from bus.client.event import Event, event_of
from bus.client.inbox import EVENTS_MAX, Inbox

ENDED = event_of({"kind": "ended", "decision": "1.0.1.0"})

NEVER_CLOSED = """
import asyncio, threading
from bus.client.async_iteration import AsyncIteration
class Reader:
    def __next__(self): threading.Event().wait()
async def main():
    try: await asyncio.wait_for(anext(AsyncIteration(Reader())), 0.1)
    except TimeoutError: print("not yet")
asyncio.run(main())
"""


class Reader:
    """A blocking reader whose items the test lets through; it notes what counts as processed."""

    def __init__(self) -> None:
        self.given = threading.Semaphore(0)
        self.processed: list[int] = []
        self.is_closed = False
        self._last = 0

    def __next__(self) -> int:
        if self._last:
            self.processed.append(self._last)
        self.given.acquire()
        if self.is_closed:
            raise StopIteration
        self._last += 1
        return self._last

    def __enter__(self) -> object:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None, /
    ) -> None:
        if kind is None:
            self.processed.append(self._last)
        self.close()

    def close(self) -> None:
        """Whoever waits is let go."""
        self.is_closed = True
        self.given.release()


def test_what_was_never_handed_out_is_not_processed() -> None:
    """An item that arrived after its caller had stopped waiting is not taken for done when the block ends well."""
    reader = Reader()

    async def live() -> None:
        async with AsyncIteration(reader) as items:
            reader.given.release()
            assert await anext(items) == 1
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(items), 0.05)
            reader.given.release()
            await asyncio.sleep(0.1)

    asyncio.run(live())
    assert reader.processed == [1]


def test_what_was_fetched_for_one_who_left_is_the_next_ones() -> None:
    """A wait that is cut short loses no item, and what was handed out last is processed at the end."""
    reader = Reader()

    async def live() -> list[int]:
        async with AsyncIteration(reader) as items:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(items), 0.05)
            reader.given.release(2)
            return [await anext(items), await anext(items)]

    assert asyncio.run(live()) == [1, 2]
    assert reader.processed == [1, 2]


def test_a_reader_that_was_not_closed_lets_its_program_end() -> None:
    """A thread that waits for a message does not keep the interpreter."""
    ran = subprocess.run([sys.executable, "-c", NEVER_CLOSED], capture_output=True, text=True, timeout=30, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "not yet\n", "")


def test_a_cancelled_wait_loses_no_event() -> None:
    """What comes after somebody stopped waiting is there for the next one."""
    inbox = Inbox()

    async def opened() -> None:
        return None

    async def live() -> list[Event]:
        events = AsyncEvents(inbox, opened, 5)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(events), 0.05)
        threading.Thread(target=inbox.put, args=(ENDED,)).start()
        found = [await anext(events)]
        inbox.close()
        return found + [event async for event in events]

    assert asyncio.run(live()) == [ENDED]


def test_everybody_who_waits_for_events_is_woken_by_the_end() -> None:
    """Two threads wait: both come back when the bus is closed, and an event goes to one of them."""
    inbox, found = Inbox(), []
    threads = [threading.Thread(target=lambda: found.append(inbox.wait(None))) for _ in range(2)]
    for thread in threads:
        thread.start()
    inbox.put(ENDED)
    inbox.close()
    for thread in threads:
        thread.join(20)
    assert sorted(found, key=str) == sorted([ENDED, None], key=str)


def test_events_nobody_takes_are_bounded() -> None:
    """The oldest go first."""
    inbox = Inbox()
    for number in range(EVENTS_MAX + 1):
        inbox.put(event_of({"kind": "ended", "decision": str(number)}))
    first = inbox.take()
    assert first is not None
    assert first.decision == "1"


def test_a_callback_may_end_the_callbacks() -> None:
    """Their thread ends with it, after what was waiting was called."""
    callbacks, called = Callbacks(), threading.Event()
    callbacks.start()
    thread = callbacks._thread
    assert isinstance(thread, threading.Thread)
    callbacks.add(callbacks.stop)
    callbacks.add(called.set)
    thread.join(20)
    assert not thread.is_alive()
    assert called.wait(20)
