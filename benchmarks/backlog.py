"""How fast a backlog of the mix is worked off: by one process and by two of `agentbus run`, the broker beside them.

    python -m benchmarks.backlog [--messages 20000] [--processes 1,2] [--full] [--json]

The backlog stands there before the processes start. Time runs from the first take-over to the last output, by the
times the broker itself gave these records, so that nothing has to read along. While the processes start and share the
work out, little is done; "steady" is the rate between a fifth and four fifths of the outputs. Beside it, in the same
run: how fast one bare consume-produce loop works off the same messages.
"""

import argparse
import json
import time
from collections.abc import Iterator

from confluent_kafka import Consumer, TopicPartition

from benchmarks import report
from benchmarks.company import LEASES_MORE, bare, take_leases
from benchmarks.latency import numbers
from benchmarks.report import Json, StalledError, say
from benchmarks.traffic import Held, mix
from benchmarks.world import Places, World, cpu_s, resident_bytes, world
from bus.core.log.topics import ARBITER, JOURNAL, OUTCOMES, PUBLISHED, answers, gate_journal, incoming
from bus.shell import kafka

QUICK, FULL = 30_000, 200_000
PROCESSES = (1, 2)
DONE_S = 900.0  # a backlog that is not worked off by then is given up
STEADY = 0.6  # the share of the outputs in the middle
LOOK_S = 0.25  # how often it is asked how far they are: seldom, for that costs the broker something


def main() -> None:
    """Measure and print."""
    parser = report.parser(__doc__)
    parser.add_argument("--messages", type=int, default=0)
    parser.add_argument("--processes", default="")
    report.run_with(parser, measured, table)


def measured(options: argparse.Namespace) -> Json:
    """One backlog for each number of processes, each on a Kafka of its own."""
    messages = options.messages or (FULL if options.full else QUICK)
    runs = [measure(messages, copies) for copies in numbers(options.processes) or PROCESSES]
    return {"messages": messages, "runs": runs}


def measure(messages: int, copies: int) -> Json:
    """Messages a second of so many processes, and of the bare loop."""
    say(f"backlog: {messages:,} messages for {copies} process{'es' * (copies > 1)}")
    with world() as made:
        held = company(made, messages)
        bare_per_s = messages / bare_seconds(made, held, messages)
        say(f"backlog: the bare loop {bare_per_s:,.0f} a second; now the bus")
        made.send(mix(made.lanes, held, messages, "mix"))
        before = made.ends(gate_journal(lane) for lane in made.lanes)
        started = {topic: made.ends([topic]) for topic in (OUTCOMES, "jobs")}
        with made.stages(copies=copies, is_awaited=False) as running:
            await_done(made)
            used_s = sum(cpu_s(process) for process in running)
            memory = [resident_bytes(process) for process in running]
        outputs = [OUTCOMES, JOURNAL, "jobs", *(answers(lane) for lane in made.lanes)]
        seconds = (made.newest_ms(outputs) - made.oldest_ms(before)) / 1000
        steady_per_s = min(messages * STEADY / middle_s(made, topic, since) for topic, since in started.items())
    told = {
        "processes": copies,
        "per_s": round(messages / seconds),
        "steady_per_s": round(steady_per_s),
        "seconds": round(seconds, 2),
        "bare_per_s": round(bare_per_s),
        "ratio": round(bare_per_s * seconds / messages, 2),
        "stages_cpu_us": round(used_s * 1e6 / messages, 1),
        "memory_mib": [round(one / 2**20) for one in memory],
    }
    say("backlog: " + " ".join(line(told).split()))
    return told


def middle_s(made: World, topic: str, since: Places) -> float:
    """How long it took from a fifth to four fifths of a topic's new records, by the broker's times."""
    ends = made.ends([topic])
    consumer = kafka.reader(made.config, isolation="read_committed")
    consumer.assign([TopicPartition(*place, offset) for place, offset in since.items()])
    at_ms: list[int] = []
    open_places = set(ends)
    while open_places:
        for message in kafka.fetch(consumer, kafka.BRIEF_S):
            if kafka.is_end(message):
                open_places.discard((message.topic() or "", message.partition() or 0))
            elif message.error() is None:
                at_ms.append(message.timestamp()[1])
    consumer.close()
    at_ms.sort()
    cut = int(len(at_ms) * (1 - STEADY) / 2)
    return (at_ms[-1 - cut] - at_ms[cut]) / 1000


def company(made: World, messages: int) -> list[Held]:
    """Lanes, agents and leases; the stages that made them are gone."""
    with made.stages("gate", "arbiter"):
        made.hire()
        return take_leases(made, messages // 10 + LEASES_MORE, "backlog")


def bare_seconds(made: World, held: list[Held], messages: int) -> float:
    """How long one bare loop takes that finds the same messages there, by the broker's times."""
    begin, out = made.ends(["bare.in"]), made.ends(["bare"])
    made.send(mix(made.lanes, held, messages, "bare"), to="bare.in")
    with bare(made, begin):
        made.await_end(["bare"], sum(out.values()) + messages)
    return (made.newest_ms(["bare"]) - made.oldest_ms(out)) / 1000


def await_done(made: World) -> None:
    """Wait until all three stages have done all there is, and said so; raises `StalledError`."""
    gates, arbiters = kafka.reader(made.config, "bus-gate"), kafka.reader(made.config, "bus-arbiter")
    lanes = [(incoming(lane), 0) for lane in made.lanes]
    partitions = [(ARBITER, p) for p in range(made.partitions)]
    marks = Consumer({**made.config, "group.id": "bench-marks", "isolation.level": "read_committed"})
    marks.assign([TopicPartition(PUBLISHED, 0, 0)])
    published: dict[str, int] = {}
    until_s = time.monotonic() + DONE_S
    try:
        while time.monotonic() < until_s:
            for message in kafka.fetch(marks, LOOK_S):
                published = json.loads(message.value() or b"{}")["marks"]
            if is_done(made, gates, lanes) and is_done(made, arbiters, partitions):
                journal = {str(p): end for (_, p), end in made.ends([JOURNAL]).items()}
                if published == journal:
                    return
            time.sleep(LOOK_S)
    finally:
        for consumer in (gates, arbiters, marks):
            consumer.close()
    raise StalledError(f"the backlog was not worked off within {DONE_S:.0f} s")


def is_done(made: World, member: Consumer, places: list[tuple[str, int]]) -> bool:
    """Has a stage committed that it has done everything there?"""
    ends = made.ends(sorted({topic for topic, _ in places}))
    return kafka.committed(member, places) == {place: ends[place] for place in places}


def table(figures: Json) -> Iterator[str]:
    """The lines people read."""
    yield f"{figures['messages']:,} messages"
    yield f"{'processes':>10}{'a second':>10}{'steady':>9}{'bare loop':>11}{'ratio':>8}{'CPU, µs':>9}{'MiB':>14}"
    for run in figures["runs"]:
        yield line(run)


def line(run: Json) -> str:
    """One run."""
    rates = f"{run['processes']:10}{run['per_s']:10,}{run['steady_per_s']:9,}{run['bare_per_s']:11,}{run['ratio']:8.1f}"
    memory = " + ".join(map(str, run["memory_mib"]))
    return f"{rates}{run['stages_cpu_us']:9.0f}{memory:>14}"


if __name__ == "__main__":
    main()
