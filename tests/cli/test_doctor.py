"""A healthy development bus, examined by the real command; and one whose publisher has been taken away."""

import os
import signal
import time
from typing import Any

from tests.cli.conftest import DevRun, Terminal

TRIES = 20  # while other tests talk, something may be on its way when it is looked at
LOOK_S = 0.5


def test_a_healthy_development_bus_is_all_ok(terminal: Terminal) -> None:
    """Every line, in every group; the exit code is 0 and nothing is left to do."""
    rows = terminal.json("doctor", "--deep")
    for _ in range(TRIES):
        if not _not_ok(rows):
            break
        time.sleep(LOOK_S)
        rows = terminal.json("doctor", "--deep")
    assert _not_ok(rows) == []
    groups = list(dict.fromkeys(row["group"] for row in rows))
    assert groups == ["this machine", "Kafka", "topics", "access", "clocks", "stages", "journals"]
    assert all(set(row) == {"group", "check", "state", "sentence", "remedy"} for row in rows)


def _not_ok(rows: list[Any]) -> list[Any]:  # Any: JSON
    """What is not ok, but for what other tests do to this machine and this bus."""
    return [row for row in rows if row["state"] != "ok" and row["check"] not in ("void", "disk", "take-overs")]


def test_a_publisher_that_stands_still_is_seen(dev: DevRun, terminal: Terminal) -> None:
    """Its group gives it up, nobody owns its slot; when it goes on, all is well again."""
    publisher = dev.processes["publisher"]
    os.kill(publisher.pid, signal.SIGSTOP)
    try:
        assert _comes_to(terminal, "publisher", "wrong")
    finally:
        os.kill(publisher.pid, signal.SIGCONT)
    assert _comes_to(terminal, "publisher", "ok")


def _comes_to(terminal: Terminal, check: str, state: str) -> bool:
    for _ in range(TRIES * 2):
        rows = terminal("doctor", "--json").rows
        if any((row["check"], row["state"]) == (check, state) for row in rows):
            return True
        time.sleep(LOOK_S)
    return False
