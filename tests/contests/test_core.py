"""The arbiter itself decides every script of contests, and random ones, as the oracle does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contests.against_core import lines_of_seed, parting, parting_of
from tests.contests.crowd import claim, enlist, new_play
from tests.rules.scripts_reader import Script, read_scripts

SCRIPTS = read_scripts(Path(__file__).parent / "scripts")
# More are played by hand: python -m tests.contests.seeds FROM TO
SEEDS = range(150)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_the_arbiter_decides_a_script_as_the_oracle_does(script: Script) -> None:
    """No line of the script is answered otherwise than the documents say."""
    lines = [what for what, _ in script.lines]
    if found := parting(script.given, lines):
        at = lines[found.lines - 1]
        pytest.fail("\n".join((f"{at}", f"oracle -> {found.oracle}", f"core   -> {found.core}", *found.wrong)))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_arbiter_decides_a_random_contest_as_the_oracle_does(seed: int) -> None:
    """No record of the seed's script is answered otherwise; `python -m tests.contests.seeds` shortens what fails."""
    given, lines = lines_of_seed(seed)
    if found := parting(given, lines):
        command = f"python -m tests.contests.seeds {seed} {seed + 1}"
        pytest.fail("\n".join((command, f"oracle -> {found.oracle}", f"core   -> {found.core}", *found.wrong)))


def test_the_arbiter_takes_as_many_candidates_as_the_oracle() -> None:
    """Four contests of 64 and a candidate too many each: full, and settled over as many ticks as it takes."""
    play = new_play("terms lead window=10 ladder=first_come,deny")
    for number in range(65):
        enlist(play, f"crowd-{number}")
    for subject in range(4):
        for number in range(65):
            claim(play, f"crowd-{number}", f"lead/L-{subject}")
    for second in (11, 12, 13):
        play.line(f"{second} tick")
    assert parting_of(play) is None


def test_the_arbiter_drains_a_busy_agent_as_the_oracle_does() -> None:
    """An agent with 600 holdings is suspended: 256 of them end in a tick."""
    play = new_play("terms lead lease=6000")
    play.line("0 tick")
    enlist(play, "busy")
    for number in range(600):
        claim(play, "busy", f"lead/L-{number}")
    for line in ("2 ana suspends busy", "3 tick", "4 tick", "5 tick", "6 tick"):
        play.line(line)
    assert parting_of(play) is None
