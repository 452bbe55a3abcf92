"""`python -m tests.sim.bite`: which checker finds each planted fault, and after how many seeds; a table for people.

With words as arguments only the faults that have one of them in their names are planted.
"""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from bus.sim import company
from bus.sim.judge import violations
from bus.sim.quiet import quiet
from bus.sim.run import play
from bus.sim.weather import STORM, Weather
from tests.contests import seeded_faults
from tests.sim.faults import PROTOCOL, RULES, planted
from tests.sim.oracle import parted

SEEDS_MAX = 25


@dataclass(frozen=True, slots=True)
class Bite:
    """What found a fault; ``seeds`` is how many it took, 0 if none did."""

    fault: str
    seeds: int
    invariant: str = ""
    sentence: str = ""


def bite(
    name: str, plant: AbstractContextManager[None], minutes: float, seeds: range, weather: Weather | None = None
) -> Bite:
    """Play seeds with the fault until something is wrong."""
    with quiet():
        company.company()  # set up before anything is broken
    with quiet(), plant:
        for count, seed in enumerate(seeds, start=1):
            try:
                run = play(seed, minutes, weather)
                found = violations(run) or parted(run)
            except Exception as error:  # noqa: BLE001 a fault may break the run itself
                return Bite(name, count, "run", f"{type(error).__name__}: {error}")
            if found:
                return Bite(name, count, found[0].invariant, found[0].sentence)
    return Bite(name, 0)


def bites(words: list[str], seeds: range) -> Iterator[Bite]:
    """Every fault whose name has one of these words, all of them without words."""
    for fault in (*PROTOCOL, *RULES):
        if not words or any(word in fault.name for word in words):
            yield bite(fault.name, planted(fault), fault.minutes, seeds, STORM if fault in PROTOCOL else None)
    for one in (*seeded_faults.FAULTS, *seeded_faults.LEAKS):
        if not words or any(word in one.name for word in words):
            yield bite(one.name, seeded_faults.planted(one), 1.0, seeds)


def main(words: list[str]) -> int:
    """Print the table; 1 if a fault was not found."""
    missed = 0
    sys.stdout.write(f"{'SEEDS':>5}  {'BY':<4}  FAULT\n")
    for one in bites(words, range(1, SEEDS_MAX + 1)):
        missed += not one.seeds
        sys.stdout.write(f"{one.seeds or '-':>5}  {one.invariant or '-':<4}  {one.fault}: {one.sentence[:150]}\n")
        sys.stdout.flush()
    return min(missed, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
