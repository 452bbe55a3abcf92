"""Calls what the agent's author wants called, in a thread of its own: slow callbacks must not delay renewals."""

import logging
import queue
import threading
from collections.abc import Callable

# Whoever is told this much without taking it in would not be helped by more; what is left out is logged.
WAITING_MAX = 1_000
STOP_S = 2.0  # a closing process waits this long for a callback that is under way

_log = logging.getLogger("agentbus.client")

Call = Callable[[], object]


class Callbacks:
    """A queue of calls and one thread, which is only there once something was to be called."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Call | None] = queue.Queue(WAITING_MAX)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def add(self, call: Call) -> None:
        """Have it called soon; never blocks."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="agentbus-callbacks", daemon=True)
                self._thread.start()
        try:
            self._queue.put_nowait(call)
        except queue.Full:
            _log.error("a callback was left out: %d others wait for their turn", WAITING_MAX)

    def stop(self) -> None:
        """Let the calls that wait be made, as far as they are quick."""
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return
        try:
            self._queue.put(None, timeout=STOP_S)
        except queue.Full:
            return
        thread.join(STOP_S)

    def _serve(self) -> None:
        while (call := self._queue.get()) is not None:
            try:
                call()
            except Exception:  # noqa: BLE001  # the author's own code: it must not end the thread that calls it
                _log.exception("a callback failed")
