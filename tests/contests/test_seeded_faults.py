"""Every fault planted in the arbiter is caught: a script comes out otherwise than the documents say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contests.against_core import parting
from tests.contests.seeded_faults import FAULTS, Fault, planted
from tests.rules.scripts_reader import read_scripts

SCRIPTS = {script.name: script for script in read_scripts(Path(__file__).parent / "scripts")}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_a_planted_fault_is_caught(fault: Fault) -> None:
    """With this fault the arbiter parts from the documents' oracle in the script that the table names."""
    script = SCRIPTS[fault.shown_by]
    with planted(fault):
        assert parting(script.given, [what for what, _ in script.lines]), f"nobody notices that {fault.name}"


def test_a_fault_is_gone_afterwards() -> None:
    """What was planted is taken out again, else one fault would be caught by the next."""
    codes = {change.of: change.of.__code__ for fault in FAULTS for change in fault.changes}
    for fault in FAULTS:
        with planted(fault):
            assert all(change.of.__code__ is not codes[change.of] for change in fault.changes)
    assert all(function.__code__ is code for function, code in codes.items())
