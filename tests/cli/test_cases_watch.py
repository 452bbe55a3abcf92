"""What a watched screen shows: the cases, and the last changes below it."""

from bus.cli.cases_watch import fitting


def test_two_changes_at_once_are_both_seen() -> None:
    """They stand below the table, also where a long one has little room."""
    lines = fitting([f"case {number}" for number in range(50)], ["one", "two"], 20)
    assert lines[-2:] == ["one", "two"]
    assert len(lines) <= 20
    assert "lines more" in "".join(lines)
    assert fitting(["case 1"], [], 20) == ["case 1"]
