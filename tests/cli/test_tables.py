"""Tables fit where they are shown, and say as much as fits."""

import pytest
from rich.cells import cell_len

from bus.cli.tables import set_table, shortened

COLUMNS = ("AGENT", "LANE", "ROLES", "NOTE")
ROWS = (
    ("spiffe://acme/agent/sales-1", "sales", "sales, night, weekend, holidays", "a long sentence of somebody's"),
    ("spiffe://acme/agent/procurement-12", "procurement", "buyer", "–"),
)


@pytest.mark.parametrize("width", [40, 60, 80, 140])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """Whatever the width, down to one that leaves every column a few letters."""
    assert all(cell_len(line) <= width for line in set_table(COLUMNS, ROWS, width=width))


def test_without_a_width_nothing_is_lost() -> None:
    """In a pipe every cell is whole."""
    text = "\n".join(set_table(COLUMNS, ROWS, width=None, optional=("NOTE",)))
    assert all(cell in text for row in ROWS for cell in row)


def test_what_is_optional_goes_first_and_only_if_it_must() -> None:
    """A narrow terminal loses the column, a wide one keeps it."""
    assert "NOTE" not in set_table(COLUMNS, ROWS, width=90, optional=("NOTE",))[0]
    assert "NOTE" in set_table(COLUMNS, ROWS, width=140, optional=("NOTE",))[0]


@pytest.mark.parametrize(
    ("text", "width", "short"),
    [
        ("sales", 10, "sales"),
        ("spiffe://acme/agent/sales-1", 12, "…/sales-1"),
        ("17592188307712.4.198", 9, "1759….198"),
        ("sales, support, crm", 12, "sales, …"),
        ("when the moon is full", 12, "when the mo…"),
        ("日本語の名前です", 7, "日…す"),
    ],
)
def test_what_is_left_of_a_text_that_does_not_fit(text: str, width: int, short: str) -> None:
    """An id keeps its name, a number both ends, a list its first, a sentence its beginning."""
    assert shortened(text, width) == short
    assert cell_len(shortened(text, width)) <= width


def test_a_list_that_does_not_fit_goes_on_below_in_its_column() -> None:
    """Nobody's agents are hidden on a narrow terminal; a very long list says how many more there are."""
    lines = set_table(COLUMNS, [("a-1", "sales", "sales, night, weekend, holidays", "–")], width=30)
    roles = " ".join(lines[1:]).split()
    assert [one for one in roles if one not in ("a-1", "sales", "–")] == ["sales,", "night,", "weekend,", "holidays"]
    assert max(map(cell_len, lines)) <= 30
    many = ", ".join(f"role-{number}" for number in range(40))
    lines = set_table(COLUMNS, [("a-1", "sales", many, "–")], width=40)
    assert (len(lines), "more" in lines[-1]) == (5, True)
    assert max(map(cell_len, lines)) <= 40
