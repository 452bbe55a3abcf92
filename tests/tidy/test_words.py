"""One word for one thing: the words docs/glossary.md rules out are found, with the word to use instead."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tidy.tree import ROOT, Spot, files, files_under, is_excused, lines_of, syntax_of, text_of

# Only words that mean nothing else here; the glossary rules out more, by sense, which a machine cannot see.
INSTEAD = {
    "payload": "message",
    "msg": "message",
    "packet": "record",
    "ingress": "lane",
    "quarantine": "hold",
    "dispute": "contest",
    "ledger": "journal",
    "ticket": "case",
}
PLURALS = {f"{word}s": instead for word, instead in INSTEAD.items()}

# Names on the wire, in contract files and in the registry API keep the word they were published with.
WIRE_NAMES = {"bad_payload"}

# A file or class named like this says that nobody knew what it is for.
EMPTY_NAMES = {"util", "utils", "helper", "helpers", "manager", "managers", "base", "common", "misc"}

GLOSSARY = ROOT / "docs/glossary.md"


def _read_by_people() -> list[Path]:
    code = files_under("bus", "resolvers", suffix=".py")
    prose = [*files_under("docs", suffix=".md"), ROOT / "README.md", ROOT / "CHANGELOG.md"]
    return [path for path in [*code, *prose] if path != GLOSSARY and path.exists()]


def _words(text: str) -> Iterator[str]:
    """The words of a line, with identifiers taken apart at underscores and capitals."""
    for token in re.findall(r"\w+", text):
        if token.lower() not in WIRE_NAMES:
            apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", token)
            yield from (part.lower() for part in apart.split("_"))


def _ruled_out(text: str) -> Iterator[tuple[str, str]]:
    """The ruled-out words of a line, each with what to say instead."""
    for word in _words(text):
        if instead := (INSTEAD | PLURALS).get(word):
            yield word, instead


@pytest.mark.parametrize("path", _read_by_people(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_words_come_from_the_glossary(path: Path) -> None:
    """No word the glossary rules out stands in a name or in prose, unless the spot says why."""
    found = [
        f"{Spot(path, number)}: say {instead!r}, not {word!r} (docs/glossary.md), or `# tidy: ok <why>`"
        for number, line in enumerate(lines_of(path), start=1)
        for word, instead in _ruled_out(line)
        if not is_excused(path, number)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("raw_msg = poll()", ["msg"]),
        ("class TicketQueue:", ["ticket"]),
        ("# two packets later", ["packets"]),
        ('BAD_PAYLOAD = "bad_payload"', []),
        ("a message in a lane", []),
    ],
)
def test_the_check_sees_words_in_names_and_in_prose(line: str, found: list[str]) -> None:
    """A ruled-out word is seen inside an identifier and in a sentence, but not in a name on the wire."""
    assert [word for word, _ in _ruled_out(line)] == found


@pytest.mark.parametrize("word", INSTEAD)
def test_the_glossary_rules_the_word_out(word: str) -> None:
    """Every word this check refuses is refused by the glossary, in the row of the word to use instead."""
    rows = [line.split("|") for line in text_of(GLOSSARY).splitlines() if line.startswith("| ")]
    rows_that_refuse = [cells[1] for cells in rows if re.search(rf"\b{word}\b", cells[3])]
    assert any(re.search(rf"\b{INSTEAD[word]}\b", cell) for cell in rows_that_refuse)


def test_no_file_has_an_empty_name() -> None:
    """No Python file or folder is called utils, common or the like."""
    found = [
        f"{path.relative_to(ROOT)}: name it after what it does"
        for path in files()
        if path.suffix == ".py" and EMPTY_NAMES.intersection(_parts(path))
    ]
    assert not found, "\n".join(found)


def _parts(path: Path) -> set[str]:
    return {word for part in path.relative_to(ROOT).with_suffix("").parts for word in part.lower().split("_")}


def test_no_class_has_an_empty_name() -> None:
    """No class is called a manager, a helper or a base of something."""
    found = [
        f"{Spot(path, node.lineno)}: name {node.name} after what it does"
        for path in files_under("bus", "resolvers", suffix=".py")
        for node in ast.walk(syntax_of(path))
        if isinstance(node, ast.ClassDef) and EMPTY_NAMES.intersection(_words(node.name))
        if not is_excused(path, node.lineno)
    ]
    assert not found, "\n".join(found)
