"""A Kafka of its own with a small company on it, for the benchmarks: lanes with an agent each, one resource type."""

import contextlib
import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin._listoffsets import OffsetSpec

from benchmarks import traffic
from benchmarks.report import StalledError
from benchmarks.traffic import STEWARD, agent
from bus.core.log.topics import PERSON_LANES
from bus.core.policy.control import Genesis
from bus.dev.broker import start_broker
from bus.dev.ports import HOST, free_ports
from bus.shell import cluster, kafka
from bus.shell.catalogue import read_catalogue
from bus.shell.steward import Steward, Wanted

CONTRACTS = Path(__file__).parent / "contracts"
STAGES = ("gate", "arbiter", "publisher")
WAIT_S = 300.0
READY_S = 60.0
LOOK_S = 0.02
STOP_S = 20.0
AT_ONCE = 200  # control changes under way at once: the operators' lane is for persons
Places = dict[tuple[str, int], int]  # topic and partition -> offset
# The development broker starts fast and compiles little; one that works for hours compiles all. The JVM takes this
# variable over its arguments.
JVM = {"_JAVA_OPTIONS": "-XX:TieredStopAtLevel=4 -Xmx1g"}


@dataclass(frozen=True, slots=True)
class World:
    """``config`` reaches the Kafka; ``lanes`` have one agent each; the arbiter has ``partitions``."""

    config: dict[str, str]
    lanes: list[str]
    partitions: int

    @contextlib.contextmanager
    def stages(self, *names: str, copies: int = 1, is_awaited: bool = True) -> Iterator[list[psutil.Process]]:
        """Processes with these stages (none: all); ``copies`` of them, ready; they are ended with the block."""
        stages = [word for name in names for word in ("--stage", name)]
        ports = free_ports(copies)
        command = [sys.executable, "-m", "bus.cli", "run", "--single-node", *stages, "--bootstrap", self.bootstrap]
        running = [subprocess.Popen([*command, "--http-port", str(port)], stderr=subprocess.DEVNULL) for port in ports]
        try:
            for port in ports if is_awaited else ():
                await_ready(port)
            yield [psutil.Process(process.pid) for process in running]
        finally:
            end(running)

    @property
    def bootstrap(self) -> str:
        """Where the Kafka is."""
        return self.config["bootstrap.servers"]

    def hire(self, more: int = 0) -> None:
        """Set lanes, agents (``more`` beside one a lane), terms and contracts; the stages must run."""
        catalogue = read_catalogue(CONTRACTS)
        wanted = [Wanted("lane", lane, {"principal": f"User:{lane}"}) for lane in self.lanes]
        wanted += [Wanted("agent", agent(lane), _about(lane)) for lane in self.lanes]
        wanted += [Wanted("terms", name, value) for name, value in catalogue.terms.items()]
        wanted += [Wanted("contract", name, value) for name, value in catalogue.contracts.items()]
        self.order(wanted)
        self.register(range(more))

    def register(self, numbers: Iterable[int]) -> None:
        """Agents with these numbers, on all lanes in turn."""
        lanes = self.lanes
        self.order(Wanted("agent", traffic.numbered(n), _about(lanes[n % len(lanes)])) for n in numbers)

    def order(self, wanted: Iterable[Wanted]) -> None:
        """Put values in force, some at a time."""
        left = list(wanted)
        steward = Steward(self.config, STEWARD)
        try:
            steward.open()
            while left:
                steward.set_all(left[:AT_ONCE])
                del left[:AT_ONCE]
        finally:
            steward.close()

    def send(self, messages: Iterable[traffic.Message], *, to: str = "") -> int:
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

    def ends(self, topics: Iterable[str]) -> Places:
        """Where these topics end, by topic and partition."""
        client = kafka.admin(self.config)
        counts = kafka.partition_counts(client)
        return kafka.next_offsets(client, [(topic, p) for topic in topics for p in range(counts[topic])])

    def newest_ms(self, topics: Iterable[str]) -> int:
        """The time the broker gave the newest record of these topics."""
        client = kafka.admin(self.config)
        counts = kafka.partition_counts(client)
        newest = OffsetSpec.max_timestamp()  # type: ignore[no-untyped-call]  # the library's own
        wanted = {TopicPartition(topic, p): newest for topic in topics for p in range(counts[topic])}
        return max(int(future.result().timestamp) for future in client.list_offsets(wanted).values())

    def oldest_ms(self, places: Places) -> int:
        """The time the broker gave the first record at or behind any of these places."""
        first = []
        for place, offset in places.items():
            found = next(kafka.records_between(self.config, *place, offset), None)
            first += [] if found is None else [found.timestamp_ms]
        return min(first)

    def read(self, places: Places, count: int) -> Iterator[Message]:
        """``count`` records from these offsets on, committed ones alone; raises `StalledError`."""
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
                        yield found
        finally:
            consumer.close()

    def await_end(self, topics: Iterable[str], end: int) -> None:
        """Wait, looking seldom, until these topics have so many records together; raises `StalledError`."""
        names, until_s = list(topics), time.monotonic() + WAIT_S
        while sum(self.ends(names).values()) < end:
            if time.monotonic() > until_s:
                raise StalledError(f"{', '.join(names)} did not get {end} records")
            time.sleep(LOOK_S * 10)

    def await_all(self, begin: Places, count: int) -> None:
        """Wait until so many records have come behind ``begin``; raises `StalledError`."""
        for _ in self.read(begin, count):
            pass


def _about(lane: str) -> dict[str, object]:
    return {"lane": lane, "roles": ["bench"], "owner": STEWARD}


@contextlib.contextmanager
def world(lanes: int = 6, partitions: int = 4, more_topics: Iterable[str] = ()) -> Iterator[World]:
    """A new Kafka, with the bus's topics on it; it ends with the block."""
    names = [f"lane-{n}" for n in range(lanes)]
    plans = cluster.bus_plan(partitions)
    plans += [plan for lane in names for plan in cluster.lane_plan(lane)]
    plans += [cluster.governed_plan("jobs", partitions), cluster.TopicPlan("bare", partitions, -1)]
    plans += [cluster.TopicPlan(name, lanes, -1) for name in ("bare.in", *more_topics)]
    there = {plan.name for plan in plans}
    plans += [plan for lane in PERSON_LANES for plan in cluster.lane_plan(lane) if plan.name not in there]
    before = {name: os.environ.get(name) for name in JVM}
    os.environ.update(JVM)
    try:
        broker = start_broker()
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
    with broker:
        config = {"bootstrap.servers": broker.bootstrap}
        cluster.create_topics(kafka.admin(config), plans, replication=1)
        cluster.write_genesis(config, Genesis(1, "bench", partitions, (STEWARD,)))
        yield World(config, names, partitions)


def await_ready(port: int) -> None:
    """Wait until the process that answers there says it is ready; raises `StalledError`."""
    until_s = time.monotonic() + READY_S
    while time.monotonic() < until_s:
        asked = http.client.HTTPConnection(HOST, port, timeout=LOOK_S * 100)
        try:
            asked.request("GET", "/readyz")
            if asked.getresponse().status == http.client.OK:
                return
        except OSError:
            pass
        finally:
            asked.close()
        time.sleep(LOOK_S * 5)
    raise StalledError(f"the stages did not become ready within {READY_S:.0f} s")


def end(running: list[subprocess.Popen[bytes]]) -> None:
    """End processes, with patience and then without."""
    for process in running:
        process.terminate()
    for process in running:
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def cpu_s(process: psutil.Process) -> float:
    """User and system time of a process and its children, in seconds."""
    return sum(own_cpu_s(one) for one in (process, *process.children(recursive=True)))


def own_cpu_s(process: psutil.Process) -> float:
    """User and system time of one process, in seconds, with that of its children that have ended: one was restarted."""
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


def resident_bytes(process: psutil.Process) -> int:
    """What a process and its children hold in memory."""
    return sum(int(one.memory_info().rss) for one in (process, *process.children(recursive=True)))
