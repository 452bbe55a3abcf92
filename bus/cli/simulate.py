"""`agentbus simulate`: plays seeds in a simulated world where everything fails, and checks what must hold."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import typer

from bus.cli.caller import Caller, with_caller
from bus.cli.failures import CommandError, ExitCode

if TYPE_CHECKING:
    from bus.sim.checkers.reading import Violation

EXAMPLES = (
    "agentbus simulate --seed 7",
    "agentbus simulate --seeds 1..200 --minutes 1",
)
MINUTES = 2.0
MINUTES_MAX = 600.0
SEEDS_MAX = 10_000_000
SHOWN_MAX = 5  # violations of one seed; the first one tells the cause, others mostly follow from it
TELL_EVERY_S = 2.0
INVARIANTS = ("I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "I10", "I11", "I12")
# What a run counts, in the order in which people want to read it.
COUNTED = (
    "messages",
    "records judged",
    "decisions",
    "contests",
    "cases",
    "segments",
    "void segments",
    "repeats",
    "messages said twice",
    "kills",
    "processes started again",
    "processes stopped for a while",
    "two owners at once",
    "two publishers at once",
    "slow lanes",
    "records lost on the way",
    "acknowledgements lost",
    "records late",
    "ends of transactions held up",
)

Seed = Annotated[
    int | None, typer.Option("--seed", metavar="N", min=0, show_default=False, help="The seed to play. Unset: 1.")
]
Seeds = Annotated[
    str, typer.Option("--seeds", metavar="FROM..TO", show_default=False, help="Many seeds, both ends included.")
]
Minutes = Annotated[
    float,
    typer.Option("--minutes", metavar="M", min=0.1, max=MINUTES_MAX, help="Virtual minutes of traffic and trouble."),
]


@dataclass(slots=True)
class _Tally:
    """What all seeds together came to."""

    seeds: int = 0
    failed: list[int] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


@with_caller
def simulate(caller: Caller, seed: Seed = None, seeds: Seeds = "", minutes: Minutes = MINUTES) -> None:
    """Play the bus in virtual time against losses, kills, zombies and wrong clocks; exit code 3 if anything breaks.

    No Kafka is needed. The same seed plays the same run, byte for byte; then silence falls, everything has to come to
    rest, and what stands in the logs is checked against the invariants I1 to I12 (docs/simulator.md).
    """
    from bus.sim.quiet import quiet

    first, last = _span(seed, seeds)
    tally, began_s, told_s = _Tally(), time.monotonic(), 0.0
    with quiet(), caller.working() as tell:
        for number in range(first, last + 1):
            _play(caller, number, minutes, tally)
            if last > first and time.monotonic() - told_s > TELL_EVERY_S:
                told_s = time.monotonic()
                tell(_progress(tally, last - first + 1, told_s - began_s))
    if not caller.is_json:
        _summarise(caller, tally, minutes, time.monotonic() - began_s)
    if tally.failed:
        raise typer.Exit(ExitCode.FINDINGS)


def _span(seed: int | None, seeds: str) -> tuple[int, int]:
    if not seeds:
        number = 1 if seed is None else seed
        return number, number
    first, dots, last = seeds.partition("..")
    if seed is not None or not dots or not first.isdigit() or not last.isdigit():
        raise CommandError(ExitCode.USAGE, "seeds are named one way", "write --seed 7, or --seeds 1..200")
    if not 0 <= int(last) - int(first) < SEEDS_MAX:
        step = "write the lower one first: --seeds 1..200"
        raise CommandError(ExitCode.USAGE, f"there are no seeds in {seeds}", step)
    return int(first), int(last)


def _play(caller: Caller, seed: int, minutes: float, tally: _Tally) -> None:
    from bus.cli.simulated import audit_violations
    from bus.sim.judge import count, fingerprint, violations
    from bus.sim.run import play

    run = play(seed, minutes)
    found = violations(run) or audit_violations(run)
    count(run)
    tally.seeds += 1
    tally.counts += run.counts
    if found:
        tally.failed.append(seed)
    if caller.is_json:
        shown: dict[str, object] = {"seed": seed, "minutes": minutes, "result": "violation" if found else "ok"}
        shown |= {"counts": {name: run.counts[name] for name in COUNTED}, "fingerprint": fingerprint(run)}
        shown["violations"] = [
            {"invariant": one.invariant, "sentence": one.sentence, "records": list(one.records)} for one in found
        ]
        caller.show_json(shown)
        return
    for line in _told(seed, minutes, found):
        caller.show(line)


def _told(seed: int, minutes: float, found: "list[Violation]") -> Iterator[str]:
    """The first violation with its records, and the command that plays it again."""
    if not found:
        return
    yield f"seed {seed}: {found[0].invariant} does not hold: {found[0].sentence}"
    for line in found[0].records:
        yield f"    {line}"
    for one in found[1:SHOWN_MAX]:
        yield f"  then {one.invariant}: {one.sentence}"
    yield f"  play it again: agentbus simulate --seed {seed} --minutes {minutes:g}"


def _progress(tally: _Tally, seeds: int, seconds: float) -> str:
    rate = tally.seeds / seconds if seconds > 0 else 0.0
    failed = f", {len(tally.failed)} of them failed" if tally.failed else ""
    return f"{tally.seeds:,} of {seeds:,} seeds played{failed}, {rate:.1f} a second"


def _summarise(caller: Caller, tally: _Tally, minutes: float, seconds: float) -> None:
    rows = [(name, f"{tally.counts[name]:,}") for name in COUNTED if tally.counts[name]]
    caller.show_table(("what happened", "how often"), rows)
    many = "1 seed" if tally.seeds == 1 else f"{tally.seeds:,} seeds"
    played = f"{many} of {minutes:g} virtual minutes in {seconds:.1f} s"
    if not tally.failed:
        caller.show(f"{played}: {', '.join(INVARIANTS)} hold")
        return
    few = ", ".join(map(str, tally.failed[:SHOWN_MAX]))
    more = f" and {len(tally.failed) - SHOWN_MAX:,} more" if len(tally.failed) > SHOWN_MAX else ""
    caller.show(f"{played}: {len(tally.failed):,} failed, seed {few}{more}")
