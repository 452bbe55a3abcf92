"""The proxy hurts connections as it says: half a batch, a lost answer, an end of a transaction that comes late."""

import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

from bus.dev.ports import free_ports
from tests.faults.proxy import HOST, Cut, Proxy

WAIT_S = 20.0
PRODUCE, END, OTHER = b"\x00\x00", b"\x00\x1a", b"\x00\x03"


class Kafka(socketserver.ThreadingTCPServer):
    """Stands in for what is behind the proxy: keeps each byte it gets, and answers `ok` to each whole request."""

    daemon_threads = True

    def __init__(self) -> None:
        self.came = b""
        super().__init__((HOST, 0), Answering)


class Answering(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        server, held = self.server, b""
        assert isinstance(server, Kafka)
        while data := self._more():
            server.came += data
            held += data
            while len(held) >= 4 and len(held) >= 4 + int.from_bytes(held[:4], "big"):
                held = held[4 + int.from_bytes(held[:4], "big") :]
                self.request.sendall(b"ok")

    def _more(self) -> bytes:
        try:
            return bytes(self.request.recv(65_536))
        except OSError:
            return b""


@pytest.fixture
def kafka() -> Iterator[Kafka]:
    """What the proxy leads to."""
    with Kafka() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def proxy(kafka: Kafka) -> Iterator[Proxy]:
    """A proxy before it."""
    (port,) = free_ports(1)
    made = Proxy([(port, kafka.server_address[1])])
    made.start()
    yield made
    made.stop()


def connected(proxy: Proxy) -> socket.socket:
    """A client that has been answered once, so that its line through the proxy is there."""
    client = socket.create_connection((HOST, proxy.routes[0][0]), WAIT_S)
    client.sendall(request(OTHER))
    assert client.recv(2) == b"ok"
    return client


def request(key: bytes, body: bytes = b"x" * 100) -> bytes:
    """A request in Kafka's form: length, API key, rest."""
    return (len(key) + len(body)).to_bytes(4, "big") + key + body


def is_broken(client: socket.socket) -> bool:
    """Does the connection end without an answer?"""
    try:
        return client.recv(2) == b""
    except ConnectionResetError:
        return True


def until(kafka: Kafka, count: int) -> None:
    """Wait until so many bytes came."""
    end_s = time.monotonic() + WAIT_S
    while len(kafka.came) < count:
        assert time.monotonic() < end_s, f"{len(kafka.came)} of {count} bytes came"
        time.sleep(0.01)


def marked(proxy: Proxy, cut: Cut) -> None:
    """Ask for cuts, and wait until the lines know."""
    proxy.cut_batches(cut)
    done = threading.Event()
    proxy._loop.call_soon_threadsafe(done.set)
    assert done.wait(WAIT_S)


def test_half_a_batch_arrives(kafka: Kafka, proxy: Proxy) -> None:
    """The connection breaks after half of the next batch; what is no batch passes before it."""
    first, batch = request(OTHER), request(PRODUCE)
    with connected(proxy) as client:
        marked(proxy, Cut.HALF)
        client.sendall(first)
        assert client.recv(2) == b"ok"
        client.sendall(batch)
        assert is_broken(client)
    until(kafka, 2 * len(first) + len(batch) // 2)
    assert kafka.came == first + first + batch[: len(batch) // 2]
    assert proxy.cuts == 1


def test_a_batch_arrives_and_its_answer_does_not(kafka: Kafka, proxy: Proxy) -> None:
    """The client cannot know that everything was taken."""
    batch = request(PRODUCE)
    with connected(proxy) as client:
        marked(proxy, Cut.ANSWER)
        client.sendall(batch)
        assert is_broken(client)
    until(kafka, len(request(OTHER)) + len(batch))
    assert kafka.came.endswith(batch)


@pytest.mark.parametrize("loses_client", [True, False])
def test_the_end_of_a_transaction_comes_late(kafka: Kafka, proxy: Proxy, *, loses_client: bool) -> None:
    """It is held back, and arrives at last: also when its client has lost the connection meanwhile."""
    end = request(END)
    with connected(proxy) as client:
        proxy.hold_ends(0.3, loses_client=loses_client)
        began_s = time.monotonic()
        client.sendall(end)
        assert is_broken(client) if loses_client else client.recv(2) == b"ok"
        until(kafka, len(request(OTHER)) + len(end))
    assert time.monotonic() - began_s >= 0.3
    assert proxy.held == 1
