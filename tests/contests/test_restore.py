"""A new owner that folds the journal knows what the old one knew, and goes on as it would have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.contests.against_core import lines_of_seed
from tests.contests.cast import ANA
from tests.contests.core import Core, known_to, restored
from tests.contests.oracle.log import Raw
from tests.contests.oracle.partition import Oracle
from tests.contests.oracle.registry import Registry
from tests.contests.play import Play
from tests.rules.scripts_reader import Script, read_scripts

SCRIPTS = read_scripts(Path(__file__).parent / "scripts")
SEEDS = range(60)


def _records(given: Sequence[str], lines: Sequence[str]) -> tuple[list[Raw], int]:
    """The records these lines leave on `bus.arbiter`, and how many of them only set the scene."""
    play = Play(Oracle(Registry((ANA,))).step)
    play.begin(given)
    before = len(play.log.records)
    for line in lines:
        play.line(line)
    return play.log.records, before


def _hold(given: Sequence[str], lines: Sequence[str]) -> None:
    """Restore at the end and in the middle of the script: the same knowledge, the same decisions from there on."""
    records, before = _records(given, lines)
    live = Core()
    for raw in records:
        live.decide(raw)
    assert known_to(restored(live.journal)) == known_to(live.state)
    cut = (before + len(records)) // 2
    second = Core(restored(live.journal[:cut]), live.journal[:cut])
    for raw in records[cut:]:
        second.decide(raw)
    assert second.journal == live.journal
    assert known_to(second.state) == known_to(live.state)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_the_journal_of_a_script_holds_everything(script: Script) -> None:
    """What a script leaves behind can be folded from its journal, at the end and from its middle on."""
    _hold(script.given, [what for what, _ in script.lines])


@pytest.mark.parametrize("seed", SEEDS)
def test_the_journal_of_a_random_contest_holds_everything(seed: int) -> None:
    """What a random contest leaves behind can be folded from its journal, at the end and from its middle on."""
    _hold(*lines_of_seed(seed))
