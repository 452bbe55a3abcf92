"""10,000 claims by 100 clients while stages and Kafka are killed with -9; one line PASS or FAIL per promise.

python -m tests.client.run_faults [--claims 10000] [--seconds 60]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import yaml
from confluent_kafka import Producer

from bus.client.clock import elapsed_s
from tests.acceptance.verdicts import Verdicts
from tests.client.conftest import hire
from tests.client.fault_agents import EMAIL, Plan
from tests.client.fault_bus import DOMAIN, PARTITIONS, STEWARD, FaultBus
from tests.client.fault_checks import (
    Json,
    check_acts,
    check_alone,
    check_beliefs,
    check_claims,
    check_loops,
    check_once,
    tell,
)
from tests.stories.client import Sender, Topic
from tests.stories.world import SCHEMAS, World, create_topics

LANES = ("north", "east", "south", "west")
AGENTS_PER_LANE = 25
SUBJECTS = 60
LEASE_MS = 15_000
SLACK_S = 240.0  # for a busy machine; the claims themselves set the pace
# When what is killed, as shares of the run: the stages three times, Kafka twice.
BLOWS = ((0.15, "stages"), (0.30, "broker"), (0.50, "stages"), (0.65, "broker"), (0.85, "stages"))


@dataclass(frozen=True, slots=True)
class Order:
    """What the command line asks for."""

    claims: int
    seconds: float
    seed: int


def main() -> int:
    """Run, check, tell; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claims", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=7)
    order = Order(**vars(parser.parse_args()))
    verdicts = Verdicts(scenario="client")
    with tempfile.TemporaryDirectory(prefix="agentbus-faults-") as name:
        bus = FaultBus(Path(name))
        try:
            bus.start()
            _run(bus, order, verdicts)
        finally:
            bus.stop()
    return verdicts.close()


def _run(bus: FaultBus, order: Order, verdicts: Verdicts) -> None:
    agents = _set_up(bus.bootstrap)
    clients = len(LANES) * AGENTS_PER_LANE
    verdicts.say(f"{clients} agents on {len(LANES)} lanes are hired; {order.claims} claims in about {order.seconds} s")
    per_agent = order.claims // clients
    plans = [
        Plan(bus.bootstrap, lane, agents[lane], per_agent, SUBJECTS, order.seconds, order.seed + n, is_async=n % 2 == 1)
        for n, lane in enumerate(LANES)
    ]
    processes = [_start(plan) for plan in plans]
    wall_ahead_ms = time.time() * 1_000 - elapsed_s() * 1_000
    try:
        _strike(bus, order.seconds, verdicts)
        seen = [_told(process, order.seconds + SLACK_S) for process in processes]
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
    _summary(seen, verdicts)
    verdict = bus.verify()
    told = tell(bus.bootstrap, int(PARTITIONS), "leads", 1)
    wanted = per_agent * clients
    verdicts.check("every claim was answered once, as the journal has it", check_claims(seen, told, wanted))
    verdicts.check("no answer went to two callers, none came as an event", check_once(seen))
    verdicts.check("what was told as admitted is what is on the topic, once", check_acts(seen, told))
    verdicts.check("no belief outlived what the journal grants", check_beliefs(seen, told, wall_ahead_ms))
    verdicts.check("no two agents believed in one resource at once", check_alone(seen))
    verdicts.check("no callback of an event loop took more than 50 ms of its thread", check_loops(seen))
    verdicts.check("`agentbus verify` finds nothing", [verdict] if verdict else [])


def _start(plan: Plan) -> subprocess.Popen[str]:
    said = json.dumps({name: getattr(plan, name) for name in Plan.__slots__})
    command = [sys.executable, "-m", "tests.client.fault_agents", said]
    return subprocess.Popen(command, cwd=SCHEMAS.parent, stdout=subprocess.PIPE, text=True)


def _told(process: subprocess.Popen[str], within_s: float) -> Json:
    out, _ = process.communicate(timeout=within_s)
    return dict(json.loads(out.splitlines()[-1]))


def _strike(bus: FaultBus, seconds: float, verdicts: Verdicts) -> None:
    began_s = time.monotonic()
    for share, what in BLOWS:
        time.sleep(max(0.0, began_s + share * seconds - time.monotonic()))
        verdicts.say(f"kill -9 of the {what}")
        if what == "stages":
            bus.kill_stages()
            bus.start_stages()
        else:
            bus.kill_broker()
            bus.start_broker()
        verdicts.say(f"the {what} are back" if what == "stages" else "Kafka is back")


def _summary(seen: list[Json], verdicts: Verdicts) -> None:
    claims = [claim["told"] for one in seen for claim in one["claims"]]
    acts = [act["told"] for one in seen for act in one["acts"]]
    beliefs = sum(len(one["beliefs"]) for one in seen)
    told = ", ".join(f"{kind} {claims.count(kind)}" for kind in sorted(set(claims)))
    done = ", ".join(f"{kind} {acts.count(kind)}" for kind in sorted(set(acts)))
    loops = max(one["longest_callback_ms"] for one in seen)
    verdicts.say(f"claims: {told}; acts: {done}; {beliefs} beliefs; longest callback {loops:.1f} ms")


def _set_up(bootstrap: str) -> dict[str, list[str]]:
    """Lanes, agents, one contract and terms; the agents by lane."""
    create_topics(bootstrap, ["leads"])
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0})
    answers = Topic(bootstrap, "bus.out.operators")
    world = World(bootstrap, Sender(STEWARD, "operators", producer, answers), _topics={answers.name: answers})
    try:
        for lane in LANES:
            hire(world, lane, {f"{lane}-{number}": "sales" for number in range(AGENTS_PER_LANE)})
        world.set_contract(EMAIL)
        terms = yaml.safe_load((SCHEMAS / "leads/terms/lead.yaml").read_text(encoding="utf-8"))
        world.set("terms", "lead", terms | {"when": {}, "lease_ms": LEASE_MS})
        for lane in LANES:
            world.await_in_force(lane)
    finally:
        world.close()
    named = {lane: [f"{lane}-{number}" for number in range(AGENTS_PER_LANE)] for lane in LANES}
    return {lane: [f"spiffe://{DOMAIN}/agent/{name}" for name in names] for lane, names in named.items()}


if __name__ == "__main__":
    sys.exit(main())
