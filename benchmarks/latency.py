"""How long an agent waits: from when its claim was due until it reads the answer, at rates from 50 to 2,000 a second.

    python -m benchmarks.latency [--rates 50,500] [--partitions 4,12] [--apart] [--full] [--json]

Beside it, at the same rate in the same run: a bare consume-produce loop, and a plain message on its way to its
governed topic. An open loop with stock clients (`benchmarks.load`); gate, arbiter and publisher run in one process, or
in one each.
"""

import argparse
import contextlib
import json
import time
from collections.abc import Iterator
from typing import cast

import psutil
from confluent_kafka import Message

from benchmarks import report
from benchmarks.company import bare
from benchmarks.load import WARM_S as WARM_UP_S
from benchmarks.load import Course, drive
from benchmarks.report import Json, say
from benchmarks.world import STAGES, World, own_cpu_s, world

RATES = (50, 200, 500, 1_000, 2_000)
PARTITIONS = (4, 6, 12)
QUICK_RATES, QUICK_PARTITIONS = (50, 500, 2_000), (4, 12)
SECONDS, QUICK_SECONDS = 12.0, 8.0
GOVERNED_RATES, QUICK_GOVERNED_RATES = (50, 200, 500), (200,)
WARM_RATE, WARM_S, QUICK_WARM_S = 600, 30.0, 12.0
SETTLE_S = 2.0


def main() -> None:
    """Measure and print."""
    parser = report.parser(__doc__)
    parser.add_argument("--rates", default="")
    parser.add_argument("--partitions", default="")
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--warm", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--apart", action="store_true", help="only with each stage in a process of its own")
    parser.add_argument("--no-bare", action="store_true")
    parser.add_argument("--no-governed", action="store_true")
    report.run_with(parser, measured, table)


def measured(options: argparse.Namespace) -> Json:
    """All series: claims by partitions and rates, in one process and apart; the bare loop; governed topics."""
    rates = numbers(options.rates) or (RATES if options.full else QUICK_RATES)
    partitions = numbers(options.partitions) or (PARTITIONS if options.full else QUICK_PARTITIONS)
    governed = numbers(options.rates) or (GOVERNED_RATES if options.full else QUICK_GOVERNED_RATES)
    seconds = options.seconds or (SECONDS if options.full else QUICK_SECONDS)
    series: list[Json] = []
    for number, count in enumerate(partitions):
        say(f"latency: {count} partitions and lanes, {seconds:.0f} s each at {', '.join(map(str, rates))} a second")
        with world(lanes=count, partitions=count) as made:
            hire(made)
            if not options.apart:
                with made.stages():
                    warm(made, options)
                    series += [one(made, "claim", rate, seconds) for rate in rates]
                    series += [
                        one(made, "governed", rate, seconds) for rate in governed if has_governed(number, options)
                    ]
            if options.apart or number == 0:
                with apart(made):
                    warm(made, options)
                    series += [one(made, "claim_apart", rate, seconds) for rate in rates]
            if number == 0 and not options.no_bare:
                with bare(made):
                    series += [one(made, "bare", rate, seconds) for rate in rates]
    return {"seconds_each": seconds, "series": series}


def has_governed(number: int, options: argparse.Namespace) -> bool:
    """Governed topics are measured once, on the first world."""
    return number == 0 and not options.no_governed


def warm(made: World, options: argparse.Namespace) -> None:
    """Work that does not count: Kafka's JVM compiles itself for half a minute, and takes a core for it."""
    seconds = options.warm or (WARM_S if options.full else QUICK_WARM_S)
    say(f"latency: {seconds:.0f} s at {WARM_RATE} a second, to warm up")
    drive(made, course_of(made, "claim"), f"warm-{time.monotonic_ns()}", WARM_RATE, seconds)


def numbers(text: str) -> tuple[int, ...]:
    """A list as it is typed."""
    return tuple(int(word) for word in text.split(",") if word)


def hire(made: World) -> None:
    """The company, set by stages that end again."""
    with made.stages("gate", "arbiter"):
        made.hire()


@contextlib.contextmanager
def apart(made: World) -> Iterator[None]:
    """Each stage in a process of its own."""
    with contextlib.ExitStack() as running:
        for stage in STAGES:
            running.enter_context(made.stages(stage))
        yield


def one(made: World, what: str, rate: int, seconds: float) -> Json:
    """One rate of one series."""
    time.sleep(SETTLE_S)
    before = used_s()
    figures = drive(made, course_of(made, what), f"{what}-{rate}-{time.monotonic_ns()}", rate, seconds)
    sent = rate * (seconds + WARM_UP_S)
    spent = {name: round((value - before.get(name, 0.0)) * 1e6 / sent) for name, value in used_s().items()}
    told = {"what": what, "partitions": made.partitions, **figures, "cpu_us": spent}
    say(" ".join(line(told).split()))
    return told


def used_s() -> dict[str, float]:
    """CPU seconds so far of Kafka and of whatever stands between its topics, of this benchmark."""
    found = {"kafka": 0.0, "bus": 0.0}
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            found["kafka" if "kafka.Kafka" in process.cmdline() else "bus"] += own_cpu_s(process)
    return found


def course_of(made: World, what: str) -> Course:
    """What is sent for a series, and where its end is seen."""
    match what:
        case "bare":
            return Course("claim", ("bare",), header_id, topic="bare.in")
        case "governed":
            return Course("note", ("jobs",), header_id, isolation="read_committed")
        case _:
            return Course("claim", tuple(f"bus.out.{lane}" for lane in made.lanes), answered_id)


def answered_id(message: Message) -> str:
    """The message an answer is about."""
    return str(json.loads(message.value() or b"{}").get("id", ""))


def header_id(message: Message) -> str:
    """The message's own id."""
    for name, value in cast("list[tuple[str, bytes]]", message.headers() or []):
        if name == "ce_id":
            return value.decode()
    return ""


def table(figures: Json) -> Iterator[str]:
    """The lines people read."""
    yield f"{'':14}{'part.':>6}{'a second':>10}{'achieved':>10}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'max ms':>9}"
    for figure in figures["series"]:
        yield line(figure)


def line(figure: Json) -> str:
    """One rate."""
    times = "".join(f"{figure[name]:9.1f}" for name in ("p50_ms", "p95_ms", "p99_ms", "max_ms"))
    mark = f"  saturated, {figure['unseen']} unseen" if figure["is_saturated"] else ""
    rates = f"{figure['offered_per_s']:10,.0f}{figure['achieved_per_s']:10,.0f}"
    return f"{figure['what']:14}{figure['partitions']:6}{rates}{times}{mark}"


if __name__ == "__main__":
    main()
