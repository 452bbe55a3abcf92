"""How the cost of a message grows with what stands: live resources, open contests, agents, partitions; and the memory.

    python -m benchmarks.growth [--only resources,contests] [--messages 10000] [--full] [--json]

Each series is a Kafka of its own on which more and more stands, and the same mix is measured at every size: CPU time
of each stage's process a message, against a bare loop in the same run, and what the process holds in memory.
"""

import argparse
import contextlib
import time
from collections.abc import Callable, Iterator

import psutil

from benchmarks import report
from benchmarks.company import LEASES_MORE, take_leases
from benchmarks.cost import SETTLE_S, bare_cost
from benchmarks.report import Json, say
from benchmarks.traffic import PUBLISHED, claim, mix
from benchmarks.world import STAGES, World, cpu_s, resident_bytes, world

MESSAGES = 10_000
SIZES: dict[str, tuple[int, ...]] = {
    "resources": (10, 1_000, 10_000, 100_000),
    "contests": (10, 1_000, 10_000),
    "agents": (12, 120, 1_200),  # multiples of the lanes: each agent stays on its own
    "partitions": (1, 4, 12, 48),
}
QUICK_SIZES: dict[str, tuple[int, ...]] = {
    "resources": (1_000, 20_000),
    "contests": (10, 2_000),
    "agents": (12, 240),
    "partitions": (1, 12),
}
AT_ONCE = 20_000  # claims sent before their answers are read
LANES = 6


def main() -> None:
    """Measure and print."""
    parser = report.parser(__doc__)
    parser.add_argument("--only", default="")
    parser.add_argument("--messages", type=int, default=0)
    report.run_with(parser, measured, table)


def measured(options: argparse.Namespace) -> Json:
    """All series."""
    sizes = SIZES if options.full else QUICK_SIZES
    messages = options.messages or MESSAGES
    wanted = options.only.split(",") if options.only else list(sizes)
    return {"messages": messages, "series": {name: series(name, sizes[name], messages) for name in wanted}}


def series(name: str, sizes: tuple[int, ...], messages: int) -> list[Json]:
    """One series: a figure a size."""
    if name == "partitions":
        return [figure for size in sizes for figure in grown(name, (size,), messages, size)]
    return list(grown(name, sizes, messages, 4))


def grown(name: str, sizes: tuple[int, ...], messages: int, partitions: int) -> Iterator[Json]:
    """The figures of one Kafka, on which more and more stands."""
    say(f"growth: {name} {', '.join(f'{size:,}' for size in sizes)}")
    with world(lanes=LANES, partitions=partitions) as made:
        with made.stages("gate", "arbiter"):
            made.hire()
            held = take_leases(made, messages // 10 + LEASES_MORE, "bare")
        bare_us = bare_cost(made, held, messages, "bare")
        with running(made) as processes:
            before = 0
            for size in sizes:
                GROW.get(name, nothing)(made, before, size)
                figure = {"size": size, "bare_us": round(bare_us, 1), **measure(made, processes, name, size, messages)}
                say("growth: " + " ".join(line(name, figure).split()))
                before = size
                yield figure


@contextlib.contextmanager
def running(made: World) -> Iterator[dict[str, psutil.Process]]:
    """Each stage in a process of its own."""
    with contextlib.ExitStack() as stack:
        yield {stage: stack.enter_context(made.stages(stage))[0] for stage in STAGES}


def measure(made: World, processes: dict[str, psutil.Process], name: str, size: int, messages: int) -> Json:
    """CPU microseconds a message of each stage now, and what each holds in memory."""
    run = f"{name}-{size}"
    held = take_leases(made, messages // 10 + messages // 100, run)  # many of them are released by the mix
    time.sleep(SETTLE_S)
    before = {stage: cpu_s(process) for stage, process in processes.items()}
    begin = made.ends(["jobs"])
    sent = made.send(mix(made.lanes, held, messages, f"mix-{run}", size if name == "agents" else 0))
    made.await_all(begin, sent * PUBLISHED // 10)
    time.sleep(SETTLE_S)
    return {
        "cpu_us": {stage: round((cpu_s(one) - before[stage]) * 1e6 / sent, 1) for stage, one in processes.items()},
        "memory_mib": {stage: round(resident_bytes(one) / 2**20, 1) for stage, one in processes.items()},
    }


def nothing(made: World, before: int, size: int) -> None:
    """Nothing has to be made: it is the world that differs."""


def more_resources(made: World, before: int, size: int) -> None:
    """Claims that are granted, until so many are held."""
    for first in range(before, size, AT_ONCE):
        take_leases(made, min(AT_ONCE, size - first), f"live-{first}")


def more_contests(made: World, before: int, size: int) -> None:
    """Claims of tenders: each opens a contest that waits for an hour. Two events each: opened, joined."""
    begin = made.ends([f"bus.out.{lane}" for lane in made.lanes])
    lanes = made.lanes
    made.send(claim(lanes[n % len(lanes)], f"tender-{n}", "tender") for n in range(before, size))
    made.await_all(begin, 2 * (size - before))


def more_agents(made: World, before: int, size: int) -> None:
    """Agents, on all lanes in turn."""
    made.register(range(before, size))


GROW: dict[str, Callable[[World, int, int], None]] = {
    "resources": more_resources,
    "contests": more_contests,
    "agents": more_agents,
}


def table(figures: Json) -> Iterator[str]:
    """The lines people read."""
    yield f"{'':12}{'size':>9}" + "".join(f"{f'{stage}, x bare':>19}" for stage in STAGES) + "   memory, MiB"
    for name, sizes in figures["series"].items():
        for figure in sizes:
            yield line(name, figure)


def line(name: str, figure: Json) -> str:
    """One size."""
    ratios = "".join(f"{figure['cpu_us'][stage] / figure['bare_us']:19.1f}" for stage in STAGES)
    memory = " + ".join(f"{figure['memory_mib'][stage]:.0f}" for stage in STAGES)
    return f"{name:12}{figure['size']:9,}{ratios}   {memory}"


if __name__ == "__main__":
    main()
