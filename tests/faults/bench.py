"""The bus on the bench: Kafka behind a proxy, two processes of each stage, and every way of hurting them."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bus.dev.cluster import new_quorum
from tests.acceptance.bus_process import STAGE_READY_S, BusProcess, start
from tests.acceptance.topics import TestsStopError
from tests.faults.proxied_broker import ProxiedBroker
from tests.faults.proxy import Proxy

REPOSITORY = Path(__file__).resolve().parents[2]
DOMAIN = "acme"
STEWARD = f"spiffe://{DOMAIN}/person/ana"
PARTITIONS = 4
STAGES = ("gate", "arbiter", "publisher")
COMMAND_S = 120.0
AT_ONCE = 3  # processes that start beside each other: more only keep two cores busy
GONE_S = 10.0
LOOK_S = 0.3
AT_WORK_S = 20.0
AT_WORK = ("took_over", "publishing")  # what a stage logs when it has something to do
LOST = "lost on purpose: a record"  # what `tests.faults.odd_stage` logs of each
HTTP_OK = 200


@dataclass(slots=True)
class Bench:
    """Named steps: ``start``, then anything, ``stop``. An instance is called like `gate-1`."""

    folder: Path
    brokers: int
    say: Callable[[str], None]
    nodes: list[ProxiedBroker] = field(default_factory=list)
    stages: dict[str, BusProcess] = field(default_factory=dict)
    odd: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    at_work: dict[str, int] = field(default_factory=dict)
    hurt: set[str] = field(default_factory=set)  # instances that are down on purpose
    by_themselves: list[str] = field(default_factory=list)
    proxy: Proxy = field(default_factory=lambda: Proxy(()))

    @property
    def bootstrap(self) -> str:
        """Where agents and readers find Kafka."""
        return ",".join(node.bootstrap for node in self.nodes)

    @property
    def through_proxy(self) -> str:
        """Where the stages find it."""
        return ",".join(f"127.0.0.1:{node.proxy_port}" for node in self.nodes)

    def start(self) -> None:
        """Kafka, genesis, two of each stage."""
        if self.brokers == 1:
            self.nodes = [ProxiedBroker(self.folder / "kafka")]
        else:
            quorum = new_quorum(None)
            self.nodes = [ProxiedBroker(self.folder / f"kafka-{one.node_id}", one) for one in quorum]
        for node in self.nodes:
            node.prepare()
        for node in self.nodes:
            node.start()
        for node in self.nodes:
            node.wait_ready()
        self.say("Kafka answers")
        self.proxy = Proxy([(node.proxy_port, node.inner_port) for node in self.nodes])
        self.proxy.start()
        copies = ["--replication", "3"] if self.brokers > 1 else ["--single-node"]
        init = ["init", "--domain", DOMAIN, "--steward", STEWARD, "--partitions", str(PARTITIONS), *copies]
        self.agentbus(*init, "--bootstrap", self.bootstrap)
        self.say("the stages start")
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self.start_stage, [f"{stage}-{n}" for stage in STAGES for n in (1, 2)]))

    def start_stage(self, instance: str) -> None:
        """Start a stage's process, and wait until it says that it is ready."""
        stage = instance.partition("-")[0]
        arguments = ["run", "--bootstrap", self.through_proxy, "--stage", stage, "--instance", instance, "--json"]
        if self.brokers == 1:
            arguments.append("--single-node")
        self.stages[instance] = start(instance, arguments, self.folder, ready_s=STAGE_READY_S)
        self.hurt.discard(instance)

    def start_odd(self, instance: str, **environment: str) -> None:
        """Start a process that is not as it should be: see `tests.faults.odd_stage`."""
        command = [sys.executable, "-m", "tests.faults.odd_stage", self.through_proxy, instance]
        with (self.folder / f"{instance}.log").open("a") as log:
            self.odd[instance] = subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                text=True,
                start_new_session=True,
            )

    def await_odd(self, instance: str) -> None:
        """Wait until an odd process does its work, as far as it gets there in a bounded time."""
        log, until_s = self.folder / f"{instance}.log", time.monotonic() + AT_WORK_S
        already = self.at_work.get(instance, 0)
        while time.monotonic() < until_s:
            count = sum(log.read_text(errors="replace").count(words) for words in AT_WORK)
            if count > already:
                self.at_work[instance] = count
                return
            time.sleep(LOOK_S)

    def end_odd(self, instance: str) -> None:
        """Kill -9."""
        process = self.odd.pop(instance)
        _kill(_tree(process.pid))
        process.wait(GONE_S)

    def losses(self) -> int:
        """How many records processes that lose some have lost so far."""
        logs = self.folder.glob("odd-*.log")
        return sum(log.read_text(errors="replace").count(LOST) for log in logs)

    def kill(self, instance: str) -> None:
        """Kill -9 to the process of a stage, and to what it started itself."""
        self.hurt.add(instance)
        process = self.stages[instance]
        _kill(_tree(process.popen.pid))
        process.popen.wait(GONE_S)

    @contextlib.contextmanager
    def frozen(self, instance: str) -> Iterator[None]:
        """SIGSTOP; SIGCONT at the end of the block, to the same processes."""
        tree = _tree(self.stages[instance].popen.pid)
        for process in tree:
            process.suspend()
        try:
            yield
        finally:
            for process in reversed(tree):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.resume()

    def restart_broker(self, node: ProxiedBroker) -> None:
        """Kafka again, on the same data and ports."""
        node.kill()
        node.start()
        node.wait_ready()

    def calm_down(self, until_s: float) -> None:
        """Wait until every stage says that it is ready again, but not past this moment (monotonic)."""
        while time.monotonic() < until_s and not all(_is_ready(process) for process in self.stages.values()):
            time.sleep(LOOK_S)

    def look(self) -> None:
        """Start again what ended by itself: it is counted, and the run has failed."""
        for instance, process in list(self.stages.items()):
            if instance not in self.hurt and process.popen.poll() is not None:
                text = f"{instance} ended by itself with {process.popen.returncode}: {process.tail()}"
                self.by_themselves.append(text)
                self.say(text)
                self.start_stage(instance)

    def dead(self) -> str:
        """What must live and does not, or ""."""
        for instance, process in self.stages.items():
            if process.popen.poll() is not None:
                return f"{instance} ended by itself with {process.popen.returncode}: {process.tail()}"
        return next((f"Kafka ended: see {node.log_file}" for node in self.nodes if not node.is_alive()), "")

    def agentbus(self, *arguments: str, within_s: float = COMMAND_S) -> str:
        """Run a command of the bus; raises TestsStopError with what it said if it fails."""
        command = [str(Path(sys.executable).with_name("agentbus")), *arguments]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=within_s, check=False)
        if ran.returncode:
            said = " ".join((ran.stdout + ran.stderr).split())[-600:]
            raise TestsStopError(f"agentbus {' '.join(arguments[:3])} ended with {ran.returncode}: {said}")
        return ran.stdout

    def stop(self) -> list[str]:
        """End everything; returns sentences about what did not end as it should."""
        faults = []
        for instance in list(self.odd):
            self.end_odd(instance)
        for process in self.stages.values():
            _resume(process.popen.pid)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            faults += list(pool.map(BusProcess.stop, self.stages.values()))
        self.proxy.stop()
        for node in self.nodes:
            node.stop()
        return [fault for fault in faults if fault]

    def forget(self, *, is_kept: bool) -> None:
        """Give the small disks back; everything else is kept as well, or goes."""
        for node in self.nodes:
            node.forget_disk(is_kept=is_kept)
        if not is_kept:
            shutil.rmtree(self.folder, ignore_errors=True)


def _is_ready(process: BusProcess) -> bool:
    try:
        with urllib.request.urlopen(f"{process.ready['http']}/readyz", timeout=LOOK_S) as answer:
            return bool(answer.status == HTTP_OK)
    except OSError:  # 503 among it
        return False


def _tree(pid: int) -> list[psutil.Process]:
    """A process and what it started, the parent first."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _kill(tree: list[psutil.Process]) -> None:
    for process in tree:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _resume(pid: int) -> None:
    for process in _tree(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.resume()
