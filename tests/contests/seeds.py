"""Plays random contests against oracle and arbiter: `python -m tests.contests.seeds FROM TO` prints where they part.

For every seed in which they do: the command that plays it alone, the shortest script that shows it, and what is wrong.
Exit codes: 0 they never part, 2 usage, 3 they do.
"""

from __future__ import annotations

import sys

from tests.contests.against_core import lines_of_seed, parting, shortened


def main(arguments: list[str]) -> int:
    """Play the seeds of [FROM, TO)."""
    if len(arguments) != 2 or not all(word.isdigit() for word in arguments):
        print(
            "usage: python -m tests.contests.seeds FROM TO    (plays the seeds FROM, FROM+1, … TO-1)", file=sys.stderr
        )
        return 2
    first, end = map(int, arguments)
    failed = [seed for seed in range(first, end) if _shows(seed)]
    print(
        f"{end - first} seeds, they part in {len(failed)}: {' '.join(map(str, failed))}".rstrip(": "), file=sys.stderr
    )
    return 3 if failed else 0


def _shows(seed: int) -> bool:
    given, lines = lines_of_seed(seed)
    if parting(given, lines) is None:
        return False
    kept = shortened(given, lines)
    found = parting(given, kept)
    assert found is not None
    print(f"python -m tests.contests.seeds {seed} {seed + 1}")
    for words in given:
        print(f"  given {words}")
    for line in kept:
        print(f"  {line}")
    print(f"  oracle -> {found.oracle}\n  core   -> {found.core}")
    for one in found.wrong:
        print(f"    {one}")
    print(flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
