"""The page about performance says what the committed benchmarks measured, and its pictures show it."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.page import DRAWN, PAGE, PICTURES, RESULTS, TOLD, pictures, read, with_figures

FOUND = read(RESULTS)


def test_the_page_has_the_committed_figures() -> None:
    """Every table of docs/performance.md is what its file in benchmarks/results says."""
    text = PAGE.read_text(encoding="utf-8")
    assert with_figures(text, FOUND) == text, "run `python -m benchmarks.page`"


def test_every_benchmark_has_its_place_on_the_page() -> None:
    """There is a place on the page for each benchmark, and no file that has none."""
    places = set(re.findall(r"^<!-- ([a-z]+) -->$", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert places == TOLD.keys() >= FOUND.keys()


def test_other_figures_change_the_page() -> None:
    """A figure that is not the committed one would be noticed."""
    text = PAGE.read_text(encoding="utf-8")
    cost = {**FOUND["cost"], "messages": FOUND["cost"]["messages"] + 1}
    assert with_figures(text, {**FOUND, "cost": cost}) != text


@pytest.mark.parametrize("name", sorted(DRAWN.keys() & FOUND.keys()))
def test_a_picture_shows_the_committed_figures(name: str) -> None:
    """Each picture is what the page's generator draws of the committed files."""
    file = f"performance-{name}.svg"
    assert (PICTURES / file).read_text(encoding="utf-8") == pictures(FOUND)[file], "run `python -m benchmarks.page`"


@pytest.mark.parametrize("path", sorted(PICTURES.glob("performance-*.svg")), ids=lambda path: path.name)
def test_a_picture_says_in_words_what_it_shows(path: Path) -> None:
    """Each picture is well-formed, stands alone, and has a sentence for those who do not see it."""
    drawn = ElementTree.fromstring(path.read_text(encoding="utf-8"))
    assert len((drawn.findtext("{http://www.w3.org/2000/svg}title") or "").split()) >= 5
