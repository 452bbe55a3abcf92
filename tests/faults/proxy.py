"""A small TCP proxy between stages and Kafka: cuts connections in mid-batch, and holds back the end of transactions.

A client's requests are taken apart (length, API key, rest), so that a cut can leave half a request behind, or take the
whole one and lose its answer; answers pass as they come.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial

HOST = "127.0.0.1"
PRODUCE_KEY = 0
END_TRANSACTION_KEY = 26
READ_BYTES = 65_536
STARTED_S = 10.0
SENT_S = 0.2  # a connection that is aborted at once takes back what it just sent


class Cut(Enum):
    """Where a connection breaks: in the middle of a batch, or after it, so that only its answer is lost."""

    HALF = "half a batch arrives"
    ANSWER = "the batch arrives and its answer does not"


@dataclass(slots=True, eq=False)
class _Line:
    """One connection of a client, and what is to be done to it."""

    client: asyncio.StreamWriter
    broker: asyncio.StreamWriter
    cut: Cut | None = None  # set from outside, while requests pass

    def end(self) -> None:
        for side in (self.client, self.broker):
            side.transport.abort()


@dataclass(slots=True)
class Proxy:
    """Passes connections on; its methods may be called from any thread. `routes` are (own port, broker's port)."""

    routes: Sequence[tuple[int, int]]
    cuts: int = 0
    held: int = 0
    _lines: set[_Line] = field(default_factory=set)
    _hold_s: float = 0.0
    _loses_client: bool = False
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to listen."""
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="proxy", daemon=True)
        self._thread.start()
        if not ready.wait(STARTED_S):
            raise RuntimeError("the proxy did not start")

    def stop(self) -> None:
        """End all connections."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(STARTED_S)

    def cut_batches(self, cut: Cut) -> None:
        """Break every connection at its next batch; those that send none are left alone."""

        def mark() -> None:
            for line in self._lines:
                line.cut = cut

        self._loop.call_soon_threadsafe(mark)

    def cut_all(self) -> None:
        """Break every connection now."""

        def end() -> None:
            for line in list(self._lines):
                self.cuts += 1
                line.end()

        self._loop.call_soon_threadsafe(end)

    def hold_ends(self, seconds: float, *, loses_client: bool) -> None:
        """Hold back the requests that end transactions, 0 for no longer.

        With `loses_client` the connection of the client breaks meanwhile: it asks again, and the held one comes late.
        """
        self._hold_s, self._loses_client = seconds, loses_client

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)

        async def listen() -> None:
            for own, target in self.routes:
                await asyncio.start_server(partial(self._serve, target), HOST, own)
            ready.set()

        self._loop.run_until_complete(listen())
        self._loop.run_forever()
        for line in list(self._lines):
            line.end()

    async def _serve(self, target: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answers, broker = await asyncio.open_connection(HOST, target)
        except OSError:  # Kafka is dead: so is this connection
            writer.transport.abort()
            return
        line = _Line(writer, broker)
        self._lines.add(line)
        try:
            await asyncio.gather(self._requests(reader, line), _pass(answers, writer))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._lines.discard(line)
            line.end()

    async def _requests(self, reader: asyncio.StreamReader, line: _Line) -> None:
        while True:
            head = await reader.readexactly(6)
            rest = await reader.readexactly(int.from_bytes(head[:4], "big") - 2)
            key = int.from_bytes(head[4:], "big")
            if key == END_TRANSACTION_KEY and self._hold_s:
                self.held += 1
                if self._loses_client:
                    await self._send_late(line, head + rest)
                    raise ConnectionResetError
                await asyncio.sleep(self._hold_s)
            if key == PRODUCE_KEY and (cut := line.cut):
                await self._cut(line, cut, head + rest)
                raise ConnectionResetError
            line.broker.write(head + rest)
            await line.broker.drain()

    async def _cut(self, line: _Line, cut: Cut, batch: bytes) -> None:
        self.cuts += 1
        line.client.transport.abort()
        line.broker.write(batch if cut is Cut.ANSWER else batch[: len(batch) // 2])
        await line.broker.drain()
        await asyncio.sleep(SENT_S)

    async def _send_late(self, line: _Line, request: bytes) -> None:
        line.client.transport.abort()
        await asyncio.sleep(self._hold_s)
        line.broker.write(request)
        await line.broker.drain()
        await asyncio.sleep(SENT_S)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(READ_BYTES):
        writer.write(data)
        await writer.drain()
    raise ConnectionResetError
