"""What a message costs in CPU time: each stage in a process of its own, against a bare loop, in one run.

    python -m benchmarks.cost [--messages 20000] [--repeats 3] [--full] [--json]

Each process runs idle before the messages are sent, so no start counts. CPU time is user and system time of the whole
process, Kafka's own client threads included. Only the ratios mean something elsewhere.
"""

import argparse
import contextlib
import time
from collections.abc import Iterator

from benchmarks import report
from benchmarks.company import LEASES_MORE, bare, take_leases
from benchmarks.report import Json, say, spread
from benchmarks.traffic import PUBLISHED, Held, mix
from benchmarks.world import STAGES, World, cpu_s, world

QUICK, FULL = 20_000, 40_000
REPEATS = 3
SETTLE_S = 2.0  # after the start: what idles uses next to nothing


def main() -> None:
    """Measure and print."""
    parser = report.parser(__doc__)
    parser.add_argument("--messages", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    report.run_with(parser, measured, table)


def measured(options: argparse.Namespace) -> Json:
    """The costs of some runs: median and spread."""
    messages = options.messages or (FULL if options.full else QUICK)
    say(f"cost: a Kafka, a company, then {options.repeats} times {messages:,} messages through a bare loop and the bus")
    with world() as made:
        with made.stages("gate", "arbiter"):
            made.hire()
        runs = [measure(made, messages, f"r{n}") for n in range(options.repeats)]
    return {"messages": messages, "repeats": options.repeats, **summed(runs)}


def summed(runs: list[dict[str, float]]) -> Json:
    """Microseconds and ratios of all runs; ``path`` is all three stages together."""
    whole = [{**run, "path": sum(run[stage] for stage in STAGES)} for run in runs]
    names = ("bare", *STAGES, "path")
    return {
        "cpu_us": {name: spread([run[name] for run in whole], 1) for name in names},
        "ratio": {name: spread([run[name] / run["bare"] for run in whole]) for name in names},
    }


def measure(made: World, messages: int, run: str) -> dict[str, float]:
    """CPU microseconds a message, by what was measured."""
    held = prepare(made, 2 * (messages // 10) + LEASES_MORE, run)
    costs = {"bare": bare_cost(made, held, messages, run)}
    with contextlib.ExitStack() as running:
        processes = {stage: running.enter_context(made.stages(stage))[0] for stage in STAGES}
        time.sleep(SETTLE_S)
        before = {stage: cpu_s(process) for stage, process in processes.items()}
        begin = made.ends(["jobs"])
        sent = made.send(mix(made.lanes, held, messages, f"mix-{run}"))
        made.await_all(begin, sent * PUBLISHED // 10)
        time.sleep(SETTLE_S)  # the last answers
        costs |= {stage: (cpu_s(process) - before[stage]) * 1e6 / sent for stage, process in processes.items()}
    say("cost: " + "  ".join(f"{name} {cost / costs['bare']:.1f}x" for name, cost in costs.items()))
    return costs


def bare_cost(made: World, held: list[Held], messages: int, run: str) -> float:
    """What reading and writing alone costs, in CPU microseconds a message."""
    with bare(made) as loop:
        time.sleep(SETTLE_S)
        begin, used_s = made.ends(["bare"]), cpu_s(loop)
        sent = made.send(mix(made.lanes, held, messages, f"bare-{run}"), to="bare.in")
        made.await_all(begin, sent)
        return (cpu_s(loop) - used_s) * 1e6 / sent


def prepare(made: World, leases: int, run: str) -> list[Held]:
    """Leases that the traffic can use."""
    with made.stages("gate", "arbiter"):
        return take_leases(made, leases, run)


def table(figures: Json) -> Iterator[str]:
    """The lines people read."""
    yield f"{'':12}{'CPU, µs a message':>20}{'x bare':>8}{'low':>8}{'high':>8}"
    for name, cost in figures["cpu_us"].items():
        ratio = figures["ratio"][name]
        yield f"{name:12}{cost['median']:20.1f}{ratio['median']:8.1f}{ratio['low']:8.1f}{ratio['high']:8.1f}"


if __name__ == "__main__":
    main()
