"""The reference is what the code says: made from it, committed, and compared here."""

import pytest

from docs.generate.pages import ROOT, written

PAGES = {path.relative_to(ROOT).as_posix(): text for path, text in written().items()}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_code_says(name: str) -> None:
    """The committed page is the one that `make docs` writes."""
    path = ROOT / name
    assert path.exists(), f"{name} is missing: run `make docs` and commit it"
    assert path.read_text(encoding="utf-8") == PAGES[name], f"{name} differs from the code: run `make docs`, commit it"
