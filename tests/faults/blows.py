"""Every way in which the bench hurts the bus: what it does, for how long, and how often in one turn of the bag."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.acceptance.outgoing import now_ms
from tests.faults.bench import STAGES, Bench
from tests.faults.proxy import Cut

# The group gives a silent member's work away after 6 s (bus.shell.kafka); a stage that takes over waits 1 to 3 s more.
SILENT_S = 8.0
TAKEN_OVER_S = 14.0
TWO_OWNERS_S = 7.0
STORM_ROUNDS = 4
STORM_EVERY_S = 1.0
LOSING_S = 9.0
LOST_OF_10000 = "100"
HELD_S = 1.6  # more than the client's own patience of a second: it asks again
HOLDING_S = 8.0
BROKER_AWAY_S = 8.0
LED_AGAIN_S = 8.0  # a broker that was away catches up, and Kafka looks every few seconds whom to give what
OUT_OF_ROOM_S = 6.0
HIT_S = 0.05


@dataclass(frozen=True, slots=True)
class Blow:
    """What was done to the bus, to whom, and when (epoch milliseconds)."""

    fault: str
    target: str
    what: str
    began_ms: int
    ended_ms: int

    @property
    def stage(self) -> str:
        """The stage it was meant for, "" if it was for all."""
        stage = self.target.partition("-")[0]
        return stage if stage in STAGES else ""


@dataclass(slots=True)
class Hand:
    """The one that strikes: a bench, seeded chance, and whose turn it is."""

    bench: Bench
    chance: random.Random
    turns: dict[str, int] = field(default_factory=dict)

    def strike(self, fault: Fault) -> Blow:
        """Do it, and say when it was done."""
        began_ms = now_ms()
        target, what = fault.strike(self)
        return Blow(fault.name, target, what, began_ms, now_ms())

    def stage(self, fault: str, stages: Sequence[str] = STAGES) -> str:
        """The stage whose turn it is with this fault."""
        turn = self.turns.get(fault, 0)
        self.turns[fault] = turn + 1
        return stages[turn % len(stages)]

    def instance(self, fault: str, stages: Sequence[str] = STAGES) -> str:
        """One of the two processes of that stage, by chance."""
        return f"{self.stage(fault, stages)}-{self.chance.randint(1, 2)}"


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault; `seconds` is about how long it takes, `per_turn` how often it is in the bag."""

    name: str
    seconds: float
    per_turn: int
    brokers: tuple[int, ...]
    strike: Callable[[Hand], tuple[str, str]]


def _kill(hand: Hand) -> tuple[str, str]:
    instance = hand.instance("kill")
    hand.bench.kill(instance)
    hand.bench.start_stage(instance)
    return instance, "kill -9, started again at once"


def _gone(hand: Hand) -> tuple[str, str]:
    instance = hand.instance("gone")
    hand.bench.kill(instance)
    time.sleep(TAKEN_OVER_S)
    hand.bench.start_stage(instance)
    return instance, f"kill -9, not started again for {TAKEN_OVER_S:.0f} s"


def _freeze(hand: Hand) -> tuple[str, str]:
    instance = hand.instance("freeze", ("arbiter", "gate", "publisher"))
    seconds = SILENT_S + hand.chance.random() * 2
    with hand.bench.frozen(instance):
        time.sleep(seconds)
    return instance, f"SIGSTOP for {seconds:.1f} s, then SIGCONT"


def _owners(hand: Hand) -> tuple[str, str]:
    stage = hand.stage("owners", ("arbiter", "gate", "publisher"))
    odd = f"odd-{stage}-z"
    hand.bench.start_odd(odd, FAULTS_GROUP="-zombie")
    hand.bench.await_odd(odd)
    time.sleep(TWO_OWNERS_S + hand.chance.random() * 2)
    hand.bench.end_odd(odd)
    return stage, "a second owner of everything, in a group of its own"


def _storm(hand: Hand) -> tuple[str, str]:
    bench = hand.bench
    for n in range(STORM_ROUNDS):
        for stage in ("gate", "arbiter"):
            bench.start_odd(f"odd-{stage}-s{n}")
        time.sleep(STORM_EVERY_S)
        if n >= 2:
            for stage in ("gate", "arbiter"):
                bench.end_odd(f"odd-{stage}-s{n - 2}")
    for instance in [name for name in bench.odd if "-s" in name]:
        bench.end_odd(instance)
        time.sleep(STORM_EVERY_S / 2)
    return "all", f"{STORM_ROUNDS} gates and {STORM_ROUNDS} arbiters came and were killed, one a second"


def _broker(hand: Hand) -> tuple[str, str]:
    node = hand.chance.choice(hand.bench.nodes)
    hand.bench.restart_broker(node)
    return "Kafka", "kill -9, started again at once"


def _broker_lost(hand: Hand) -> tuple[str, str]:
    nodes = hand.bench.nodes
    number = hand.chance.randrange(len(nodes))
    nodes[number].kill()
    time.sleep(BROKER_AWAY_S)
    nodes[number].start()
    nodes[number].wait_ready()
    return f"broker {number + 1}", f"kill -9, away for {BROKER_AWAY_S:.0f} s: its partitions get other leaders"


def _leaders(hand: Hand) -> tuple[str, str]:
    bench = hand.bench
    number = hand.chance.randrange(len(bench.nodes))
    bench.restart_broker(bench.nodes[number])
    time.sleep(LED_AGAIN_S)  # Kafka itself gives them back
    return f"broker {number + 1}", "its partitions got other leaders, and when it was in step again it led them again"


def _cut(hand: Hand) -> tuple[str, str]:
    cut = hand.chance.choice(list(Cut))
    before = hand.bench.proxy.cuts
    hand.bench.proxy.cut_batches(cut)
    time.sleep(1.0)
    if hand.chance.random() < 0.3:
        hand.bench.proxy.cut_all()
        time.sleep(HIT_S)
    return "connections", f"{hand.bench.proxy.cuts - before} were cut: {cut.value}"


def _late_end(hand: Hand) -> tuple[str, str]:
    proxy, before = hand.bench.proxy, hand.bench.proxy.held
    loses_client = hand.chance.random() < 0.5
    proxy.hold_ends(HELD_S, loses_client=loses_client)
    until_s = time.monotonic() + HOLDING_S  # a publisher that is just starting ends nothing yet
    while proxy.held == before and time.monotonic() < until_s:
        time.sleep(HIT_S)
    time.sleep(HELD_S)
    proxy.hold_ends(0.0, loses_client=False)
    how = "after its client had asked again on another connection" if loses_client else "with its client waiting"
    return "publisher", f"{proxy.held - before} EndTxn came {HELD_S} s late, {how}"


def _full_disk(hand: Hand) -> tuple[str, str]:
    node = hand.chance.choice(hand.bench.nodes)
    how = node.fill_disk()
    until_s = time.monotonic() + OUT_OF_ROOM_S
    while node.is_alive() and time.monotonic() < until_s:
        time.sleep(HIT_S)
    ended = "and it ended" if not node.is_alive() else "and it lived on"
    node.free_disk()
    hand.bench.restart_broker(node)
    return "Kafka", f"{how}, {ended}; then room was made and it was started again"


def _lost(hand: Hand) -> tuple[str, str]:
    instance = hand.instance("lost", ("gate", "arbiter"))
    bench, before = hand.bench, hand.bench.losses()
    bench.kill(instance)
    bench.start_odd(f"odd-{instance}", FAULTS_LOSE=LOST_OF_10000)
    bench.await_odd(f"odd-{instance}")
    time.sleep(LOSING_S)
    bench.end_odd(f"odd-{instance}")
    bench.start_stage(instance)
    return instance, f"{bench.losses() - before} records of what it sent were lost, what came behind was delivered"


FAULTS = (
    Fault("kill", 3, 3, (1, 3), _kill),
    Fault("gone", 17, 1, (1, 3), _gone),
    Fault("freeze", 9, 1, (1, 3), _freeze),
    Fault("owners", 8, 1, (1, 3), _owners),
    Fault("storm", 8, 1, (1, 3), _storm),
    Fault("broker", 5, 1, (1,), _broker),
    Fault("broker-lost", 14, 1, (3,), _broker_lost),
    Fault("leaders", 16, 1, (3,), _leaders),
    Fault("cut", 1, 2, (1, 3), _cut),
    Fault("late-end", 4, 1, (1, 3), _late_end),
    Fault("full-disk", 9, 1, (1, 3), _full_disk),
    Fault("lost", 14, 1, (1, 3), _lost),
)


def named(names: Sequence[str], brokers: int) -> list[Fault]:
    """The faults of these names (all, if none is named) that there can be with so many brokers."""
    return [fault for fault in FAULTS if brokers in fault.brokers and (not names or fault.name in names)]


def bag(faults: Sequence[Fault], chance: random.Random) -> list[Fault]:
    """One turn, in an order of chance: every fault once, so that a short run has most; then those that come more."""
    once = list(faults)
    more = [fault for fault in faults for _ in range(fault.per_turn - 1)]
    chance.shuffle(once)
    chance.shuffle(more)
    return [*once, *more]
