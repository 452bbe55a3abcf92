"""Puts the demo on: a real Kafka, the stages and the agents as processes, four acts, `agentbus verify`, and the end."""

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

from bus.dev.broker import LocalBroker, start_broker
from bus.dev.demo import acts
from bus.dev.demo.company import AGENTS, GOVERNED, LANES, STEWARD, make_genesis, make_topics, register
from bus.dev.demo.processes import Processes
from bus.dev.demo.show import NotSeenError, Show
from bus.dev.demo.talk import Talk
from bus.dev.demo.telling import Teller
from bus.dev.demo.watch import Watch
from bus.dev.lock import read_lock
from bus.dev.progress import OnProgress

OPERATORS = "operators"
VERIFIED_WITHIN_S = 60.0
OnStep = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """How to perform. `save`: a new folder for the evidence, so that it can be checked again later."""

    save: Path | None = None
    pause_s: float = 0.0


def perform(teller: Teller, options: Options, on_progress: OnProgress, on_step: OnStep) -> bool:
    """The whole demo; True if everything that had to be seen was seen. Raises DevError, BusError.

    Whatever happens, Ctrl-C included, no process is left when this returns.
    """
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="agentbus-demo-") as folder:
        broker = start_broker(on_progress=on_progress)
        processes = Processes(broker.bootstrap, Path(folder))
        try:
            show = _open(broker, processes, teller, on_step, options)
            _play(show)
            _verify(show, broker, options.save)
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)  # what is being stopped is stopped to the end
            processes.stop()
            broker.stop()
    took_s = round(time.monotonic() - began_s, 1)
    teller.end({"checks": show.checks, "failed": show.failed, "took_s": took_s})
    return not show.failed


def _open(broker: LocalBroker, processes: Processes, teller: Teller, on_step: OnStep, options: Options) -> Show:
    """Everything is started and set up; the first act may begin."""
    on_step("topics, five agents and genesis")
    make_topics(broker.bootstrap)
    agents = [processes.start_agent(agent) for agent in AGENTS]
    make_genesis(broker.bootstrap)
    on_step("gate, arbiter and publisher")
    gate = processes.start_stages("gate", ["gate", "publisher"])
    arbiter = processes.start_stages("arbiter", ["arbiter"])
    steward = Talk(broker.bootstrap, STEWARD, OPERATORS)
    changes = register(steward)
    watch = Watch(broker.bootstrap, (*LANES, OPERATORS), GOVERNED)
    watch.open()
    for child in (gate, arbiter, *agents):
        child.wait_ready()
    on_step("lanes, agents, contracts and terms")
    show = Show(watch, teller, processes, steward, options.pause_s)
    show.until("everything is set", lambda: len(show.complete(lane=OPERATORS, kind="control_set")) == changes)
    show.until("it is in force", lambda: all(watch.gate_control.get(lane, -1) >= changes for lane in LANES))
    show.is_set_up = True
    facts = {
        "bootstrap": broker.bootstrap,
        "kafka": read_lock().kafka_version,
        "agents": [agent.name for agent in AGENTS],
    }
    teller.begin({**facts, "gate": processes.pid("gate"), "arbiter": processes.pid("arbiter")})
    return show


def _play(show: Show) -> None:
    """The four acts; what is not seen in time ends them."""
    try:
        acts.the_quote_request(show)
        holder = acts.the_lead(show)
        holder = acts.the_hand_over(show, holder)
        acts.the_crash(show, holder)
        acts.the_loop(show, holder)
    except NotSeenError as error:
        show.check(str(error), is_so=False)
    finally:
        show.steward.close()
        show.watch.close()
    show.processes.end_agents([agent.name for agent in AGENTS])


def _verify(show: Show, broker: LocalBroker, save: Path | None) -> None:
    """An outsider's check of all that happened, by the command anybody can run."""
    show.act(
        5, "An outsider checks all of it", "agentbus verify believes nothing: it reads the topics and judges again."
    )
    command = [sys.executable, "-m", "bus.cli", "verify", "--bootstrap", broker.bootstrap, "--json"]
    command += ["--save", str(save)] if save is not None else []
    ran = subprocess.run(command, capture_output=True, text=True, timeout=VERIFIED_WITHIN_S, check=False)
    try:
        report = json.loads(ran.stdout)
    except ValueError:
        show.check(f"agentbus verify reported: {ran.stderr.strip()[-300:]}", is_so=False)
        return
    for one in report["checks"]:
        looked_at = ", ".join(f"{number:,} {what}" for what, number in one["counts"].items())
        show.check(one["title"], is_so=one["result"] == "ok", looked_at=looked_at or one["result"])
    show.check("the bus had come to rest, so that nothing is left to check", is_so=not report["moving"])
