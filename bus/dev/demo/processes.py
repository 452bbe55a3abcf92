"""The processes of the demo: stages by `agentbus run`, one process for each agent; all of them end with the demo."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bus.dev.demo.company import Agent
from bus.dev.demo.told import Process
from bus.dev.errors import DevError
from bus.dev.launch import out_of_reach

READY_S = 60.0  # warm it takes two; a machine busy with everything else may need far longer
ENDS_S = 12.0  # a stage finishes what is under way
OURS = "AGENTBUS_"  # settings of the person's own bus are none of the demo's


@dataclass(slots=True)
class Child:
    """One process, and the first line it says when it is ready."""

    name: str
    popen: subprocess.Popen[str]
    log: Path
    first: queue.Queue[str] = field(default_factory=queue.Queue)

    def wait_ready(self) -> None:
        """Wait for its first line; raises DevError with what it complained about."""
        try:
            line = self.first.get(timeout=READY_S)
        except queue.Empty:
            line = ""
        if not line:
            raise DevError(
                f"{self.name} did not start: {self._complaint()}", "run the demo again; if it stays, report it"
            )

    def state(self) -> str:
        """Alive, killed or ended."""
        code = self.popen.poll()
        if code is None:
            return "alive"
        return "killed" if code == -signal.SIGKILL else "ended"

    def _complaint(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "it said nothing")


class Processes:
    """Starts, kills and ends them. Each lives in a session of its own, so that a Ctrl-C reaches the demo alone."""

    def __init__(self, bootstrap: str, folder: Path, broker_pid: int) -> None:
        self._bootstrap = bootstrap
        self._folder = folder
        self._broker_pid = broker_pid
        self._children: dict[str, Child] = {}
        self._all: list[Child] = []

    def states(self) -> tuple[Process, ...]:
        """All there are and were, as the operating system says now."""
        broker = Process("kafka", self._broker_pid, "alive")
        return (broker, *(Process(child.name, child.popen.pid, child.state()) for child in self._all))

    def start_stages(self, name: str, stages: Sequence[str]) -> Child:
        """Start stages of the bus, as anybody would."""
        command = ["-m", "bus.cli", "run", "--bootstrap", self._bootstrap, "--single-node", "--json"]
        command += ["--child-of", "demo", "--instance", f"demo-{name}"]
        for stage in stages:
            command += ["--stage", stage]
        return self._start(name, command)

    def start_agent(self, agent: Agent) -> Child:
        """Start one agent."""
        return self._start(agent.name, ["-m", f"bus.dev.demo.{agent.module}", self._bootstrap, agent.id, agent.lane])

    def task(self, name: str, do: str, **body: Any) -> None:  # Any: whatever the task needs
        """Give an agent something to do, as a person would."""
        stdin = self._children[name].popen.stdin
        assert stdin is not None, "agents get their tasks by standard input"
        try:
            stdin.write(json.dumps({"do": do, **body}) + "\n")
            stdin.flush()
        except BrokenPipeError as error:
            raise DevError(f"{name} has ended by itself", "run the demo again; if it stays, report it") from error

    def kill(self, name: str) -> int:
        """Kill -9; the process id that was."""
        child = self._children.pop(name)
        child.popen.kill()
        child.popen.wait()
        return child.popen.pid

    def stop(self) -> None:
        """End everything, whatever state it is in; raises nothing."""
        children = list(self._children.values())
        self._children.clear()
        for child in children:
            _close(child.popen)
            with contextlib.suppress(ProcessLookupError):
                child.popen.send_signal(signal.SIGTERM)
        for child in children:
            _wait(child.popen)

    def _start(self, name: str, arguments: Sequence[str]) -> Child:
        log = self._folder / f"{name}.log"
        environment = {key: value for key, value in os.environ.items() if not key.startswith(OURS)}

        def launch() -> None:
            with log.open("a", encoding="utf-8") as stderr:
                popen = subprocess.Popen(
                    [sys.executable, *arguments],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=stderr,
                    text=True,
                    env=environment,
                    start_new_session=True,
                )
            self._children[name] = Child(name, popen, log)

        out_of_reach(launch)  # a Ctrl-C in the middle of it would leave a process that nobody can name
        child = self._children[name]
        self._all.append(child)
        threading.Thread(target=_pump, args=(child,), daemon=True).start()
        return child


def _pump(child: Child) -> None:
    assert child.popen.stdout is not None, "stdout is a pipe"
    child.first.put(child.popen.stdout.readline())
    for _ in child.popen.stdout:
        pass  # nobody may block because nobody reads


def _close(popen: subprocess.Popen[str]) -> None:
    assert popen.stdin is not None, "stdin is a pipe"
    with contextlib.suppress(BrokenPipeError):
        popen.stdin.close()


def _wait(popen: subprocess.Popen[str]) -> None:
    try:
        popen.wait(ENDS_S)
    except subprocess.TimeoutExpired:
        popen.kill()
        popen.wait()
