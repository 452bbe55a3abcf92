"""Mutants of the central files of the core, drawn with a seed and tried one after another: which of them survive?

`python -m tests.mutants.generated --sample 400 --seed 1` tries them and prints a line for each; with ``--only`` those
of which the name has the words. What survived is killed by a new test, or `tests.mutants.survivors` says why not.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.mutants.changes import Mutant, mutants_of
from tests.mutants.results import read, write
from tests.mutants.trial import ROOT, killed_by

# What decides. Beside it stand texts for people, forms of JSON and advice, which have tests of their own.
FILES = (
    *("bus/core/arbiter.py", "bus/core/gate.py", "bus/core/log/journal.py", "bus/core/log/routing.py"),
    *(f"bus/core/contest/{name}.py" for name in ("ballots", "bound", "candidates", "contest", "electorate", "ladder")),
    "bus/core/contest/negotiation.py",
    *(f"bus/core/steps/{name}.py" for name in ("acts", "balloting", "claiming", "deadlines", "freezing", "granting")),
    *(f"bus/core/steps/{name}.py" for name in ("reviewing", "ruling", "settling", "unfolding", "waiting")),
    *(f"bus/core/state/{name}.py" for name in ("cases", "fold", "forms", "gaps", "image", "obstacles", "partition")),
    "bus/core/state/resource.py",
)
MUTANTS_MAX = 1_000_000  # all of them


@dataclass(frozen=True, slots=True)
class Tried:
    """A mutant and what killed it, "" if it lives."""

    mutant: Mutant
    killed_by: str


def drawn(sample: int, seed: int) -> list[Mutant]:
    """So many mutants of all files, drawn with a seed; the first of them are the same for a larger number."""
    every = [one for path in FILES if (ROOT / path).exists() for one in mutants_of(ROOT, path)]
    random.Random(seed).shuffle(every)
    return every[:sample]


def tried(mutants: Sequence[Mutant], until_s: float, *, thorough: bool = True) -> Iterator[Tried]:
    """Try them, as long as there is time."""
    for mutant in mutants:
        if time.monotonic() > until_s:
            return
        yield Tried(mutant, killed_by(mutant, thorough=thorough))


def main() -> int:
    """Print a line for each mutant; 1 if one lives."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--sample", type=int, default=400)
    asked.add_argument("--skip", type=int, default=0, help="leave out the first ones drawn")
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--minutes", type=float, default=60.0, help="begin no further one after so long")
    asked.add_argument("--only", default="", help="only mutants with these words in their names")
    asked.add_argument("--quick", action="store_true", help="only the checks that take seconds")
    asked.add_argument("--keep", action="store_true", help="write what was found to the results")
    given = asked.parse_args()
    mutants = [one for one in drawn(given.sample, given.seed)[given.skip :] if given.only in one.name]
    found = []
    for one in tried(mutants, time.monotonic() + given.minutes * 60, thorough=not given.quick):
        found.append(one)
        sys.stdout.write(f"{one.killed_by or 'LIVES'}\t{one.mutant.line}\t{one.mutant.name!r}\n")
        sys.stdout.flush()
    if given.keep:
        keep(found, given.seed)
    return min(1, sum(not one.killed_by for one in found))


def keep(found: Sequence[Tried], seed: int) -> None:
    """Write what became of the mutants to the results."""
    results = read()
    results["mutants"] = {
        "of": len(drawn(MUTANTS_MAX, seed)),
        "drawn": len(found),
        "seed": seed,
        "killed": {one.mutant.name: one.killed_by for one in found if one.killed_by},
        "lives": [one.mutant.name for one in found if not one.killed_by],
    }
    write(results)


if __name__ == "__main__":
    sys.exit(main())
