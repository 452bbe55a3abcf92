"""A contest, a case, a negotiation at any point of its life can be written into a snapshot and read back from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bus.core.state.image import ImageReader, image_of
from bus.core.state.partition import PartitionState
from tests.contests.against_core import lines_of_seed
from tests.contests.core import Core, fresh_state, known_to
from tests.contests.test_restore import _records
from tests.rules.scripts_reader import Script, read_scripts

SCRIPTS = read_scripts(Path(__file__).parent / "scripts")
SEEDS = range(30)


def _again(state: PartitionState) -> PartitionState:
    """The state read back from its own lines."""
    reader = ImageReader(fresh_state())
    for line in image_of(state).lines():
        reader.take(line)
    reader.finish()
    return reader.state


def _hold(given: list[str], lines: list[str]) -> None:
    """After every record the state read back knows the same; from the middle on it decides the same."""
    records, before = _records(given, lines)
    live, second = Core(), Core()
    middle = (before + len(records)) // 2
    for number, raw in enumerate(records):
        if number == middle:
            second = Core(_again(live.state), list(live.journal))
        live.decide(raw)
        if number >= middle:
            second.decide(raw)
        if number >= before:
            again = _again(live.state)
            assert known_to(again) == known_to(live.state)
            assert list(image_of(again).lines()) == list(image_of(live.state).lines())
    assert second.journal == live.journal


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_every_moment_of_a_script_can_be_written_down(script: Script) -> None:
    """A snapshot at any line of a script holds everything."""
    _hold(list(script.given), [what for what, _ in script.lines])


@pytest.mark.parametrize("seed", SEEDS)
def test_every_moment_of_a_random_contest_can_be_written_down(seed: int) -> None:
    """A snapshot at any record of a random contest holds everything."""
    given, lines = lines_of_seed(seed)
    _hold(list(given), list(lines))
