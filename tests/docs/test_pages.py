"""Every command and every snippet of README.md and docs/ is run, in the order of the page, on a real bus."""

import sys
from pathlib import Path

import pytest

from tests.docs.pages import RUN, blocks_of, pages
from tests.docs.reader import Reader, Surroundings, Tally
from tests.tidy.tree import ROOT

# A page is up to twenty commands, each with a bound of its own; a busy machine may take long for all of them.
PAGE_S = 900
WITH_BLOCKS = [path for path in pages() if any(block.language in RUN for block in blocks_of(path))]


@pytest.mark.timeout(PAGE_S)
@pytest.mark.parametrize("page", WITH_BLOCKS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_page_does_what_it_says(page: Path, surroundings: Surroundings, tally: Tally, tmp_path: Path) -> None:
    """Who follows the page from top to bottom sees what it shows."""
    (tmp_path / ".venv").symlink_to(sys.prefix)  # the folder of a reader has one
    reader = Reader(tmp_path, surroundings, tally)
    try:
        reader.follow(blocks_of(page))
    finally:
        reader.close()


def test_there_are_pages_to_follow() -> None:
    """The README and a page for each role have something to run."""
    names = {path.relative_to(ROOT).as_posix() for path in WITH_BLOCKS}
    assert {"README.md", *(f"docs/start/{role}.md" for role in ROLES)} <= names


ROLES = ("agent-developer", "operator", "schema-owner", "auditor", "steward", "person")
