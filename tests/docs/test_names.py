"""The commands and options that pages name are there: also in prose, and in blocks that are not run."""

import re
from pathlib import Path

import pytest

from docs.generate.commands import commands
from tests.docs.pages import pages
from tests.tidy.tree import ROOT

NAMED = re.compile(r"(?:^\$ |`)(?:\.venv/bin/)?agentbus ([^`\n]+)", re.MULTILINE)
OPTION = re.compile(r"(?<!\S)(--[a-z][a-z-]*|-X)\b")
OPTIONS = {name: {option for one in command.params for option in one.opts} for name, command in commands()}
GROUPS = {name.partition(" ")[0] for name in OPTIONS if " " in name}  # their verbs may be left out in prose
EVERYWHERE = {"--help", "--version"}
WRITTEN = [path for path in pages() if not path.is_relative_to(ROOT / "docs/reference")]  # that is made from the code


def _unknown(text: str) -> list[str]:
    """What a page names of the command line that is not there."""
    found: list[str] = []
    for typed in NAMED.findall(text):
        words = re.split(r"\s+[#|>]|\)", typed)[0].split()
        name = " ".join(words[:2]) if words[0] in GROUPS else words[0]
        if words == [words[0]] and words[0] in GROUPS | EVERYWHERE:
            continue
        if name not in OPTIONS:
            found.append(name)
            continue
        options = set(OPTION.findall(" ".join(words))) - OPTIONS[name] - EVERYWHERE
        found += [f"{name} {option}" for option in options]
    return found


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_page_names_what_there_is(path: Path) -> None:
    """Every command and every option that the page names exists."""
    assert not _unknown(path.read_text(encoding="utf-8"))


def test_an_invented_name_is_noticed() -> None:
    """A command, a verb and an option that nobody made are found, real ones are not."""
    text = "$ agentbus lanes set x --as ana\n$ agentbus lanes shrink\n`agentbus verify --fast`, `agentbus guess x`\n"
    assert _unknown(text) == ["lanes shrink", "verify --fast", "guess"]
