"""Starts the bus the way its users do, with `agentbus dev --empty --json`, and ends it so that nothing is left."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

# A first start may still have to fetch Kafka's jars.
READY_S = 240.0
STOP_S = 40.0
LOG_LINES_SHOWN = 8


class BusUnderTest:
    """One `agentbus dev` in a process group of its own."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "dev.log"
        command = Path(sys.executable).with_name("agentbus")
        assert command.exists(), f"there is no console script {command}: install the project (make test does)"
        with self._log.open("w") as stderr:
            self._process = subprocess.Popen(
                [str(command), "dev", "--empty", "--json", "--data", str(folder / "kafka")],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                start_new_session=True,
            )
        self._pids: list[int] = []
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._pump, daemon=True).start()

    def wait_ready(self) -> dict[str, Any]:
        """What `agentbus dev` says when it is ready: one line of JSON."""
        try:
            line = self._lines.get(timeout=READY_S)
        except queue.Empty:
            line = ""
        assert line.startswith("{"), (
            f"agentbus dev said {line.strip()!r} instead of its JSON ready line; its log ends: {self._tail()}"
        )
        ready = dict(json.loads(line))
        self._pids = list(ready["pids"].values())
        return ready

    def stop(self) -> None:
        """Ctrl-C; fails if it does not end by itself, or leaves a process."""
        try:
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGINT)
            self._process.wait(STOP_S)
        finally:
            self._end_group()
        left = [pid for pid in self._pids if _is_there(pid)]
        assert not left, f"agentbus dev left processes behind: {left}"

    def _pump(self) -> None:
        assert self._process.stdout is not None, "stdout is a pipe"
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put("(it ended)")

    def _end_group(self) -> None:
        # It leads a group of its own, so only what it started itself is in it.
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self._process.wait(STOP_S)

    def _tail(self) -> str:
        return " | ".join(self._log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:])


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
