"""Calls what the agent's author wants called, in a thread of its own: slow callbacks must not delay renewals."""

import contextlib
import logging
import queue
import threading
from collections.abc import Callable

from bus.shell.surroundings import MACHINE, Aside, Surroundings

# Whoever is told this much without taking it in would not be helped by more; what is left out is logged.
WAITING_MAX = 1_000
STOP_S = 2.0  # a closing process waits this long for a callback that is under way

_log = logging.getLogger("agentbus.client")

Call = Callable[[], object]


class Callbacks:
    """A queue of calls and one thread, which is only there once something may be called."""

    def __init__(self, surroundings: Surroundings = MACHINE) -> None:
        self._around = surroundings
        self._queue: queue.Queue[Call | None] = queue.Queue(WAITING_MAX + 1)  # there is always room for the end
        self._thread: Aside | None = None
        self._is_stopped = False
        self._lock = threading.Lock()

    def start(self) -> None:
        """Be ready to call: said when a callback is given, because an interpreter that ends starts no threads."""
        with self._lock:
            if self._thread is None and not self._is_stopped:
                self._thread = self._around.aside("agentbus-callbacks", self._serve, self._call_waiting)
                self._thread.start()

    def add(self, call: Call) -> None:
        """Have it called soon; never blocks. After `stop` it is called by a thread of its own."""
        with self._lock:
            if self._is_stopped:
                with contextlib.suppress(RuntimeError):  # an interpreter that ends: nobody is left to be told
                    threading.Thread(target=_call, args=(call,), daemon=True).start()
            elif self._queue.qsize() >= WAITING_MAX:
                _log.error("a callback was left out: %d others wait for their turn", WAITING_MAX)
            else:
                self._queue.put_nowait(call)

    def stop(self) -> None:
        """Let the calls that wait be made, as far as they are quick; may be called again, and by a callback."""
        with self._lock:
            if not self._is_stopped:
                self._is_stopped = True
                self._queue.put_nowait(None)
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(STOP_S)

    def _serve(self) -> None:
        while (call := self._queue.get()) is not None:
            _call(call)

    def _call_waiting(self) -> None:
        while not self._queue.empty() and (call := self._queue.get()) is not None:
            _call(call)


def _call(call: Call) -> None:
    try:
        call()
    except Exception:  # noqa: BLE001  # the author's own code: it must not end the thread that calls it
        _log.exception("a callback failed")
