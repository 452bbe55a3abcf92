"""Every link of the docs leads somewhere: the file is there, and so is the heading."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import pages
from tests.tidy.tree import ROOT

LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def _anchors(path: Path) -> set[str]:
    """The headings of a page as links name them."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _broken(path: Path) -> list[str]:
    found = []
    for link in LINK.findall(FENCED.sub("", path.read_text(encoding="utf-8"))):
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if "://" in link:
            continue
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            found.append(link)
    return found


@pytest.mark.parametrize("path", [*pages(), ROOT / "CHANGELOG.md"], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    """No link of the page is broken."""
    assert not _broken(path)


def test_a_broken_link_is_noticed(tmp_path: Path) -> None:
    """A missing file and a missing heading are both found, a heading that is there is not."""
    page = tmp_path / "page.md"
    page.write_text("# A `Title`, here\n[a](#a-title-here) [b](#nowhere) [c](none.md)\n", encoding="utf-8")
    assert _broken(page) == ["#nowhere", "none.md"]
