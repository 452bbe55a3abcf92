"""What the tests of the development broker share: one real broker, a cache of one's own, a small Maven repository."""

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bus.dev.broker import LocalBroker, start_broker
from bus.dev.jars import kafka_files
from bus.dev.lock import read_lock
from bus.dev.places import cache_folder
from bus.dev.progress import ignore_progress


@pytest.fixture(scope="session")
def broker() -> Iterator[LocalBroker]:
    """One broker for all tests that do not care how it started."""
    with start_broker() as started:
        yield started


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that has Kafka's files but knows of no other run on this machine."""
    lock = read_lock()
    kafka_files(lock, ignore_progress)
    name = f"kafka-{lock.kafka_version}"
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / name).symlink_to(cache_folder() / name)
    monkeypatch.setenv("AGENTBUS_CACHE", str(cache))
    return cache


@dataclass
class Shelf:
    """A Maven repository on this machine; `files` maps a path in it to its bytes."""

    files: dict[str, bytes] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    cut_answers: int = 0  # so many answers end in the middle
    go_on: threading.Event = field(default_factory=threading.Event)  # cleared: answers stop in the middle

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Send one file, whole or, while `cut_answers` lasts, half of it."""
        content = self.files.get(request.path)
        if content is None:
            request.send_error(404)
            return
        self.asked[request.path] += 1
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        half = len(content) // 2
        request.wfile.write(content[:half])
        if self.cut_answers > 0:
            self.cut_answers -= 1
            return
        self.go_on.wait(10)
        request.wfile.write(content[half:])


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    """A running Maven repository, named in jgo.conf as a user would name a mirror; and an empty cache."""
    shelf = Shelf()
    shelf.go_on.set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shelf.answer(self)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    conf = tmp_path / "jgo.conf"
    conf.write_text(f"[repositories]\ncentral = http://127.0.0.1:{server.server_port}\n", encoding="utf-8")
    monkeypatch.setenv("JGO_CONFIG_FILE", str(conf))
    monkeypatch.setenv("AGENTBUS_CACHE", str(tmp_path / "cache"))
    yield shelf
    shelf.go_on.set()
    server.shutdown()
    thread.join()
    server.server_close()
