"""Runs `agentbus demo` as anybody runs it, in a pipe or on a terminal, and sees what is left of it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

Json = dict[str, Any]  # Any: JSON

ROOT = Path(__file__).resolve().parents[2]
AGENTBUS = str(Path(sys.executable).with_name("agentbus"))
# Warm it takes less than 20 s; a first start fetches Kafka's jars, and other tests may run beside it.
ENDS_WITHIN_S = 240.0
MARK = "DEMO_UNDER_TEST"  # inherited by everything the demo starts, and so it is found again
COLUMNS, ROWS = 120, 36
READ_BYTES = 65_536
CTRL_C = b"\x03"


@dataclass(frozen=True, slots=True)
class Performance:
    """One run of the demo, and what was left of it."""

    exit_code: int
    lines: list[str]
    stderr: str
    left_over: list[str]

    def objects(self, kind: str) -> list[Json]:
        """What it said as JSON, of one kind."""
        return [said for said in map(json.loads, self.lines) if said["demo"] == kind]


@dataclass(frozen=True, slots=True)
class Typed:
    """A command that was typed as the demo showed it."""

    command: str
    exit_code: int
    output: str


def in_a_pipe(*options: str, at_the_end: Callable[[Json], None] | None = None) -> Performance:
    """Run it to its end; `at_the_end` gets the last JSON line, while the bus still runs, and then Ctrl-C ends it."""
    mark, said = uuid.uuid4().hex, []
    with tempfile.TemporaryFile("w+") as stderr:
        process = subprocess.Popen(
            [AGENTBUS, "demo", *options],
            cwd=ROOT,
            env={**os.environ, MARK: mark, "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
        )
        watchdog = threading.Timer(ENDS_WITHIN_S, process.kill)
        watchdog.start()
        try:
            for line in process.stdout or []:
                said.append(line.rstrip("\n"))
                if at_the_end is not None and json.loads(line)["demo"] == "end":
                    at_the_end(json.loads(line))
                    process.send_signal(signal.SIGINT)
            process.wait(ENDS_WITHIN_S)
        finally:
            watchdog.cancel()
            left_over = end_left_over(mark)
        stderr.seek(0)
        return Performance(process.returncode, said, stderr.read(), left_over)


def on_a_terminal(*options: str, interrupt_at: str) -> Performance:
    """Run it on a terminal with room for the split screen; somebody presses Ctrl-C when these words appear."""
    mark, shown = uuid.uuid4().hex, b""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environ = {name: value for name, value in os.environ.items() if name not in ("CI", "NO_COLOR", "COLUMNS", "LINES")}
    process = subprocess.Popen(
        [AGENTBUS, "demo", *options],
        cwd=ROOT,
        env={**environ, MARK: mark, "TERM": "xterm-256color"},
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509  # or Ctrl-C would reach nobody
    )
    os.close(its)
    watchdog = threading.Timer(ENDS_WITHIN_S, process.kill)
    watchdog.start()
    try:
        is_interrupted = False
        with contextlib.suppress(OSError):  # a terminal that everybody has left cannot be read
            while read := os.read(ours, READ_BYTES):
                shown += read
                if not is_interrupted and interrupt_at.encode() in shown:
                    is_interrupted = True
                    os.write(ours, CTRL_C)
        process.wait(ENDS_WITHIN_S)
    finally:
        watchdog.cancel()
        os.close(ours)
        left_over = end_left_over(mark)
    return Performance(process.returncode, shown.decode(errors="replace").splitlines(), "", left_over)


def typed(command: str) -> Typed:
    """Type a command into a shell, in the folder in which the demo was started."""
    ran = subprocess.run(
        command, shell=True, cwd=ROOT, capture_output=True, text=True, timeout=ENDS_WITHIN_S, check=False
    )
    return Typed(command, ran.returncode, ran.stdout + ran.stderr)


def end_left_over(mark: str) -> list[str]:
    """The command lines of processes that the demo started and did not end; they are ended here."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
                process.kill()
        except psutil.Error:
            continue
    return found
