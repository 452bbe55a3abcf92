"""Plays seeds in the tests: quietly, and judged by the simulator's own checkers."""

from collections.abc import Iterator

from bus.sim.checkers.reading import Violation
from bus.sim.judge import violations
from bus.sim.quiet import quiet
from bus.sim.run import Run, play

MINUTES = 0.2


def played(seed: int, minutes: float = MINUTES) -> Run:
    """One run."""
    with quiet():
        return play(seed, minutes)


def broken(seeds: range, minutes: float = MINUTES) -> Iterator[tuple[int, Violation]]:
    """The first violation of every seed that has one."""
    for seed in seeds:
        with quiet():
            found = violations(play(seed, minutes))
        if found:
            yield seed, found[0]
