"""Checks every model of docs/model, and that each of its rules is needed: without it TLC must find what goes wrong.

python -m tests.model.check                     all of it, a table, and a closing line
python -m tests.model.check --trace Chain mark  what goes wrong without a rule, step by step
python -m tests.model.check --write             the table of docs/model/README.md as well
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bus.dev.errors import DevError
from tests.model.models import FOLDER, MODELS, Model
from tests.model.tlc import End, Outcome, TlcError, run

AT_ONCE_MAX = 2  # a run takes a core and up to half a GiB
TABLE = re.compile(r"(?<=<!-- table -->\n).*(?=<!-- end of table -->)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Task:
    """One run of TLC, and what must come of it."""

    model: Model
    without: str
    config: str
    end: End


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a task; ``trouble`` says why there is no outcome."""

    task: Task
    outcome: Outcome | None
    trouble: str = ""

    @property
    def is_good(self) -> bool:
        """Did it end as it must?"""
        return self.outcome is not None and self.outcome.end is self.task.end

    @property
    def verdict(self) -> str:
        """In a word or two."""
        if self.outcome is None:
            return "ERROR"
        if self.is_good:
            return "ok"
        return "VIOLATED" if self.task.end is End.HOLDS else "NOT CAUGHT"


def tasks_of(model: Model) -> Iterator[Task]:
    """The model itself, what must be reachable in it, and its mutants."""
    yield Task(model, "", model.config, End.HOLDS)
    for witness in model.witnesses:
        yield Task(model, "", model.seeking(witness), End.VIOLATED)
    for rule in model.rules if model.has_mutants else ():
        yield Task(model, rule, model.without(rule), End.HOLDS if rule in model.spare else End.VIOLATED)


def checked(task: Task, folder: Path = FOLDER) -> Result:
    """Run one task."""
    try:
        return Result(task, run(folder, task.model.module, task.config, is_short=task.end is End.VIOLATED))
    except (TlcError, DevError) as error:
        return Result(task, None, str(error))


def row(result: Result) -> tuple[str, ...]:
    """Model, rule left out, what was violated (of a witness: reached), states, steps to it, verdict."""
    task, outcome = result.task, result.outcome
    if outcome is None:
        return (task.model.bounds, task.without, "", "", "", result.verdict)
    violated = outcome.violated or "nothing"
    if violated in task.model.witnesses:
        violated = f"not {violated}"
    steps = str(len(outcome.steps) - 1) if outcome.steps else ""
    return (task.model.bounds, task.without, violated, f"{outcome.states:,}", steps, result.verdict)


def markdown(results: Sequence[Result]) -> str:
    """The table of docs/model/README.md."""
    lines = ["| Model | Rule left out | What TLC finds | States | Steps |", "|---|---|---|---|---|"]
    for result in results:
        model, without, violated, states, steps, _ = row(result)
        found = violated.replace("not ", "reached: not ")
        cells = [model, f"`{without}`" if without else "–", found, states, steps or "–"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; the exit code: 0 if all is as it must be, 1 if not."""
    parser = argparse.ArgumentParser(prog="python -m tests.model.check", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trace", nargs=2, metavar=("MODEL", "RULE"), help="what goes wrong without the rule")
    parser.add_argument("--write", action="store_true", help="write the table into docs/model/README.md")
    asked = parser.parse_args(arguments)
    if asked.trace:
        return _trace(*asked.trace)
    results = _run_all([task for model in MODELS for task in tasks_of(model)])
    failed = [result for result in results if not result.is_good]
    if asked.write and not failed:
        readme = FOLDER / "README.md"
        readme.write_text(TABLE.sub(lambda _: markdown(results), readme.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def _run_all(tasks: Sequence[Task]) -> list[Result]:
    results = []
    print(_line(("model", "without rule", "violated; reached", "states", "steps", "")))
    with ThreadPoolExecutor(min(AT_ONCE_MAX, os.cpu_count() or 1)) as pool:
        for result in pool.map(checked, tasks):
            results.append(result)
            print(_line(row(result)), flush=True)
            if result.trouble:
                print(f"  {result.trouble}", flush=True)
    return results


def _line(cells: tuple[str, ...]) -> str:
    model, without, violated, states, steps, verdict = cells
    return f"{model:8} {without:15} {violated:27} {states:>8} {steps:>5}  {verdict}".rstrip()


def _trace(bounds: str, rule: str) -> int:
    mutants = [task for model in MODELS for task in tasks_of(model) if task.without]
    found = [task for task in mutants if (task.model.bounds, task.without) == (bounds, rule)]
    if not found:
        known = ", ".join(f"{task.model.bounds} {task.without}" for task in mutants)
        print(f"there is no rule {rule} in {bounds}: take one of {known}", file=sys.stderr)
        return 2
    result = checked(found[0])
    print(result.outcome.text if result.outcome else result.trouble)
    return 0 if result.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
