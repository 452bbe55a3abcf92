"""One bout of the bench: a bus of its own, load, blows in an order of chance, silence, and every check."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.acceptance.evidence import Evidence, gather
from tests.acceptance.outgoing import now_ms
from tests.acceptance.quiet import wait_until_quiet
from tests.acceptance.setting import terms
from tests.acceptance.steward import Steward, new_steward
from tests.acceptance.topics import Cluster, TestsStopError
from tests.acceptance.verdicts import Verdicts
from tests.acceptance.wire import Json
from tests.faults.bench import REPOSITORY, STEWARD, Bench
from tests.faults.blows import Blow, Fault, Hand, bag
from tests.faults.checks import check_everything
from tests.faults.timing import all_waits, blow_times, counts, spread

LEASE_MS, RENEW_EVERY_MS = 15_000, 5_000
RACE = {"resource": "race", "window_ms": 400, "ladder": ["priority", "first_come", "deny"], "when": {}}
CROWDS = 2  # processes of fifty agents each
PAUSE_S = (0.2, 2.0)  # between two blows
CALM_WITHIN_S = 15.0  # so long a pause waits for all stages to be ready again
HASTY = 0.25  # of the blows fall while the bus still mends what the one before did
LEAD_IN_S = 3.0  # load before the first blow
LOAD_SLACK_S = 120.0
QUIET_WITHIN_S = 300.0
RECORDER_S = 300.0
VERIFY_S = 1_800.0
TOLD_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of a bout."""

    seconds: float
    rate: int
    seed: int
    brokers: int
    faults: tuple[Fault, ...]


@dataclass(slots=True)
class Bout:
    """Named steps in one: ``go``; what came of it is in ``blows`` and ``report``."""

    order: Order
    bench: Bench
    verdicts: Verdicts
    blows: list[Blow] = field(default_factory=list)
    report: Json = field(default_factory=dict)
    sent: int = 0
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def go(self) -> None:
        """Start, set up, load and strike, wait for silence, check; raises TestsStopError if it cannot go on."""
        say = self.verdicts.say
        say(f"starting {self.order.brokers} Kafka, two processes of each stage; data in {self.bench.folder}")
        self.bench.start()
        say("the stages are ready; lanes, agents, contracts and terms are set")
        steward = new_steward(self.bench.bootstrap, STEWARD, LEASE_MS)
        steward.processes, steward.more_terms = CROWDS, {"race": terms(LEASE_MS) | RACE}
        steward.set_up()
        recorder = self._start([sys.executable, "-m", "tests.faults.recorder", self.bench.bootstrap])
        assert recorder.stdout is not None
        recorder.stdout.readline()
        say(f"set up; {self.order.rate} messages a second for {self.order.seconds:.0f} s")
        began_ms = now_ms()
        crowds = [self._crowd(number, steward.domain) for number in range(CROWDS)]
        self._strike_on(steward, time.monotonic() + self.order.seconds)
        failed = [self._sent(crowd) for crowd in crowds]
        say(f"{self.sent} messages sent, {sum(failed)} of them not acknowledged; waiting until the bus is quiet")
        self._settle(began_ms, recorder)

    def _settle(self, began_ms: int, recorder: subprocess.Popen[str]) -> None:
        say, cluster = self.verdicts.say, Cluster(self.bench.bootstrap)
        sent_ms = now_ms()
        wait_until_quiet(cluster, within_s=QUIET_WITHIN_S, say=say, is_alive=self.bench.dead)
        quiet_ms = now_ms()
        say("quiet; the recording reader reads everything again")
        out, _ = recorder.communicate("end\n", RECORDER_S)
        if recorder.returncode:
            raise TestsStopError(f"the recording reader ended with {recorder.returncode}: see its output above")
        evidence = gather(cluster)
        say(f"{sum(len(rows) for rows in evidence.rows.values())} messages to check")
        taken = [self._taken(number) for number in range(CROWDS)]
        check_everything(evidence, self.verdicts, taken, json.loads(out.splitlines()[-1]))
        self.verdicts.check("no process of a stage ended by itself", self.bench.by_themselves)
        self.verdicts.check("`agentbus verify` of an export finds nothing", self._verified())
        self._tell(evidence, began_ms, sent_ms, quiet_ms)

    def end(self) -> None:
        """Leave no process behind."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.wait()

    def _strike_on(self, steward: Steward, until_s: float) -> None:
        chance = random.Random(self.order.seed)
        hand, waiting, told_s, step = Hand(self.bench, chance), list[Fault](), 0.0, 0
        time.sleep(LEAD_IN_S)
        while (left_s := until_s - time.monotonic()) > 0:
            fitting = [fault for fault in waiting if fault.seconds <= left_s]
            if not fitting and not waiting:
                waiting = bag(self.order.faults, chance)
                continue
            if not fitting:
                time.sleep(min(left_s, 1.0))
                continue
            fault = fitting[0]
            waiting.remove(fault)
            blow = hand.strike(fault)
            self.blows.append(blow)
            self.verdicts.say(f"{blow.fault}: {blow.target}: {blow.what} ({left_s:.0f} s left)")
            self.bench.look()
            if time.monotonic() - told_s > TOLD_EVERY_S:
                told_s = time.monotonic()
                steward.interfere(step)
                step += 1
            steward.person.producer.poll(0)
            pause_s = chance.uniform(*PAUSE_S)
            if chance.random() >= HASTY:
                self.bench.calm_down(min(until_s, time.monotonic() + CALM_WITHIN_S))
            time.sleep(min(max(0.0, until_s - time.monotonic()), pause_s))
        steward.person.producer.flush(TOLD_EVERY_S)

    def _start(self, command: list[str]) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self.started.append(process)
        return process

    def _crowd(self, number: int, domain: str) -> subprocess.Popen[str]:
        plan = {
            "bootstrap": self.bench.bootstrap,
            "domain": domain,
            "process": number,
            "messages": int(self.order.rate * self.order.seconds) // CROWDS,
            "seconds": self.order.seconds,
            "seed": self.order.seed,
            "lease_ms": LEASE_MS,
            "renew_every_ms": RENEW_EVERY_MS,
        }
        command = [sys.executable, "-m", "tests.faults.load", json.dumps(plan), str(self._taken(number))]
        return self._start(command)

    def _taken(self, number: int) -> Path:
        return self.bench.folder / f"taken-{number}"

    def _sent(self, crowd: subprocess.Popen[str]) -> int:
        try:
            out, _ = crowd.communicate(timeout=LOAD_SLACK_S)
        except subprocess.TimeoutExpired as error:
            raise TestsStopError(f"a crowd did not end within {LOAD_SLACK_S:.0f} s") from error
        if crowd.returncode:
            raise TestsStopError(f"a crowd ended with {crowd.returncode}: see its output above")
        report = json.loads(out.splitlines()[-1])
        self.sent += report["sent"]
        return int(report["failures"])

    def _verified(self) -> list[str]:
        try:
            export = str(self.bench.folder / "export")
            self.bench.agentbus("verify", "--save", export, "--bootstrap", self.bench.bootstrap, within_s=VERIFY_S)
        except TestsStopError as error:
            return [str(error)]
        return []

    def _tell(self, evidence: Evidence, began_ms: int, sent_ms: int, quiet_ms: int) -> None:
        waits = all_waits(evidence)
        seconds = (sent_ms - began_ms) / 1000
        counted = counts(evidence)
        self.report = {
            "seed": self.order.seed,
            "seconds": seconds,
            "sent": self.sent,
            "per_second": round(self.sent / seconds, 1),
            **counted,
            "cuts": self.bench.proxy.cuts,
            "held_back": self.bench.proxy.held,
            "lost_on_purpose": self.bench.losses(),
            "waits": {
                stage: spread([ms for one in waits if one.stage == stage for _, ms in one.waits])
                for stage in ("gate", "arbiter", "publisher")
            },
            "blows": blow_times(self.blows, waits, quiet_ms),
        }
