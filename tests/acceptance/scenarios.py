"""The four runs: plain, stages killed and started again, two owners of which one dies, and a slow gate."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.acceptance.bus_process import Bus, start_bus
from tests.acceptance.check_answers import check_answers
from tests.acceptance.check_arbiter import check_arbiter
from tests.acceptance.check_chains import check_chains
from tests.acceptance.check_gate import check_gate
from tests.acceptance.check_leases import check_leases
from tests.acceptance.check_outputs import check_outputs
from tests.acceptance.check_topics import check_topics
from tests.acceptance.evidence import Evidence, gather
from tests.acceptance.outgoing import now_ms
from tests.acceptance.quiet import wait_until_quiet
from tests.acceptance.setting import LANES, PROCESSES
from tests.acceptance.steward import Steward, new_steward
from tests.acceptance.topics import Cluster, TestsStopError
from tests.acceptance.verdicts import Verdicts
from tests.acceptance.wire import Json

REPOSITORY = Path(__file__).resolve().parents[2]
ONE_OF_EACH = (("gate", "gate-1"), ("arbiter", "arbiter-1"), ("publisher", "publisher-1"))
SECOND_OF_EACH = (("gate", "gate-2"), ("arbiter", "arbiter-2"), ("publisher", "publisher-2"))
# How long traffic may take beyond its plan before the run gives up on it.
TRAFFIC_SLACK_S = 90.0
PROGRESS_S = 10.0
QUIET_SLACK_S = 60.0
# Genesis promises it: a killed stage is back and at work within this time.
RESTART_BOUND_MS = 10_000
INTERFERENCES = 10


@dataclass(frozen=True, slots=True)
class Blow:
    """Something done to a stage while the traffic runs: at a share of the run's time."""

    share: float
    what: str
    stage: str
    instance: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """One run of the acceptance test."""

    name: str
    share_of_messages: float
    seconds_per_1000: float
    stages: tuple[tuple[str, str], ...] = ()
    blows: tuple[Blow, ...] = ()
    lease_ms: int = 15_000
    renew_every_ms: int = 5_000
    is_interfered: bool = True
    more_of_plan: Json = field(default_factory=dict)


def _kill(share: float, stage: str, *, again: bool) -> tuple[Blow, ...]:
    killed = Blow(share, "kill", stage, f"{stage}-1")
    return (killed, Blow(share + 0.03, "start", stage, f"{stage}-1")) if again else (killed,)


SCENARIOS = (
    Scenario("plain", 1.0, 4.5),
    Scenario(
        "killed",
        1.0,
        5.0,
        ONE_OF_EACH,
        _kill(0.2, "gate", again=True)
        + _kill(0.3, "arbiter", again=True)
        + _kill(0.5, "gate", again=True)
        + _kill(0.6, "arbiter", again=True)
        + _kill(0.75, "publisher", again=True),
    ),
    Scenario(
        "two-owners",
        1.0,
        5.0,
        ONE_OF_EACH + SECOND_OF_EACH,
        _kill(0.35, "gate", again=False) + _kill(0.5, "arbiter", again=False) + _kill(0.65, "publisher", again=False),
    ),
    Scenario(
        "slow-gate",
        0.25,
        32.0,
        ONE_OF_EACH,
        (Blow(0.28, "stop", "gate", "gate-1"), Blow(0.53, "continue", "gate", "gate-1")),
        lease_ms=5_000,
        renew_every_ms=1_500,
        is_interfered=False,
        more_of_plan={"is_loyal": True, "idle_lane": LANES[-1], "idle_from_s": 6.0, "idle_to_s": 66.0},
    ),
)


@dataclass(slots=True)
class Run:
    """One scenario while it runs."""

    scenario: Scenario
    verdicts: Verdicts
    messages: int
    seed: int
    bus: Bus
    paused: list[tuple[int, int]] = field(default_factory=list)
    stopped_ms: int = 0
    gone: set[str] = field(default_factory=set)

    @property
    def seconds(self) -> float:
        """How long the traffic is to take: the slow gate's times are fixed."""
        if self.scenario.more_of_plan:
            return 80.0
        return self.messages / 1000 * self.scenario.seconds_per_1000

    def go(self) -> None:
        """Set up, send, wait for quiet, check."""
        say = self.verdicts.say
        ready = self.bus.dev.ready
        say(f"broker at {self.bus.bootstrap}, {len(self.bus.stages)} stages apart")
        steward = new_steward(self.bus.bootstrap, ready["operator"], self.scenario.lease_ms)
        steward.set_up()
        say(f"set up; now {self.messages} messages in about {self.seconds:.0f} s")
        reports = self._traffic(steward)
        broken = sum(report["broken"] for report in reports)
        sent = sum(report["sent"] for report in reports)
        self.verdicts.check(
            "every message was taken by the broker", [text for one in reports for text in one["failed"]]
        )
        say(f"sent {sent} messages, {broken} of them broken; waiting until the bus is quiet")
        cluster = Cluster(self.bus.bootstrap)
        within_s = QUIET_SLACK_S + self.scenario.lease_ms / 1000
        wait_until_quiet(cluster, within_s=within_s, say=say, is_alive=self._dead)
        say("quiet; reading everything")
        evidence = self._evidence(cluster)
        say(f"{sum(len(rows) for rows in evidence.rows.values())} messages to check")
        check_topics(evidence, self.verdicts)
        check_chains(evidence, self.verdicts)
        check_gate(evidence, self.verdicts, is_full=not self.scenario.stages and self.messages >= 5_000)
        check_arbiter(evidence, self.verdicts, paused=self.paused)
        check_answers(evidence, self.verdicts)
        check_outputs(evidence, self.verdicts)
        check_leases(evidence, self.verdicts)
        self.verdicts.check("`agentbus verify` finds nothing either", self.bus.verify())

    def _evidence(self, cluster: Cluster) -> Evidence:
        found: list[Evidence] = []
        self.verdicts.check("what stands on the topics has the form of the wire page", _gathered(cluster, found))
        if not found:
            raise TestsStopError("the chains and inputs could not be read: see the line before")
        return found[0]

    def _traffic(self, steward: Steward) -> list[Json]:
        processes = [self._start_traffic(number, steward.domain) for number in range(PROCESSES)]
        try:
            self._watch(processes, steward)
            return [self._report(process) for process in processes]
        finally:
            for process in processes:
                if process.poll() is None:
                    process.kill()
                    process.wait()

    def _start_traffic(self, number: int, domain: str) -> subprocess.Popen[str]:
        plan = {
            "bootstrap": self.bus.bootstrap,
            "domain": domain,
            "process": number,
            "messages": self.messages // PROCESSES,
            "seconds": self.seconds,
            "seed": self.seed,
            "lease_ms": self.scenario.lease_ms,
            "renew_every_ms": self.scenario.renew_every_ms,
            **self.scenario.more_of_plan,
        }
        command = [sys.executable, "-m", "tests.acceptance.traffic", json.dumps(plan)]
        return subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, env=os.environ)

    def _watch(self, processes: list[subprocess.Popen[str]], steward: Steward) -> None:
        started = time.monotonic()
        blows, interference, told = list(self.scenario.blows), 0, started
        while any(process.poll() is None for process in processes) or blows:
            now = time.monotonic()
            share = (now - started) / self.seconds
            if now - started > self.seconds + TRAFFIC_SLACK_S:
                raise TestsStopError(f"traffic did not end within {self.seconds + TRAFFIC_SLACK_S:.0f} s")
            while blows and share >= blows[0].share:
                self._strike(blows.pop(0))
            if self.scenario.is_interfered and share * (INTERFERENCES + 2) >= interference + 1 <= INTERFERENCES:
                steward.interfere(interference)
                interference += 1
            if now - told >= PROGRESS_S:
                told = now
                self.verdicts.say(f"traffic runs since {now - started:.0f} s")
            steward.person.producer.poll(0.05)
        steward.person.producer.flush(PROGRESS_S)

    def _strike(self, blow: Blow) -> None:
        stage = self.bus.stages.get(blow.instance)
        self.verdicts.say(f"{blow.what} {blow.instance}")
        match blow.what:
            case "kill" if stage is not None:
                stage.kill()
                self.gone.add(blow.instance)
                self.paused.append((now_ms(), now_ms() + RESTART_BOUND_MS))
            case "start":
                killed_ms = self.paused[-1][0]
                self.bus.start_stage(blow.stage, blow.instance)
                self.gone.discard(blow.instance)
                self.paused[-1] = (killed_ms, now_ms() + RESTART_BOUND_MS)
            case "stop" if stage is not None:
                stage.signal(signal.SIGSTOP)
                self.stopped_ms = now_ms()
            case "continue" if stage is not None:
                stage.signal(signal.SIGCONT)
                self.paused.append((self.stopped_ms, now_ms() + RESTART_BOUND_MS))
            case _:
                raise TestsStopError(f"there is no {blow.instance} to {blow.what}")

    def _report(self, process: subprocess.Popen[str]) -> Json:
        out = process.communicate()[0]
        if process.returncode != 0:
            raise TestsStopError(f"a traffic process ended with {process.returncode}: see its output above")
        return json.loads(out.splitlines()[-1])

    def _dead(self) -> str:
        for name, process in [("dev", self.bus.dev), *self.bus.stages.items()]:
            if name not in self.gone and process.popen.poll() is not None:
                return f"{name} ended by itself with {process.popen.returncode}: {process.tail()}"
        return ""


def run_scenario(scenario: Scenario, verdicts: Verdicts, *, messages: int, seed: int, keep: bool) -> None:
    """Run one scenario from an empty broker to its last line."""
    verdicts.scenario = scenario.name
    failed_before = verdicts.failed
    bus: Bus | None = None
    try:
        bus = start_bus(stages=list(scenario.stages))
        share = max(PROCESSES, int(messages * scenario.share_of_messages))
        Run(scenario, verdicts, share, seed, bus).go()
    except TestsStopError as error:
        verdicts.check("the scenario runs to its end", [str(error)])
    finally:
        if bus is not None:
            verdicts.check("everything stops on Ctrl-C and leaves nothing running", bus.stop())
            _forget(bus, verdicts.say, keep=keep, has_failed=verdicts.failed > failed_before)


def _gathered(cluster: Cluster, found: list[Evidence]) -> Iterator[str]:
    found.append(gather(cluster))
    yield from ()


def _forget(bus: Bus, say: Callable[[str], None], *, keep: bool, has_failed: bool) -> None:
    """Take the data away; of a run that failed the stages' logs stay."""
    if keep:
        say(f"kept {bus.folder}")
        return
    shutil.rmtree(bus.folder / "data", ignore_errors=True)
    if has_failed:
        say(f"the logs of the stages are in {bus.folder}")
    else:
        shutil.rmtree(bus.folder, ignore_errors=True)
