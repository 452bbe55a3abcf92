"""The pictures of the benchmarks: everything lies inside, and no name lies on another."""

import itertools
import re

from benchmarks.draw import HEIGHT, LEFT, WIDTH, Bar, Line, Panel, bars, panels

CIRCLE = re.compile(r'<circle class="f\d" cx="([\d.-]+)" cy="([\d.-]+)"')
NAME = re.compile(r'<text class="f\d" x="[\d.]+" y="([\d.-]+)">')
RECTANGLE = re.compile(r'<rect class="f\d" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"')


def _drawn(*lines: Line, is_log: bool = True) -> str:
    return panels("Some lines about something", [Panel("Title", "rate", lines, is_log=is_log)])


def test_every_point_lies_inside_its_panel() -> None:
    """Values over four powers of ten stay between the axes."""
    drawn = _drawn(Line("one", 1, ((50, 0.3), (500, 40), (2000, 3000))))
    points = [(float(x), float(y)) for x, y in CIRCLE.findall(drawn)]
    assert len(points) == 3
    assert all(LEFT < x < WIDTH and 0 < y < HEIGHT for x, y in points)


def test_a_higher_value_stands_higher() -> None:
    """Larger values have smaller distances from the top, on both kinds of axes."""
    for is_log in (True, False):
        drawn = _drawn(Line("one", 1, ((1, 2), (10, 20), (100, 30))), is_log=is_log)
        heights = [float(y) for _, y in CIRCLE.findall(drawn)]
        assert heights == sorted(heights, reverse=True)


def test_names_of_lines_that_meet_stand_apart() -> None:
    """Three lines that end at one point have three names one can read."""
    drawn = _drawn(*(Line(name, n, ((1, 5), (10, 5))) for n, name in enumerate(("one", "two", "three"))))
    heights = sorted(float(y) for y in NAME.findall(drawn))
    assert len(heights) == 3
    assert all(below - above >= 13 for above, below in itertools.pairwise(heights))


def test_bars_are_as_long_as_their_values() -> None:
    """Twice the value is twice the length."""
    drawn = bars("Some bars about something", [Bar("a", 10, "10"), Bar("b", 20, "20")])
    first, second = (float(width) for _, width in RECTANGLE.findall(drawn))
    assert abs(second - 2 * first) < 1


def test_words_from_outside_cannot_break_the_picture() -> None:
    """A name with signs that mean something in SVG is written as text."""
    assert "<b>" not in bars("About", [Bar("<b>", 1, '"&')])
