"""What a process tells over HTTP: /metrics for Prometheus, /healthz for the supervisor, /readyz for the balancer."""

import contextlib
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from bus.shell.errors import BusError
from bus.shell.metrics import Metrics
from bus.shell.readiness import Readiness


class HttpServer:
    """Serves in a thread of its own; ``port`` is the one it got."""

    def __init__(
        self, host: str, port: int, metrics: Metrics, stages: list[Readiness], is_alive: Callable[[], bool]
    ) -> None:
        told = {"metrics": metrics, "stages": stages, "is_alive": staticmethod(is_alive)}
        handler = type("Handler", (_Handler,), told)
        try:
            self._server = ThreadingHTTPServer((host, port), handler)
        except OSError as error:
            text = f"cannot listen on {host}:{port} ({error.strerror})"
            raise BusError(text, "choose another --http-port, or 0 for any free one") from error
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, name="bus-http", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering; nothing is waited for if it never began."""
        if self._thread.ident is not None:
            self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    metrics: Metrics
    stages: list[Readiness]
    is_alive: Callable[[], bool]

    def do_GET(self) -> None:  # the server's own name for it
        match self.path:
            case "/metrics":
                self._answer(200, CONTENT_TYPE_LATEST, generate_latest(self.metrics.registry))
            case "/healthz":
                self._json(200 if self.is_alive() else 503, {"alive": self.is_alive()})
            case "/readyz":
                told = [stage.told() for stage in self.stages]
                self._json(200 if all(one["ready"] for one in told) else 503, {"stages": told})
            case _:
                self._json(404, {"paths": ["/metrics", "/healthz", "/readyz"]})

    def _json(self, status: int, body: object) -> None:
        self._answer(status, "application/json", json.dumps(body).encode())

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        with contextlib.suppress(ConnectionError):  # who asked did not wait for the answer: a prober's time-out
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: requests of probes are no events."""
