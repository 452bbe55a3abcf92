"""Starts a process so that a Ctrl-C never comes between the process and our knowing of it."""

from __future__ import annotations

import threading
from collections.abc import Callable


def out_of_reach(action: Callable[[], None]) -> None:
    """Run `action` to its end or not at all, if a Ctrl-C arrives meanwhile; that is raised afterwards.

    Python raises KeyboardInterrupt in the main thread, wherever that stands: in the middle of
    `Popen()` it would leave a process that nobody can name. So another thread does it. `action`
    must be short and store what it made; what it raises is raised here.
    """
    raised: list[BaseException] = []
    turn = threading.Lock()
    given_up = threading.Event()

    def run() -> None:
        with turn:
            if given_up.is_set():
                return
            try:
                action()
            except BaseException as error:  # noqa: BLE001 - it is raised again, in the thread that asked
                raised.append(error)

    thread = threading.Thread(target=run, name="launch")
    try:
        thread.start()
        thread.join()
    except BaseException:
        # Either the action is done when the lock is ours, or it has not begun and never will.
        with turn:
            given_up.set()
        raise
    if raised:
        raise raised[0]
