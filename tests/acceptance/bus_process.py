"""Starts the bus as a stranger would, by its command line, and makes sure that nothing of it is left afterwards."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path

from tests.acceptance.topics import TestsStopError
from tests.acceptance.wire import Json

# A first start may still have to fetch Kafka's jars.
DEV_READY_S = 240.0
STAGE_READY_S = 45.0
STOP_S = 25.0
VERIFY_S = 180.0
LOG_TAIL_LINES = 6


@dataclass(slots=True)
class BusProcess:
    """One process of the bus; its first line on stdout is its `ready`."""

    name: str
    popen: subprocess.Popen[str]
    log: Path
    ready: Json = None
    lines: queue.Queue[str] = field(default_factory=queue.Queue)

    def signal(self, number: int) -> None:
        """Send a signal to this process alone."""
        self.popen.send_signal(number)

    def kill(self) -> None:
        """Kill -9, and wait until it is gone."""
        self.popen.kill()
        self.popen.wait(STOP_S)

    def stop(self) -> str:
        """Ctrl-C; returns "" or a sentence about what did not stop."""
        fault = ""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGCONT)
            self.popen.send_signal(signal.SIGINT)
            try:
                self.popen.wait(STOP_S)
            except subprocess.TimeoutExpired:
                fault = f"{self.name} did not stop within {STOP_S:.0f} s of Ctrl-C"
        self._end_group()
        return fault

    def tail(self) -> str:
        """The end of what it logged."""
        lines = self.log.read_text(errors="replace").splitlines()
        return " | ".join(lines[-LOG_TAIL_LINES:])

    def _end_group(self) -> None:
        # The process leads a group of its own, so only what it started itself is in it.
        try:
            os.killpg(self.popen.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self.popen.wait(STOP_S)


def start(name: str, arguments: list[str], folder: Path, *, ready_s: float) -> BusProcess:
    """Start `agentbus …` and wait for its ready line; raises TestsStopError with a sentence if it does not come."""
    command = Path(sys.executable).with_name("agentbus")
    if not command.exists():
        raise TestsStopError(f"there is no console script {command.name} beside {sys.executable}: install the project")
    log = folder / f"{name}.log"
    with log.open("a") as stderr:
        popen = subprocess.Popen(
            [str(command), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
        )
    process = BusProcess(name, popen, log)
    threading.Thread(target=_pump, args=(process,), daemon=True).start()
    line = ""
    try:
        line = process.lines.get(timeout=ready_s)
        process.ready = json.loads(line)
    except (queue.Empty, ValueError) as error:
        process.stop()
        said = f"said {line.strip()!r}" if line else f"said nothing within {ready_s:.0f} s"
        raise TestsStopError(
            f"agentbus {' '.join(arguments[:2])} {said} instead of its JSON ready line; its log ends: {process.tail()}"
        ) from error
    return process


def _pump(process: BusProcess) -> None:
    assert process.popen.stdout is not None, "stdout is a pipe"
    for line in process.popen.stdout:
        if line.strip():
            process.lines.put(line)
    process.lines.put("the process ended without a ready line")


@dataclass(slots=True)
class Bus:
    """A broker and the stages on it, together in one process or apart."""

    folder: Path
    dev: BusProcess
    stages: dict[str, BusProcess] = field(default_factory=dict)

    @property
    def bootstrap(self) -> str:
        """Where the broker listens."""
        return str(self.dev.ready["bootstrap"])

    def start_stage(self, stage: str, instance: str) -> BusProcess:
        """Start one stage in a process of its own."""
        arguments = ["run", "--bootstrap", self.bootstrap, "--stage", stage, "--instance", instance, "--json"]
        process = start(instance, arguments, self.folder, ready_s=STAGE_READY_S)
        self.stages[instance] = process
        return process

    def stop(self) -> list[str]:
        """Stop the stages, then the broker; returns sentences about what went wrong."""
        faults = [process.stop() for process in self.stages.values()]
        faults.append(self.dev.stop())
        faults += [f"the broker (pid {pid}) outlived agentbus dev" for pid in self._left_over()]
        return [fault for fault in faults if fault]

    def verify(self) -> list[str]:
        """What `agentbus verify` says against this bus, in its own words; empty if it finds nothing."""
        command = [str(Path(sys.executable).with_name("agentbus")), "verify", "--bootstrap", self.bootstrap]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=VERIFY_S, check=False)
        return [] if ran.returncode == 0 else [f"exit {ran.returncode}: {' '.join(ran.stdout.split())[-400:]}"]

    def _left_over(self) -> list[int]:
        left = []
        for pid in self.dev.ready.get("pids", {}).values():
            if isinstance(pid, int) and _is_ours(pid, str(self.folder)):
                left.append(pid)
                os.kill(pid, signal.SIGKILL)
        return left


def _is_ours(pid: int, folder: str) -> bool:
    """Whether a process is still there and of this data folder (a pid may have been given to somebody else)."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        return folder in command and Path(f"/proc/{pid}/stat").read_text().split(")")[-1].split()[0] != "Z"
    except OSError:
        return False


def start_bus(*, stages: list[tuple[str, str]]) -> Bus:
    """A new broker with a new data folder; `stages` (stage, instance) run apart, an empty list means together."""
    folder = Path(tempfile.mkdtemp(prefix="agentbus-acceptance-"))
    arguments = ["dev", "--empty", "--json", "--data", str(folder / "data")]
    if stages:
        arguments.append("--no-stages")
    bus = Bus(folder, start("dev", arguments, folder, ready_s=DEV_READY_S))
    try:
        for stage, instance in stages:
            bus.start_stage(stage, instance)
    except TestsStopError:
        bus.stop()
        raise
    return bus
