"""A reader's terminal: one shell for all commands of a page, and one more for each command that goes on."""

import contextlib
import os
import queue
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.docs.screens import is_as_shown

COMMAND_S = 120.0  # nothing a page shows takes longer, on the busiest machine
STOP_S = 30.0
LOOK_S = 0.1
DONE = "--agentbus-docs-done--"


class ScreenError(AssertionError):
    """A command did something else than the page says."""


class Shell:
    """One bash that runs a command after another, as a person types them."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._bash = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def run(self, command: str) -> tuple[int, str]:
        """Type it; its exit code and what the screen shows. Raises `ScreenError` if it does not end."""
        assert self._bash.stdin is not None
        self._bash.stdin.write(f"eval {shlex.quote(command)} </dev/null; printf '\\n{DONE} %d\\n' $?\n")
        self._bash.stdin.flush()
        screen: list[str] = []
        until_s = time.monotonic() + COMMAND_S
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, until_s - time.monotonic()))
            except queue.Empty:
                raise ScreenError(f"did not end within {COMMAND_S:.0f} s; it showed:\n{''.join(screen)}") from None
            if line.startswith(DONE):
                return int(line.split()[1]), "".join(screen)
            screen.append(line)

    def close(self) -> None:
        """End the shell and everything it started."""
        _end(self._bash, signal.SIGKILL)

    def _read(self) -> None:
        assert self._bash.stdout is not None
        for line in self._bash.stdout:
            self._lines.put(line)


class OwnTerminal:
    """A command that goes on while the reader types elsewhere, until Ctrl-C."""

    def __init__(self, command: str, folder: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._screen: list[str] = []
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    @property
    def screen(self) -> str:
        """What it shows so far."""
        return "".join(self._screen)

    def await_screen(self, shown: Sequence[str]) -> None:
        """Wait until it looks like this; raises `ScreenError` if it never does, or has ended."""
        until_s = time.monotonic() + COMMAND_S
        while not is_as_shown(shown, self.screen, goes_on=True):
            has_ended = self._process.poll() is not None
            if has_ended:
                self._reading.join(STOP_S)  # its last lines may still be on their way to the screen
                if is_as_shown(shown, self.screen, goes_on=True):
                    return
            if has_ended or time.monotonic() > until_s:
                raise ScreenError(f"does not show what the page says, but:\n{self.screen}")
            time.sleep(LOOK_S)

    def close(self) -> None:
        """Ctrl-C, and the end of it."""
        _end(self._process, signal.SIGINT)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._screen.append(line)


def _end(process: subprocess.Popen[str], number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(STOP_S)
