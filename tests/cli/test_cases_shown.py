"""What was shown is remembered for each person by themselves, on one bus and one machine."""

from pathlib import Path

from bus.cli.cases_shown import Shown
from tests.audit.handmade_cases import deal, file_of


def test_what_was_shown_is_there_the_next_time(tmp_path: Path) -> None:
    """At the revision that was shown, and not at a later one."""
    Shown(tmp_path / "ben.json").remember(file_of(deal()))
    again = Shown(tmp_path / "ben.json")
    assert again.has_seen(file_of(deal()))
    assert not again.has_seen(file_of(deal(rev=2)))
    assert not Shown(tmp_path / "ana.json").has_seen(file_of(deal()))


def test_nobody_in_particular_remembers_nothing() -> None:
    """Who looked without saying who they are has not looked for anybody."""
    shown = Shown(None)
    shown.remember(file_of(deal()))
    assert shown.rev(file_of(deal()).case) == 0
