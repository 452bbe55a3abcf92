"""Plays seeds in the tests: quietly, and judged by the simulator's own checkers."""

from collections import Counter
from dataclasses import dataclass

from bus.sim.checkers.reading import Violation
from bus.sim.judge import count, violations
from bus.sim.quiet import quiet
from bus.sim.run import Run, play

MINUTES = 0.2


@dataclass(frozen=True, slots=True)
class Judged:
    """What is kept of a run: what is wrong with it, and what happened in it."""

    seed: int
    found: list[Violation]
    counts: Counter[str]

    def __str__(self) -> str:
        first = self.found[0]
        command = f"agentbus simulate --seed {self.seed} --minutes {MINUTES}"
        return f"{first.invariant} {first.sentence} ({command})"


def played(seed: int, minutes: float = MINUTES) -> Run:
    """One run."""
    with quiet():
        return play(seed, minutes)


def judged(seed: int) -> Judged:
    """One run, played and judged."""
    run = played(seed)
    count(run)
    return Judged(seed, violations(run), run.counts)
