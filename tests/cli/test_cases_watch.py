"""What a watched screen shows: the cases, the last changes, and that an empty view is no quiet day."""

from bus.cli.cases_watch import fitting, summary


def test_two_changes_at_once_are_both_seen() -> None:
    """They stand below the table, also where a long one has little room."""
    lines = fitting([f"case {number}" for number in range(50)], ["one", "two"], 20)
    assert lines[-2:] == ["one", "two"]
    assert len(lines) <= 20
    assert "lines more" in "".join(lines)
    assert fitting(["case 1"], [], 20) == ["case 1"]


def test_an_empty_view_says_that_cases_wait_in_others() -> None:
    """A mistyped queue looks like nobody is needed."""
    assert summary([], 2) == "nothing is in this view; 2 open cases are in others"
    assert summary([], 0) == "nothing waits for a person"
