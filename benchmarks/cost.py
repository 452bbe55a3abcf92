"""What a message costs in CPU time: each stage in a process of its own, against a bare loop, in one run.

    .venv/bin/python -m benchmarks.cost [--messages 20000] [--json]

Each process runs idle before the messages are sent, so no start counts. CPU time is user and system time of the whole
process, Kafka's own client threads included. Only the ratios mean something elsewhere.
"""

import argparse
import contextlib
import json
import multiprocessing
import sys
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Event

import psutil
from confluent_kafka import TopicPartition

from benchmarks.traffic import Held, claims, mix
from benchmarks.world import WAIT_S, StalledError, World, world
from bus.shell import kafka, logs

STAGES = ("gate", "arbiter", "publisher")
LEASES_MORE = 1_000  # beyond those that are released
PUBLISHED = 7  # of ten messages: what the publisher writes
SETTLE_S = 5.0  # after the start: what idles uses next to nothing


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    logs.set_up("error", "text")
    with world() as made:
        try:
            costs = measure(made, options.messages)
        except StalledError as error:
            sys.exit(str(error))
    tell(costs, is_json=options.json)


def measure(made: World, messages: int) -> dict[str, float]:
    """CPU microseconds a message, by what was measured."""
    held = prepare(made, 2 * (messages // 10) + LEASES_MORE)
    with bare(made) as loop:
        begin, used_s = made.ends(["bare"]), cpu_s(loop)
        sent = made.send(mix(made.lanes, held, messages, "bare"), to="bare.in")
        await_all(made, begin, sent)
        costs = {"bare": (cpu_s(loop) - used_s) * 1e6 / sent}
    with contextlib.ExitStack() as running:
        started = [running.enter_context(made.stages(stage)) for stage in STAGES]
        processes = dict(zip(STAGES, (psutil.Process(one.pid) for (one,) in started), strict=True))
        time.sleep(SETTLE_S)
        before = {stage: cpu_s(process) for stage, process in processes.items()}
        begin = made.ends(["jobs"])
        sent = made.send(mix(made.lanes, held, messages, "mix"))
        await_all(made, begin, sent * PUBLISHED // 10)
        costs |= {stage: (cpu_s(process) - before[stage]) * 1e6 / sent for stage, process in processes.items()}
    return costs


def prepare(made: World, leases: int) -> list[Held]:
    """The company, and leases that the traffic can use."""
    with made.stages("gate", "arbiter"):
        made.hire()
        begin = made.ends([f"bus.out.{lane}" for lane in made.lanes])
        made.send(claims(made.lanes, leases))
        told = [(topic, json.loads(value)) for topic, value in made.read(begin, leases)]
    return [Held(topic.removeprefix("bus.out."), body["subject"], body["token"]) for topic, body in told]


@contextlib.contextmanager
def bare(made: World) -> Iterator[psutil.Process]:
    """A process that reads records and writes them again, idle now."""
    spawn = multiprocessing.get_context("spawn")
    stop = spawn.Event()
    loop = spawn.Process(target=bare_loop, args=(made.config, len(made.lanes), stop))
    loop.start()
    time.sleep(SETTLE_S)
    try:
        yield psutil.Process(loop.pid)
    finally:
        stop.set()
        loop.join(WAIT_S)


def bare_loop(config: dict[str, str], partitions: int, stop: Event) -> None:
    """Consume and produce, nothing else: what any stage costs at least."""
    consumer, producer = kafka.reader(config), kafka.producer(config)
    consumer.assign([TopicPartition("bare.in", partition, 0) for partition in range(partitions)])
    while not stop.is_set():
        for message in kafka.fetch(consumer, 0.1):
            if message.error() is None:
                producer.produce("bare", value=message.value(), headers=message.headers())
        producer.poll(0)
    producer.flush(WAIT_S)
    consumer.close()


def await_all(made: World, begin: dict[tuple[str, int], int], count: int) -> None:
    """Wait until so many records have come behind ``begin``; raises `StalledError`."""
    for _ in made.read(begin, count):
        pass


def cpu_s(process: psutil.Process) -> float:
    """User and system time of a process and its children, in seconds."""
    return sum(one.cpu_times().user + one.cpu_times().system for one in (process, *process.children(recursive=True)))


def tell(costs: dict[str, float], *, is_json: bool) -> None:
    """Print the costs and their ratios."""
    ratios = {name: cost / costs["bare"] for name, cost in costs.items()}
    if is_json:
        sys.stdout.write(json.dumps({"cpu_us": costs, "ratio": ratios}) + "\n")
        return
    sys.stdout.write(f"{'':12}{'CPU, µs a message':>20}{'ratio':>8}\n")
    for name, cost in costs.items():
        sys.stdout.write(f"{name:12}{cost:20.1f}{ratios[name]:7.1f}x\n")


if __name__ == "__main__":
    main()
