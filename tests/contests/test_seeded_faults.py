"""Every fault planted in the arbiter is caught: a script comes out otherwise, or somebody hears too much."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contests.against_core import parting
from tests.contests.leaks import leaks
from tests.contests.seeded_faults import FAULTS, LEAKS, Fault, planted
from tests.rules.scripts_reader import read_scripts

SCRIPTS = {script.name: script for script in read_scripts(Path(__file__).parent / "scripts")}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_a_planted_fault_is_caught(fault: Fault) -> None:
    """With this fault the arbiter parts from the documents' oracle in the script that the table names."""
    script = SCRIPTS[fault.shown_by]
    with planted(fault):
        assert parting(script.given, [what for what, _ in script.lines]), f"nobody notices that {fault.name}"


@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: leak.name.replace(" ", "-"))
def test_a_planted_leak_is_caught(leak: Fault) -> None:
    """With this fault somebody hears what the documents keep from him."""
    script = SCRIPTS[leak.shown_by]
    with planted(leak):
        assert leaks(script.given, [what for what, _ in script.lines]), f"nobody notices that {leak.name}"


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_nothing_leaks(name: str) -> None:
    """Of every event of every script the bus lets out what the documents let out."""
    assert leaks(SCRIPTS[name].given, [what for what, _ in SCRIPTS[name].lines]) == []


def test_a_fault_is_gone_afterwards() -> None:
    """What was planted is taken out again, else one fault would be caught by the next."""
    codes = {change.of: change.of.__code__ for fault in (*FAULTS, *LEAKS) for change in fault.changes}
    for fault in (*FAULTS, *LEAKS):
        with planted(fault):
            assert all(change.of.__code__ is not codes[change.of] for change in fault.changes)
    assert all(function.__code__ is code for function, code in codes.items())
