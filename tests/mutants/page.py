"""Makes docs/mutants.md from `results.json`: `python -m tests.mutants.page`.

Numbers and names come from the results, why a survivor may live from `survivors.py`; the words between stand here.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from tests.mutants.listed import HARMLESS, RULES
from tests.mutants.results import read
from tests.mutants.survivors import WHY

PAGE = Path(__file__).parents[2] / "docs/mutants.md"
INVARIANTS = tuple(f"I{n}" for n in range(1, 13))
CODE_MAX = 110  # characters of a change; the whole stands in the results

HEAD = """# Mutants: what would notice if the bus were wrong

A test that cannot fail proves nothing, and so does a checker that never bites. So the bus is broken on purpose, one
fault at a time, in memory, and something has to notice: first faults that somebody thought of, each with a name and
at least one for every rule of the bus, then faults that a program made, thousands of small changes of which a
sample is drawn. This page is made from what the runs found (`tests/mutants/results.json`).

<!-- not run: it takes half an hour -->
```console
$ make mutants
$ python -m tests.mutants.seeded --seeds 50 suspended
$ python -m tests.mutants.generated --sample 50 --seed 2
```

`make mutants` does everything again and writes this page; `MUTANTS=100 SEED=1` chooses another sample. With words
`seeded` plants only the faults that have one of them in their names, and prints what bites; both end with 1 if
nothing does. The quick part, some faults that show at once and that every line to be replaced is still there, is in
`make test`.
"""

LISTED = """## Faults with a name

{count} faults. Each is planted in the code that runs, then seeds of the [simulator](simulator.md) are played, 1, 2,
3 …, until it was seen twice, or as many as the run had time for.
*Seen as* names the invariants (I1 to I12) that the first of them shows broken: the
checkers' own, and as I7 also what the contests' oracle decides otherwise; *run* is a run that ends in an exception.
*After* is the first seed that shows it, and of how many seeds played it was seen in how many. Where the simulator
plays nothing of the kind (it takes no snapshots and loses no records for good; its agents say nothing that is too
old), a test stands behind it; the faults of contests have a script as well.

Each is seen by the simulator, fails a test, or the table says why not:
{simulator} by the simulator, of those half within {half} or fewer
seeds; {tests} by a test (and {both} by both). Of the invariants {invariants} were seen broken by at least one.
"""

MADE = """## Faults that a program made

One small change of the code each: a comparison, a condition or a part of one, a number, a sign, smallest for
largest, a statement left out, a field that a copy would have got. {of} can be made of what decides:
`bus/core/arbiter.py`, `gate.py`, `log/journal.py`, `log/routing.py`, and of `contest`, `steps` and `state`. Of
these {drawn} were drawn with seed {seed} and tried, each in a process of its own, on checks that go from quick to
slow and stop at the first that fails: golden histories byte for byte, the contests' scripts against the oracle, the
tests of the core, random contests, seeds of the simulator, random traffic.

| Killed by | Mutants |
|---|---:|
{killed}
| **nothing** | **{lives}** |
"""


def page() -> str:
    """The whole page."""
    results = read()
    return "\n".join([HEAD, *_listed(results["faults"]), *_made(results["mutants"])]) + "\n"


def _listed(faults: dict[str, Any]) -> Iterator[str]:  # Any: JSON
    by_simulator = [one for one in faults.values() if one["seeds"]]
    seen = {invariant for one in by_simulator for invariant in one["by"]}
    yield LISTED.format(
        count=len(faults),
        simulator=len(by_simulator),
        half=int(median(one["seeds"][0] for one in by_simulator)),
        tests=sum(bool(one["test"]) for one in faults.values()),
        both=sum(bool(one["test"]) for one in by_simulator),
        invariants=", ".join(one for one in INVARIANTS if one in seen),
    )
    for rule in RULES:
        yield f"### {rule.capitalize()}\n"
        yield "| Fault | Seen as | After | Test that fails, or why none does |"
        yield "|---|---|---|---|"
        for one in sorted((one for one in faults.values() if one["rule"] == rule), key=lambda one: one["name"]):
            test = HARMLESS.get(one["name"]) or _test(one["test"])
            yield f"| {one['name']} | {', '.join(one['by']) or '–'} | {_after(one)} | {test} |"
        yield ""


def _after(one: dict[str, Any]) -> str:  # Any: JSON
    if not one["seeds"]:
        return "–"
    return f"{one['seeds'][0]} ({len(one['seeds'])} of {one['played']})"


def _test(name: str) -> str:
    if not name:
        return "–"
    path, _, test = name.partition("::")
    return f"`{path.removeprefix('tests/')}` {test.partition('[')[0].removeprefix('test_').replace('_', ' ')}".strip()


def _made(mutants: dict[str, Any]) -> Iterator[str]:  # Any: JSON
    killed = Counter(_kind(name) for name in mutants["killed"].values())
    yield MADE.format(
        of=mutants["of"],
        drawn=mutants["drawn"],
        seed=mutants["seed"],
        killed="\n".join(f"| {kind} | {number} |" for kind, number in killed.most_common()),
        lives=len(mutants["lives"]),
    )
    yield "Those that live change nothing that anybody could see:\n"
    yield "| Where | Change | Why it may live |"
    yield "|---|---|---|"
    for name in mutants["lives"]:
        where, _, change = name.partition(": ")
        path, _, function = where.partition(" ")
        shown = change if len(change) <= CODE_MAX else f"{change[:CODE_MAX]} …"
        place = f"`{path.removeprefix('bus/core/')}` {function}".strip()
        yield f"| {place} | `{shown.replace('|', chr(92) + '|')}` | {WHY.get(name, '**not explained**')} |"


def _kind(killer: str) -> str:
    begins = {
        "history": "a golden history is decided or folded otherwise",
        "histories": "a golden history cannot be replayed",
        "script": "the oracle decides a script otherwise",
        "contest of seed": "the oracle decides a random contest otherwise",
        "simulator": "a checker of the simulator",
        "time": "it does not come to an end",
        "tests/core": "a test of the core",
        "tests/rules": "a script of the rules",
        "tests/properties": "random traffic (properties)",
    }
    return next((words for begin, words in begins.items() if killer.startswith(begin)), "another test")


def main() -> int:
    """Write the page."""
    PAGE.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
