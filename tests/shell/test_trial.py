"""A piece of work that is tried in a copy of the process: what it does to the copy, and that nothing else suffers."""

import os
import re
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bus.shell.trial import Fork

WAIT_S = 10.0
LONG_S = 60.0


def _dies() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _raises() -> None:
    raise MemoryError("a bug that one record meets")


def _hangs() -> None:
    re.match("(a+)+$", "a" * 64 + "b")  # for ever, in native code that lets no other thread run


def _verdict(fork: Fork) -> bool:
    while (survived := fork.survived()) is None:
        time.sleep(0.01)
    return survived


@pytest.mark.parametrize(("work", "survives"), [(dict, True), (_dies, False), (_raises, False), (_hangs, False)])
def test_only_what_comes_to_its_end_survives(work: Callable[[], object], *, survives: bool) -> None:
    """Whatever kills the copy, or keeps it busy for ever, is found out by that, and this process lives."""
    assert _verdict(Fork(work, 1.0)) == survives


def test_the_copy_ends_by_itself_when_nobody_waits() -> None:
    """Its parent may be killed meanwhile: a copy that hangs must not run on for ever."""
    fork = Fork(_hangs, 0.2)
    _, status = os.waitpid(fork._pid, 0)
    assert os.WTERMSIG(status) == signal.SIGALRM


def test_the_copy_holds_no_port() -> None:
    """Else a process that was killed could not be started again at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port, held = server.getsockname()[1], server.fileno()
        fork = Fork(lambda: time.sleep(LONG_S), LONG_S)
        until_s = time.monotonic() + WAIT_S
        while Path(f"/proc/{fork._pid}/fd/{held}").exists() and time.monotonic() < until_s:
            time.sleep(0.01)
    try:
        socket.create_server(("127.0.0.1", port)).close()
    finally:
        fork.close()
