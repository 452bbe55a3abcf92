"""Puts the demo on: a real Kafka, the stages and the agents as processes, the acts, `agentbus verify`, and the end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bus.core.log.topics import DESK_LANE, OPERATORS_LANE
from bus.dev.broker import LocalBroker, start_broker
from bus.dev.demo import acts, contested
from bus.dev.demo.company import AGENTS, GOVERNED, LANES, STEWARD, make_genesis, make_topics, register
from bus.dev.demo.keys import Keys
from bus.dev.demo.pace import BREATHS, Pace
from bus.dev.demo.processes import Processes
from bus.dev.demo.show import NotSeenError, Show
from bus.dev.demo.told import Begun, Teller
from bus.dev.demo.watch import Watch
from bus.dev.lock import read_lock
from bus.dev.progress import OnProgress
from bus.shell.lane_talk import LaneTalk
from bus.shell.settings import Settings
from bus.shell.steward import Steward

VERIFIED_WITHIN_S = 60.0
VERIFY_TRIES_MAX = 3  # a renewal of a lease in the middle of it is no fault, but then not everything has been looked at
LOOK_S = 0.05
OnStep = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """How to perform."""

    pace: Pace
    is_stepwise: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went, and what is left. `evidence` is in a folder that goes with the demo: move it to keep it.

    `denied` is the decision by which somebody did not get the lead, `held` the lead that sales-1 has at the end; both
    are "" if it did not come to that.
    """

    checks: int
    failed: tuple[str, ...]
    took_s: float
    denied: str
    held: str
    bootstrap: str
    data: Path
    evidence: Path | None


def perform(
    teller: Teller,
    keys: Keys,
    options: Options,
    *,
    on_progress: OnProgress,
    on_step: OnStep,
    on_end: Callable[[Outcome], None],
) -> None:
    """The whole demo; `on_end` is called while everything still runs. Raises DevError, BusError.

    Whatever happens, Ctrl-C included, no process is left when this returns.
    """
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="agentbus-demo-") as folder:
        broker = start_broker(on_progress=on_progress)
        processes = Processes(broker.bootstrap, Path(folder), broker.pid)
        try:
            show = _open(broker, processes, teller, keys, options, on_step)
            try:
                _play(show)
                evidence = _verify(show, broker, Path(folder))
            finally:
                show.steward.close()
                show.talk.close()
                show.watch.close()
            on_end(_outcome(show, broker, evidence, time.monotonic() - began_s))
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)  # what is being stopped is stopped to the end
            processes.stop()
            broker.stop()


def _open(
    broker: LocalBroker, processes: Processes, teller: Teller, keys: Keys, options: Options, on_step: OnStep
) -> Show:
    """Everything is started and set up; the first act may begin."""
    config = Settings(bootstrap=broker.bootstrap).client_config()
    on_step(f"topics, {len(AGENTS)} agents and genesis")
    make_topics(config)
    agents = [processes.start_agent(agent) for agent in AGENTS]
    make_genesis(config)
    on_step("gate, arbiter and publisher")
    stages = [processes.start_stages("gate", ["gate", "publisher"]), processes.start_stages("arbiter", ["arbiter"])]
    steward, watch = Steward(config, STEWARD), Watch(config, (*LANES, OPERATORS_LANE, DESK_LANE), GOVERNED)
    desk = LaneTalk(config, DESK_LANE)
    steward.open()
    desk.open()
    watch.open()
    for child in (*stages, *agents):
        child.wait_ready()
    on_step("lanes, agents, contracts and terms")
    control = register(steward)
    show = Show(watch, teller, processes, steward, BREATHS[options.pace], keys, desk, options.is_stepwise)
    in_force = watch.journals.gate_control
    show.until("it is in force", lambda: all(in_force.get(lane, -1) >= control for lane in LANES))
    show.settle()
    show.is_set_up = True
    teller.tell(Begun(read_lock().kafka_version, broker.bootstrap, tuple(agent.name for agent in AGENTS)))
    return show


def _play(show: Show) -> None:
    """The acts with the agents; what is not seen in time ends them."""
    try:
        acts.the_quote_request(show)
        holder = acts.the_lead(show)
        holder = acts.the_hand_over(show, holder)
        acts.the_crash(show, holder)
        acts.the_loop(show, holder)
        contested.the_window(show)
        contested.the_deal(show)
        contested.the_sanctions(show)
    except NotSeenError as error:
        show.check(str(error), is_so=False)


def _verify(show: Show, broker: LocalBroker, folder: Path) -> Path | None:
    """An outsider's check of all that happened, by the command anybody can run; what it read is kept."""
    show.act(
        9, "An outsider checks all of it", "agentbus verify believes nothing: it reads the topics and judges again."
    )
    saved = folder / "evidence-1"
    report = _report(show, broker.bootstrap, saved)
    for number in range(2, VERIFY_TRIES_MAX + 1):
        if not report["moving"]:
            break
        saved = folder / f"evidence-{number}"
        report = _report(show, broker.bootstrap, saved)
    for one in report.get("checks", ()):
        looked_at = ", ".join(f"{number:,} {what}" for what, number in one["counts"].items())
        show.check(one["title"], is_so=one["result"] == "ok", looked_at=looked_at or one["result"])
    show.check("the bus had come to rest, so that nothing is left to check", is_so=not report["moving"])
    show.rest(show.breath.act_s)
    return saved if saved.is_dir() else None


def _report(show: Show, bootstrap: str, saved: Path) -> dict[str, Any]:  # Any: JSON
    """What `agentbus verify` reports; what it complains of is a check that failed."""
    command = [sys.executable, "-m", "bus.cli", "verify", "--bootstrap", bootstrap, "--json", "--save", str(saved)]
    files = (saved.with_suffix(".out"), saved.with_suffix(".err"))
    with files[0].open("wb") as out, files[1].open("wb") as err:
        running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True)
        try:
            until_s = time.monotonic() + VERIFIED_WITHIN_S
            while running.poll() is None and time.monotonic() < until_s:
                show.rest(LOOK_S)
        finally:
            running.kill()
            running.wait()
    try:
        return dict(json.loads(files[0].read_text(encoding="utf-8")))
    except ValueError:
        complaint = files[1].read_text(encoding="utf-8", errors="replace").strip()[-300:]
        show.check(f"agentbus verify reported: {complaint or 'nothing in time'}", is_so=False)
        return {"moving": False}


def _outcome(show: Show, broker: LocalBroker, evidence: Path | None, took_s: float) -> Outcome:
    denied = show.complete(type=acts.CLAIM, subject="lead/L-1", kind="denied")
    granted = show.complete(type=acts.CLAIM, who="sales-1", kind="granted")
    return Outcome(
        checks=show.checks,
        failed=tuple(show.failed),
        took_s=round(took_s, 1),
        denied=denied[0].decision if denied else "",
        held=granted[-1].subject if granted else "",
        bootstrap=broker.bootstrap,
        data=broker.data,
        evidence=evidence,
    )
