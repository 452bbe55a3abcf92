"""The lines of the run: PASS or FAIL per promise, with the first evidence, and the count at the end."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

# Enough to see whether it is one fault or many; the rest is noise.
FAULTS_COUNTED_MAX = 1000
# What reading a record raises that lacks a field or has one of another kind.
FORMLESS = (LookupError, TypeError, ValueError, AttributeError, AssertionError)


@dataclass(slots=True)
class Verdicts:
    """Collects what held and what did not."""

    passed: int = 0
    failed: int = 0
    scenario: str = ""
    started: float = field(default_factory=time.monotonic)

    def check(self, promise: str, faults: Iterable[str]) -> None:
        """A promise holds when nothing speaks against it."""
        found = list(islice(told(faults), FAULTS_COUNTED_MAX))
        if not found:
            self.passed += 1
            _line(f"PASS {self.scenario}: {promise}")
            return
        self.failed += 1
        others = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        _line(f"FAIL {self.scenario}: {promise}: {found[0]}{others}")

    def say(self, text: str) -> None:
        """A line of progress."""
        _line(f"  [{time.monotonic() - self.started:5.0f} s] {self.scenario}: {text}")

    def close(self) -> int:
        """The last line; returns the exit code."""
        _line(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed else 0


def told(faults: Iterable[str]) -> Iterator[str]:
    """The faults; a check that stumbles over a record that is not of the wire page's form tells that as a fault."""
    try:
        yield from faults
    except FORMLESS as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        yield f"a record is not of the form of the wire page: {error!r} ({Path(place.filename).name}:{place.lineno})"


def _line(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
