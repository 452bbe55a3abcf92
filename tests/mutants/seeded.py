"""Plants every fault of the list and looks what bites: which checker after how many seeds, or which test.

`python -m tests.mutants.seeded` prints a line for each; with words only the faults that have one of them in their
names. ``--keep`` writes what was found to `tests/mutants/results.json`, beside what is known of the others.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial

from bus.sim import company
from bus.sim.checkers.reading import Violation
from bus.sim.judge import violations
from bus.sim.quiet import quiet
from bus.sim.run import play
from tests.mutants.first_failure import first_failure
from tests.mutants.listed import EVERY, HARMLESS, Listed
from tests.mutants.results import read, write
from tests.sim.oracle import parted

BITES = 2  # once may be luck
SEEDS = 200
SEEDS_WITH_TEST = 1  # of faults that the simulator is not expected to see
SAYS_MAX = 200
CONTESTS = tuple(fault.name for fault in EVERY if "test_seeded_faults" in fault.test)


@dataclass(frozen=True, slots=True)
class Found:
    """What was seen of a fault: the seeds in which something was wrong, of so many, by which invariants; the test."""

    name: str
    rule: str
    minutes: float
    storm: bool
    seeds: tuple[int, ...]
    played: int
    by: tuple[str, ...]
    says: str
    test: str


def hunt(fault: Listed, seeds: Sequence[int], bites: int) -> Found:
    """Play seeds with the fault until it was seen often enough; then the test that has to fail with it."""
    with quiet():
        company.company()  # set up before anything is broken
    seen: list[int] = []
    by: tuple[str, ...] = ()
    says, played = "", 0
    for played, seed in enumerate(seeds, start=1):  # noqa: B007 also wanted afterwards
        invariants, sentence = in_child(partial(_bites, fault, seed))
        if invariants:
            by, says = by or tuple(invariants), says or sentence
            seen.append(seed)
        if len(seen) == bites:
            break
    test = in_child(partial(_fails, fault))[1] if fault.test else ""
    return Found(
        fault.name, fault.rule, fault.minutes, fault.weather is not None, tuple(seen), played, by, says[:SAYS_MAX], test
    )


def in_child(look: Callable[[], tuple[list[str], str]]) -> tuple[list[str], str]:
    """What a look finds, in a process of its own: a fault may break whatever it likes there."""
    given, taken = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.close(given)
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        os.write(taken, json.dumps(look()).encode())
        os._exit(0)
    os.close(taken)
    with os.fdopen(given, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    invariants, sentence = json.loads(said) if said else (["run"], "the process of the run died")
    return invariants, sentence


def _bites(fault: Listed, seed: int) -> tuple[list[str], str]:
    """The invariants that are seen broken in a seed, the first with its sentence."""
    try:
        with quiet(), fault.plant():
            run = play(seed, fault.minutes, fault.weather)
            found = [one for one in violations(run) if is_of(fault, one)] or parted(run)
    except Exception as error:  # noqa: BLE001 a fault may break the run itself
        return ["run"], f"{type(error).__name__}: {error}"
    return list(dict.fromkeys(one.invariant for one in found)), found[0].sentence if found else ""


def is_of(fault: Listed, violation: Violation) -> bool:
    """Can a fault be why? In a storm somebody may die twice over a record by chance, and it is poison by the rules."""
    return fault.rule == "poison" or "refused as poison" not in violation.sentence


def _fails(fault: Listed) -> tuple[list[str], str]:
    """The first test that fails with the fault, "" if none does."""
    # A test that plants its fault itself finds it without us, and would not find its lines in changed code.
    if "test_seeded_faults" in fault.test:
        _, code = first_failure(fault.test)
        return [], fault.test if code == 0 else ""
    with fault.plant():
        failed, _ = first_failure(fault.test)
    return [], failed


def hunted(words: Sequence[str], seeds: int, bites: int, known: Iterable[str] = ()) -> Iterator[Found]:
    """All faults of the list, or those with one of these words in their names, less those that are known."""
    for fault in EVERY:
        if fault.name not in known and (not words or any(word in fault.name for word in words)):
            is_expected = not fault.test or "test_seeded_faults" in fault.test
            yield hunt(fault, range(1, (seeds if is_expected else min(seeds, SEEDS_WITH_TEST)) + 1), bites)


def main() -> int:
    """Print the table; 1 if nothing bites on a fault."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("words", nargs="*")
    asked.add_argument("--seeds", type=int, default=SEEDS)
    asked.add_argument("--bites", type=int, default=BITES, help="go on until it was seen so often")
    asked.add_argument("--keep", action="store_true", help="write what was found to the results")
    asked.add_argument("--rules", action="store_true", help="leave out those of contests, which have scripts")
    asked.add_argument("--missing", action="store_true", help="only those of which no result is kept")
    given = asked.parse_args()
    missed = 0
    known = {*(read()["faults"] if given.missing else ()), *(CONTESTS if given.rules else ())}
    for one in hunted(given.words, given.seeds, given.bites, known):
        missed += not one.seeds and not one.test and one.name not in HARMLESS
        seeds = f"{len(one.seeds)} of {one.played}"
        sys.stdout.write(f"{seeds:>8}  {','.join(one.by) or '-':<10}  {one.name}: {one.says[:100]} {one.test}\n")
        sys.stdout.flush()
        if given.keep:
            results = read()
            results["faults"][one.name] = asdict(one)
            write(results)
    return min(missed, 1)


if __name__ == "__main__":
    sys.exit(main())
