"""Plays every script of the gate, from the bytes on a lane to the row of its journal."""

from pathlib import Path

import pytest

from tests.rules.gate_script import Gates
from tests.rules.scripts_reader import Script, difference, read_scripts

SCRIPTS = read_scripts(Path(__file__).parent / "gate_scripts")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_the_gate_follows_the_script(script: Script) -> None:
    """Every line of the script gets the row that stands behind its arrow."""
    gates = Gates()
    results = [gates.play(what) for what, _ in script.lines]
    assert not (found := difference(script, results)), f"\n{found}"
