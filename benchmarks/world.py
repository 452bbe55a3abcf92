"""A Kafka of its own with a small company on it, for the benchmarks: lanes with an agent each, one resource type."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition

from benchmarks.traffic import STEWARD, Message, agent
from bus.core.log.topics import PERSON_LANES
from bus.core.policy.control import Genesis
from bus.dev.broker import start_broker
from bus.shell import cluster, kafka
from bus.shell.catalogue import read_catalogue
from bus.shell.steward import Steward, Wanted

CONTRACTS = Path(__file__).parent / "contracts"
WAIT_S = 300.0
LOOK_S = 0.02


class StalledError(Exception):
    """What was waited for did not come; the sentence says what and how far it got."""


@dataclass(frozen=True, slots=True)
class World:
    """``config`` reaches the Kafka; ``lanes`` have one agent each; the arbiter has ``partitions``."""

    config: dict[str, str]
    lanes: list[str]
    partitions: int

    @contextlib.contextmanager
    def stages(self, *names: str, copies: int = 1) -> Iterator[list[subprocess.Popen[bytes]]]:
        """Processes with these stages, ``copies`` of them; they are ended when the block is left."""
        stages = [word for name in names for word in ("--stage", name)]
        command = [sys.executable, "-m", "bus.cli", "run", "--single-node", *stages, "--bootstrap", self.bootstrap]
        running = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(copies)]
        try:
            yield running
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait()

    @property
    def bootstrap(self) -> str:
        """Where the Kafka is."""
        return self.config["bootstrap.servers"]

    def hire(self) -> None:
        """Set lanes, agents, terms and contracts; the stages must run."""
        catalogue = read_catalogue(CONTRACTS)
        wanted = [Wanted("lane", lane, {"principal": f"User:{lane}"}) for lane in self.lanes]
        about = {"roles": ["bench"], "owner": STEWARD}
        wanted += [Wanted("agent", agent(lane), {"lane": lane, **about}) for lane in self.lanes]
        wanted += [Wanted("terms", name, value) for name, value in catalogue.terms.items()]
        wanted += [Wanted("contract", name, value) for name, value in catalogue.contracts.items()]
        steward = Steward(self.config, STEWARD)
        try:
            steward.open()
            steward.set_all(wanted)
        finally:
            steward.close()

    def send(self, messages: Iterator[Message], *, to: str = "") -> int:
        """Produce them as fast as it goes, each to its topic or all ``to`` one; returns how many."""
        producer, count = Producer({**self.config, "linger.ms": 5, "batch.num.messages": 10_000}), 0
        for one in messages:
            while True:
                try:
                    producer.produce(to or one.topic, value=one.value, headers=one.headers)
                    break
                except BufferError:
                    producer.poll(LOOK_S)
            count += 1
            producer.poll(0)
        producer.flush(WAIT_S)
        return count

    def ends(self, topics: list[str]) -> dict[tuple[str, int], int]:
        """Where these topics end, by topic and partition."""
        consumer = Consumer({**self.config, "group.id": "bench-ends"})
        try:
            counts = kafka.partition_counts(consumer)
            return {(topic, p): kafka.ends(consumer, topic, p)[1] for topic in topics for p in range(counts[topic])}
        finally:
            consumer.close()

    def read(self, places: dict[tuple[str, int], int], count: int) -> Iterator[tuple[str, bytes]]:
        """``count`` values from these offsets on, committed ones alone; raises `StalledError`."""
        consumer = Consumer({**self.config, "group.id": "bench-read", "isolation.level": "read_committed"})
        consumer.assign([TopicPartition(*place, offset) for place, offset in places.items()])
        until_s = time.monotonic() + WAIT_S
        try:
            while count > 0:
                if time.monotonic() > until_s:
                    raise StalledError(
                        f"{count} records did not come on {', '.join(sorted({topic for topic, _ in places}))}"
                    )
                for found in kafka.fetch(consumer, LOOK_S):
                    if found.error() is None and count > 0:
                        count -= 1
                        yield found.topic() or "", found.value() or b""
        finally:
            consumer.close()


@contextlib.contextmanager
def world(lanes: int = 6, partitions: int = 4) -> Iterator[World]:
    """A new Kafka, with the bus's topics on it; it ends with the block."""
    names = [f"lane-{n}" for n in range(lanes)]
    with start_broker() as broker:
        config = {"bootstrap.servers": broker.bootstrap}
        plans = cluster.bus_plan(partitions)
        plans += [plan for lane in names for plan in cluster.lane_plan(lane)]
        plans += [cluster.governed_plan("jobs", partitions), cluster.TopicPlan("bare", partitions, -1)]
        plans += [cluster.TopicPlan("bare.in", lanes, -1)]
        there = {plan.name for plan in plans}
        plans += [plan for lane in PERSON_LANES for plan in cluster.lane_plan(lane) if plan.name not in there]
        cluster.create_topics(kafka.admin(config), plans, replication=1)
        cluster.write_genesis(config, Genesis(1, "bench", partitions, (STEWARD,)))
        yield World(config, names, partitions)
