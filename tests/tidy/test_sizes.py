"""A file stays short enough to read at one sitting and a function short enough to see at once."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

from tests.tidy.tree import ROOT, files_under, lines_of, syntax_of

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60

# Whoever must break the limit enters the size here, with a why in the change; from then on it may only shrink.
ALLOWED: dict[str, dict[str, int]] = json.loads((ROOT / "tests/tidy/oversize.json").read_text(encoding="utf-8"))


def _file_sizes() -> dict[str, int]:
    return {_name(path): len(lines_of(path)) for path in _python_files()}


def _function_sizes() -> dict[str, int]:
    return {
        f"{_name(path)}::{name}": lines for path in _python_files() for name, lines in _functions(syntax_of(path), "")
    }


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, int]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{prefix}{child.name}"
            if not isinstance(child, ast.ClassDef):
                yield name, (child.end_lineno or child.lineno) - child.lineno + 1
            yield from _functions(child, f"{name}.")
        else:
            yield from _functions(child, prefix)


def _python_files() -> list[Path]:
    return files_under("bus", "resolvers", "tests", suffix=".py")


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _too_long(sizes: dict[str, int], limit: int, allowed: dict[str, int]) -> list[str]:
    return [
        f"{name} has {lines} lines, {max(limit, allowed.get(name, 0))} are allowed: give its parts names of their own"
        for name, lines in sizes.items()
        if lines > max(limit, allowed.get(name, 0))
    ]


def _loose(sizes: dict[str, int], limit: int, allowed: dict[str, int]) -> list[str]:
    return [
        f"{name} is down to {sizes.get(name, 0)} lines: lower or remove its {lines} in tests/tidy/oversize.json"
        for name, lines in allowed.items()
        if sizes.get(name, 0) < lines or lines <= limit
    ]


def test_no_file_is_too_long() -> None:
    """No Python file is longer than 400 lines, unless it is listed with its size."""
    found = _too_long(_file_sizes(), FILE_LINES_MAX, ALLOWED["files"])
    assert not found, "\n".join(found)


def test_no_function_is_too_long() -> None:
    """No function is longer than 60 lines, unless it is listed with its size."""
    found = _too_long(_function_sizes(), FUNCTION_LINES_MAX, ALLOWED["functions"])
    assert not found, "\n".join(found)


def test_the_list_of_exceptions_only_shrinks() -> None:
    """A listed file or function that got shorter takes its allowance down with it."""
    loose = _loose(_file_sizes(), FILE_LINES_MAX, ALLOWED["files"])
    loose += _loose(_function_sizes(), FUNCTION_LINES_MAX, ALLOWED["functions"])
    assert not loose, "\n".join(loose)
