"""The reference is what the code says: made from it, committed, and compared here."""

import pytest

from bus.cli.json_shapes import SHAPES
from docs.generate.commands import commands
from docs.generate.endings import ENDINGS, EVERY
from docs.generate.pages import ROOT, written

PAGES = {path.relative_to(ROOT).as_posix(): text for path, text in written().items()}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_code_says(name: str) -> None:
    """The committed page is the one that `make docs` writes."""
    path = ROOT / name
    assert path.exists(), f"{name} is missing: run `make docs` and commit it"
    assert path.read_text(encoding="utf-8") == PAGES[name], f"{name} differs from the code: run `make docs`, commit it"


def test_every_command_says_its_json() -> None:
    """Each command of the command line says what it writes with --json, and nothing else does."""
    assert set(SHAPES) == set(dict(commands()))


def test_exit_codes_are_of_commands_there_are() -> None:
    """No exit code is explained for a command that is not there, or for every command anyway."""
    known = dict(commands())
    odd = [name for name, ending in ENDINGS.items() if name not in known or set(ending) & set(EVERY)]
    assert not odd
