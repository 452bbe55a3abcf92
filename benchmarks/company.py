"""What a benchmark needs before it measures: leases that agents hold, and a bare loop to compare with."""

import contextlib
import json
import multiprocessing
from collections.abc import Iterator
from multiprocessing.synchronize import Event

import psutil
from confluent_kafka import TopicPartition

from benchmarks.report import StalledError
from benchmarks.traffic import Held, claims
from benchmarks.world import WAIT_S, Places, World
from bus.shell import kafka

LEASES_MORE = 1_000  # beyond those that are released
CLAIMS_AT_ONCE = 20_000


def take_leases(made: World, count: int, run: str) -> list[Held]:
    """Claim so many jobs; the stages must run."""
    begin = made.ends([f"bus.out.{lane}" for lane in made.lanes])
    made.send(claims(made.lanes, count, run))
    told = [(one.topic() or "", json.loads(one.value() or b"")) for one in made.read(begin, count)]
    return [Held(topic.removeprefix("bus.out."), body["subject"], body["token"]) for topic, body in told]


@contextlib.contextmanager
def bare(made: World, begin: Places | None = None) -> Iterator[psutil.Process]:
    """A process that reads records and writes them again, from ``begin`` on; None: what comes from now on."""
    spawn = multiprocessing.get_context("spawn")
    stop, is_ready = spawn.Event(), spawn.Event()
    places = made.ends(["bare.in"]) if begin is None else begin
    loop = spawn.Process(target=bare_loop, args=(made.config, places, stop, is_ready), daemon=True)
    loop.start()
    try:
        if not is_ready.wait(WAIT_S):
            raise StalledError("the bare loop did not become ready")
        yield psutil.Process(loop.pid)
    finally:
        stop.set()
        loop.join(WAIT_S)


def bare_loop(config: dict[str, str], begin: Places, stop: Event, is_ready: Event) -> None:
    """Consume and produce, nothing else: what any stage costs at least."""
    consumer, producer = kafka.reader(config), kafka.producer(config)
    producer.list_topics("bare", timeout=kafka.CALL_TIMEOUT_S)
    consumer.assign([TopicPartition(*place, offset) for place, offset in begin.items()])
    is_ready.set()
    while not stop.is_set():
        for message in kafka.fetch(consumer, 0.1):
            if message.error() is None:
                producer.produce("bare", value=message.value(), headers=message.headers())
        producer.poll(0)
    producer.flush(kafka.BRIEF_S)
    consumer.close()
