"""Tries a piece of work where it can do no harm: in a copy of this process, so that only the copy dies of it."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

FIRST_OF_OURS = 3  # below are stdin, stdout and stderr


class Trial(Protocol):
    """A piece of work that is tried elsewhere."""

    def survived(self) -> bool | None:
        """Did it come to its end? None while that is open; does not wait."""

    def close(self) -> None:
        """End it, whatever it does."""


class Fork:
    """A copy of this process that does one thing and ends.

    It has none of this process's other threads: work that waits for one of them does not come to its end.
    """

    def __init__(self, run: Callable[[], object], within_s: float) -> None:
        self._until_s = time.monotonic() + within_s
        self._survived: bool | None = None
        self._pid = os.fork()
        if self._pid == 0:
            _do(run, within_s)

    def survived(self) -> bool | None:
        """Did it come to its end, without an error and in time?"""
        if self._survived is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self._survived = status == 0
            elif time.monotonic() > self._until_s:
                self.close()
        return self._survived

    def close(self) -> None:
        """Kill it, if it still runs."""
        if self._survived is None:
            self._survived = False
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(self._pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)


def _do(run: Callable[[], object], within_s: float) -> None:
    """Be the copy. It ends itself, also if nobody is left who waits for it, and lets nothing of its parent's happen."""
    code = 1
    with suppress(BaseException):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # of the system: it also ends what hangs in native code
        signal.setitimer(signal.ITIMER_REAL, within_s)
        os.closerange(FIRST_OF_OURS, os.sysconf("SC_OPEN_MAX"))  # a port must be free when its owner is gone
        run()
        code = 0
    os._exit(code)
