"""A process of the bus: the stages it was asked for, each in a thread, the publisher under a supervisor."""

import math
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from bus.shell import kafka
from bus.shell.arbiter_worker import ArbiterWorker
from bus.shell.errors import BusError
from bus.shell.gate_worker import GateWorker
from bus.shell.login_check import check_login
from bus.shell.metrics import Metrics
from bus.shell.options import Options
from bus.shell.readiness import Readiness
from bus.shell.serve import HttpServer
from bus.shell.settings import Settings
from bus.shell.slots import publish_slots
from bus.shell.snapshots.keeper import Rhythm
from bus.shell.watchdog import Watchdog
from bus.shell.worker import Worker

STAGES = ("gate", "arbiter", "publisher")
PUBLISHER_BACK_OFF_S = (0.2, 5.0)
PUBLISHER_REFUSED_S = 15.0  # a password or an ACL is put right by hand
REFUSED_CODE = 7  # what it ends with then
READY_LOOK_S = 0.02
ENDS_WITHIN_S = 10.0
READ_BYTES = 4096
# What a publisher may not do it learns within a moment of reaching Kafka; one that has ended before has to last longer.
STEADY_AFTER_S = 3.0
STEADY_AGAIN_AFTER_S = 15.0
REACHED = b"reached\n"  # what its process says on stdout when Kafka has answered it

log = structlog.get_logger("bus.process")


@dataclass(frozen=True, slots=True)
class PublisherCommand:
    """How a publisher's process is started: a transaction in trouble must take nothing else with it."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]


class PublisherReadiness(Readiness):
    """What /readyz tells of the publisher: its process has reached Kafka and has lasted since.

    It owns no partition that is restored and stands at no control number.
    """

    def __init__(self) -> None:
        super().__init__("publisher")

    @property
    def is_ready(self) -> bool:
        """Does its process work?"""
        return self.has_joined


class Supervisor:
    """Starts the publisher's process, and again whenever it ends, until told to stop."""

    def __init__(self, command: PublisherCommand, metrics: Metrics) -> None:
        self._command = command
        self._metrics = metrics
        self._stop = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self._steady_after_s = STEADY_AFTER_S
        self.readiness = PublisherReadiness()
        self._thread = threading.Thread(target=self._run, name="bus-supervisor", daemon=True)

    @property
    def pid(self) -> int:
        """The publisher's process id, 0 if none runs right now."""
        child = self._child
        return child.pid if child is not None and child.poll() is None else 0

    def is_alive(self) -> bool:
        """Does it still watch?"""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin to supervise."""
        self._thread.start()

    def stop(self) -> None:
        """End the publisher, and wait for it."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(ENDS_WITHIN_S)

    def _run(self) -> None:
        back_off_s = PUBLISHER_BACK_OFF_S[0]
        while not self._stop.is_set():
            started_s = time.monotonic()
            try:
                self._child = self._spawn()
            except OSError as error:
                log.warning("publisher_not_started", why=str(error), again_in_s=PUBLISHER_BACK_OFF_S[1])
                self._stop.wait(PUBLISHER_BACK_OFF_S[1])
                continue
            self._watch(self._child)
            assert self._child.stdout is not None, "its stdout is a pipe"
            self._child.stdout.close()
            self.readiness.has_joined = False
            self._steady_after_s = STEADY_AGAIN_AFTER_S
            if self._stop.is_set():
                _end(self._child)
                return
            lived_s = time.monotonic() - started_s
            back_off_s = PUBLISHER_BACK_OFF_S[0] if lived_s > 10 else min(back_off_s * 2, PUBLISHER_BACK_OFF_S[1])
            is_refused = self._child.returncode == REFUSED_CODE
            again_in_s = PUBLISHER_REFUSED_S if is_refused else back_off_s
            self._metrics.publisher_ended()
            log.warning("publisher_ended", code=self._child.returncode, again_in_s=again_in_s)
            self._stop.wait(again_in_s)

    def _watch(self, child: subprocess.Popen[bytes]) -> None:
        reached_s = math.inf
        while child.poll() is None and not self._stop.wait(READY_LOOK_S):
            if reached_s == math.inf and _has_reached(child):
                reached_s = time.monotonic()
            self.readiness.has_joined = time.monotonic() - reached_s >= self._steady_after_s

    def _spawn(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command.arguments,
            env=dict(self._command.environment),
            stdin=subprocess.PIPE,  # its end tells the child that its supervisor is gone
            stdout=subprocess.PIPE,
            start_new_session=True,
        )


class BusProcess:
    """The stages of one process. Named steps: ``start``, ``wait_ready``, ``stop``; ``failure`` ends it early."""

    def __init__(
        self, settings: Settings, stages: tuple[str, ...], accepted_gaps: frozenset[str] = frozenset()
    ) -> None:
        config, self.metrics = settings.client_config(), Metrics()
        rhythm = Rhythm(settings.snapshot_records, settings.snapshot_every_s)
        options = Options(rhythm, accepted_gaps)
        self._settings, self._stages = settings, stages
        self._config = config
        self._stop = threading.Event()
        self._workers: list[Worker] = []
        if "gate" in stages:
            self._workers.append(GateWorker(config, settings.instance, self.metrics, options))
        if "arbiter" in stages:
            self._workers.append(ArbiterWorker(config, settings.instance, self.metrics, options))
        self._threads: list[threading.Thread] = []
        self._watchdog = Watchdog([worker.judging for worker in self._workers], settings.hang_s)
        self.supervisor = Supervisor(_publisher_command(settings), self.metrics) if "publisher" in stages else None
        self.failure: BusError | None = None
        readiness: list[Readiness] = [worker.readiness for worker in self._workers]
        if self.supervisor is not None:
            readiness.append(self.supervisor.readiness)
        self.readiness = readiness
        self._http = HttpServer(settings.http_host, settings.http_port, self.metrics, readiness, self.is_alive)
        self.http_port = self._http.port

    def is_alive(self) -> bool:
        """Do all stages run?"""
        watched = self.supervisor is None or self.supervisor.is_alive()
        return self.failure is None and watched and all(thread.is_alive() for thread in self._threads)

    def start(self) -> None:
        """Start everything; raises `UnreachableError`, `NotPermittedError` if Kafka does not let these stages work."""
        kafka.partition_counts(kafka.admin(self._config), self._settings.bootstrap)
        check_login(self._config, self._stages)
        self._http.start()
        self._watchdog.start()
        for worker in self._workers:
            thread = threading.Thread(target=self._run, args=(worker,), name=f"bus-{worker.stage_name}", daemon=True)
            self._threads.append(thread)
            thread.start()
        if self.supervisor is not None:
            self.supervisor.start()

    def wait_ready(self, timeout_s: float) -> bool:
        """Wait until every stage has joined, restored and is in force; False if it does not come to that."""
        until_s = time.monotonic() + timeout_s
        while not all(readiness.is_ready for readiness in self.readiness):
            if self.failure is not None or time.monotonic() > until_s:
                return False
            time.sleep(READY_LOOK_S)
        return True

    def stop(self) -> None:
        """Stop everything, in order; what is under way is finished or sent again by the next owner."""
        self._stop.set()
        for thread in self._threads:
            thread.join(ENDS_WITHIN_S)
        if self.supervisor is not None:
            self.supervisor.stop()
        self._watchdog.stop()
        self._http.stop()

    def _run(self, worker: Worker) -> None:
        try:
            worker.run(self._stop)
        except BusError as error:
            self.failure = error
            log.error("stage_stopped", stage=worker.stage_name, why=error.message, next=error.next_step)
        except Exception as error:
            self.failure = BusError(f"stage {worker.stage_name} failed: {error}", "report it with the log")
            log.exception("stage_failed", stage=worker.stage_name)


def run_publisher(settings: Settings, stop: threading.Event) -> None:
    """Be the publisher's process: publish until told to stop; says `REACHED` on stdout once Kafka has answered."""
    config = settings.client_config()
    kafka.partition_counts(kafka.admin(config), settings.bootstrap)
    os.write(sys.stdout.fileno(), REACHED)
    publish_slots(config, settings.instance, stop)


def stop_with_starter(stop: threading.Event) -> None:
    """Set ``stop`` when standard input ends: whoever started this process is gone, however it went."""
    threading.Thread(target=_watch_starter, args=(stop,), name="bus-starter", daemon=True).start()


def _watch_starter(stop: threading.Event) -> None:
    if not sys.stdin.isatty():
        while os.read(sys.stdin.fileno(), READ_BYTES):  # the buffered reader would hold a lock at exit
            pass
        stop.set()


def _publisher_command(settings: Settings) -> PublisherCommand:
    arguments = [sys.executable, "-m", "bus.cli", "run", "--stage", "publisher", "--child-of", "supervisor"]
    arguments += ["--bootstrap", settings.bootstrap]
    arguments += [f"-X{name}={value}" for name, value in settings.kafka.items()]
    environment = {**os.environ, "AGENTBUS_LOG_FORMAT": settings.log_format, "AGENTBUS_LOG_LEVEL": settings.log_level}
    environment["AGENTBUS_INSTANCE"] = settings.instance
    if settings.kafka_config is not None:
        environment["AGENTBUS_KAFKA_CONFIG"] = str(settings.kafka_config)
    return PublisherCommand(tuple(arguments), environment)


def _has_reached(child: subprocess.Popen[bytes]) -> bool:
    """Has it said that Kafka has answered it? Does not wait."""
    assert child.stdout is not None, "its stdout is a pipe"
    readable, _, _ = select.select([child.stdout], [], [], 0)
    return bool(readable) and os.read(child.stdout.fileno(), READ_BYTES).startswith(REACHED)


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
