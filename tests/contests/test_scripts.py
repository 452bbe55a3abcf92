"""Plays every script of contests, cases and waits against the oracle: the outcome written by hand must come out."""

from pathlib import Path

import pytest

from tests.contests.cast import ANA
from tests.contests.oracle.partition import Oracle
from tests.contests.oracle.registry import Registry
from tests.contests.play import Play
from tests.rules.scripts_reader import Script, difference, read_scripts

SCRIPTS = read_scripts(Path(__file__).parent / "scripts")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_the_oracle_follows_the_script(script: Script) -> None:
    """Every line of the script gets the answer that stands behind its arrow."""
    found = Play(Oracle(Registry((ANA,))).step).run(script)
    assert not (wrong := difference(script, found)), f"\n{wrong}"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_script_says_what_it_shows(script: Script) -> None:
    """Every script begins with the sentence it shows, and shows something."""
    assert script.sentence.endswith((".", "?"))
    assert script.lines
