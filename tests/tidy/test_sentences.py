"""Every file says in its first line what it does, and every test what it proves."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tidy.tree import ROOT, Spot, files, files_under, is_excused, is_sentence, syntax_of

SKIPPING = {"skip", "skipif", "xfail", "importorskip"}


def _first_line(node: ast.Module | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    return (ast.get_docstring(node) or "").split("\n")[0]


def _tests(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(syntax_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node


def test_every_file_says_what_it_does() -> None:
    """The first line of every Python file is a sentence."""
    silent = [
        f"{path.relative_to(ROOT)}: begin with a docstring whose first line is a sentence a product owner understands"
        for path in files_under("bus", "resolvers", "tests", suffix=".py")
        if not is_sentence(_first_line(syntax_of(path)))
    ]
    assert not silent, "\n".join(silent)


def test_every_test_says_what_it_proves() -> None:
    """The docstring of every test is a sentence."""
    silent = [
        f"{Spot(path, node.lineno)} {node.name}: say in one sentence what holds"
        for path in files_under("tests", suffix=".py")
        for node in _tests(path)
        if not is_sentence(_first_line(node))
    ]
    assert not silent, "\n".join(silent)


def test_no_test_is_skipped_in_silence() -> None:
    """A skipped test, or one expected to fail, says why at the spot."""
    silent = [
        f"{Spot(path, node.lineno)}: no .{node.attr} without a line `# tidy: ok <why>`"
        for path in files_under("tests", suffix=".py")
        for node in ast.walk(syntax_of(path))
        if isinstance(node, ast.Attribute) and node.attr in SKIPPING and "pytest" in ast.unparse(node.value)
        if not is_excused(path, node.lineno)
    ]
    assert not silent, "\n".join(silent)


@pytest.mark.parametrize("section", ["## Context", "## Choice", "## What we gave up"])
def test_every_decision_record_is_complete(section: str) -> None:
    """Every decision record has its three sections."""
    records = [path for path in files() if path.parent == ROOT / "docs/adr" and path.suffix == ".md"]
    assert records, "docs/adr has no decision records"
    lacking = [path.name for path in records if section not in path.read_text(encoding="utf-8").splitlines()]
    assert not lacking, f"these lack the section `{section}`: {lacking}"
