"""The arbiter itself decides every script of contests, and random ones, as the oracle does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contests.against_core import lines_of_seed, parting
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
