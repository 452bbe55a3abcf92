"""Side by side in one run, on the same messages: our gate, Confluent's serializers, `jsonschema`, Kafka transactions.

    python -m benchmarks.beside [--messages 15000] [--rate 500] [--full] [--json]

CPU time of one process a message, and the latency of one hop at a fixed rate, each against a bare loop. The gate does
more than the others: sender, lane, authority, repeats, and a journal that proves what it did; the transactional loop
checks nothing. One message in a hundred breaks the schema, another one the rule.
"""

import argparse
import contextlib
import importlib.util
import multiprocessing
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psutil

from benchmarks import practice, report
from benchmarks.latency import header_id
from benchmarks.load import Course, drive
from benchmarks.practice import DEAD, FRAMED, OUT
from benchmarks.report import Json, StalledError, say
from benchmarks.traffic import ADD_NOTE, NOTE, Message, message
from benchmarks.world import WAIT_S, World, cpu_s, world
from bus.core.log.topics import ARBITER, REFUSED

QUICK, FULL = 15_000, 50_000
SLOW = 5
RATE = 500
SECONDS, QUICK_SECONDS = 20.0, 8.0
SETTLE_S = 2.0
LANES = 4
BROKEN: dict[str, object] = {"urgent": "yes"}  # against the schema
HASTY: dict[str, object] = {"urgent": True, "text": "now"}  # against the rule
LANES_IN = "bare.in"


@dataclass(frozen=True, slots=True)
class Contestant:
    """A loop: from where, to where, how its process is started; "" reads what the gate reads, from one topic."""

    name: str
    outputs: tuple[str, ...]
    source: str = LANES_IN
    isolation: str = "read_uncommitted"
    is_slow: bool = False  # a fifth of the messages is enough


CONTESTANTS = (
    Contestant("bare", (OUT,)),
    Contestant("jsonschema", (OUT, DEAD)),
    Contestant("serializer", (FRAMED, DEAD), is_slow=True),
    Contestant("deserializer", (OUT, DEAD), source=FRAMED, is_slow=True),
    Contestant("transactions", (OUT,), isolation="read_committed"),
    Contestant("gate", (ARBITER, REFUSED), source=""),
)
LATENCIES = ("bare", "jsonschema", "transactions", "gate")


def main() -> None:
    """Measure and print."""
    parser = report.parser(__doc__)
    parser.add_argument("--messages", type=int, default=0)
    parser.add_argument("--rate", type=int, default=RATE)
    report.run_with(parser, measured, table)


def measured(options: argparse.Namespace) -> Json:
    """CPU of all, latency of those that need no other one first."""
    if importlib.util.find_spec("celpy") is None:
        raise StalledError("the packages of requirements/bench.lock are not installed (`make bench` installs them)")
    messages = options.messages or (FULL if options.full else QUICK)
    seconds = SECONDS if options.full else QUICK_SECONDS
    say(f"beside: {messages:,} messages through {', '.join(one.name for one in CONTESTANTS)}")
    with world(lanes=LANES, partitions=LANES, more_topics=(FRAMED, DEAD)) as made:
        with made.stages("gate", "arbiter"):
            made.hire()
        costs = {one.name: cost(made, one, messages // SLOW if one.is_slow else messages) for one in CONTESTANTS}
        latencies = {
            one.name: latency(made, one, options.rate, seconds) for one in CONTESTANTS if one.name in LATENCIES
        }
    counts = {"messages": messages, "slow_messages": messages // SLOW}
    return {**counts, "cpu_us": costs, "latency": latencies}


def cost(made: World, one: Contestant, messages: int) -> float:
    """CPU microseconds a message; the process waits for work when it comes."""
    sent = list(framed(made, messages)) if one.source == FRAMED else notes(made.lanes, messages, one.name)
    with process_of(made, one) as running:
        time.sleep(SETTLE_S)
        before, used_s = made.ends(one.outputs), cpu_s(running)
        count = made.send(sent, to=one.source)
        made.await_all(before, count)
        used_us = (cpu_s(running) - used_s) * 1e6 / count
    say(f"beside: {one.name} {used_us:.0f} µs CPU a message")
    return round(used_us, 1)


def latency(made: World, one: Contestant, rate: int, seconds: float) -> Json:
    """One hop, from when a message was due until a stock reader has it."""
    with process_of(made, one):
        time.sleep(SETTLE_S)
        course = Course("note", one.outputs[:1], header_id, topic=one.source, isolation=one.isolation)
        figures = drive(made, course, f"{one.name}-{time.monotonic_ns()}", rate, seconds)
    say(f"beside: {one.name} p50 {figures['p50_ms']} ms, p99 {figures['p99_ms']} ms at {rate} a second")
    return figures


@contextlib.contextmanager
def process_of(made: World, one: Contestant) -> Iterator[psutil.Process]:
    """The contestant's process, ready for what comes from now on."""
    if one.name == "gate":
        with made.stages("gate") as (running,):
            yield running
        return
    spawn = multiprocessing.get_context("spawn")
    stop, is_ready = spawn.Event(), spawn.Event()
    run = practice.run_transactions if one.name == "transactions" else practice.run_loop
    loop = spawn.Process(target=run, args=(one.name, made.config, made.ends([one.source]), stop, is_ready), daemon=True)
    loop.start()
    try:
        if not is_ready.wait(WAIT_S):
            raise StalledError(f"the loop {one.name} did not become ready")
        yield psutil.Process(loop.pid)
    finally:
        stop.set()
        loop.join(WAIT_S)


def notes(lanes: list[str], count: int, run: str) -> Iterator[Message]:
    """Plain messages; of a hundred one breaks the schema and one the rule."""
    for n in range(count):
        name = f"{run}-{n}"
        wrong: dict[str, object] = {50: BROKEN, 99: HASTY}.get(n % 100, {})
        yield message(lanes[n % len(lanes)], name, ADD_NOTE, f"job/{name}", {"job_id": name, **NOTE, **wrong})


def framed(made: World, count: int) -> Iterator[Message]:
    """What the serializer has written."""
    there = made.ends([FRAMED])
    for found in made.read(dict.fromkeys(there, 0), min(count, sum(there.values()))):
        yield Message(FRAMED, found.value() or b"", {"ce_id": header_id(found)})


def table(figures: Json) -> Iterator[str]:
    """The lines people read."""
    yield f"{'':14}{'CPU, µs':>9}{'x bare':>8}{'p50 ms':>9}{'p99 ms':>9}"
    for name, used_us in figures["cpu_us"].items():
        hop = figures["latency"].get(name)
        times = f"{hop['p50_ms']:9.1f}{hop['p99_ms']:9.1f}" if hop else ""
        yield f"{name:14}{used_us:9.0f}{used_us / figures['cpu_us']['bare']:8.1f}{times}"


if __name__ == "__main__":
    main()
