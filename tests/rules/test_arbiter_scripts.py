"""Plays every script of the arbiter, from the bytes on ``bus.arbiter`` to the answer and back from the journal."""

from pathlib import Path

import pytest

from tests.rules.arbiter_script import World
from tests.rules.scripts_reader import Script, difference, read_scripts

SCRIPTS = read_scripts(Path(__file__).parent / "scripts")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_the_arbiter_follows_the_script(script: Script) -> None:
    """Every line of the script gets the answer that stands behind its arrow."""
    world = _played(script)
    assert not (found := difference(script, [world.told(entry) for entry in world.entries])), f"\n{found}"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_new_owner_knows_the_same(script: Script) -> None:
    """Folding the journal's bytes gives the state the script ended in, with its deadlines."""
    world = _played(script)
    assert world.restored() == world.state


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_script_says_what_it_shows(script: Script) -> None:
    """Every script begins with the sentence it shows, and shows something."""
    assert script.sentence.endswith((".", "?"))
    assert script.lines


def _played(script: Script) -> World:
    world = World()
    for words in script.given:
        world.given(words)
    for what, _ in script.lines:
        world.play(what)
    return world
