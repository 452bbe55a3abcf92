"""The core asks nobody for the time, for chance or for a file, and needs nothing but Python: the bans are tried."""

import ast
import json
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

from tests.tidy.tree import ROOT, Spot, files_under, syntax_of, text_of

BANNED: dict[str, dict[str, str]] = tomllib.loads(text_of(ROOT / "bus/core/ruff.toml"))["lint"]["flake8-tidy-imports"][
    "banned-api"
]

# Ruff cannot ban a built-in function by name, so this file does, with what to do instead.
BANNED_CALLS = {
    "open": "take the bytes as an argument",
    "input": "take the value as an argument",
    "print": "return what happened",
    "breakpoint": "the core stops for nobody",
    "hash": "it differs from process to process: use hashlib on the bytes",
    "id": "it differs from run to run: compare values",
    "eval": "name what may happen",
    "exec": "name what may happen",
    "__import__": "import by name",
    "globals": "take the value as an argument",
}

# Imports every module of the core where nothing but the standard library can be found, and prints what came along.
IMPORT_ALL = """
import importlib, pkgutil, sys
before = set(sys.modules)
sys.path.insert(0, sys.argv[1])
import bus.core
for module in pkgutil.walk_packages(bus.core.__path__, "bus.core."):
    importlib.import_module(module.name)
print("\\n".join(sorted(set(sys.modules) - before)))
"""


def _snippet(name: str) -> str:
    """Code that uses what is banned, as somebody in a hurry would write it."""
    module, _, attribute = name.rpartition(".")
    if module.startswith("datetime"):
        kind = module.rpartition(".")[2]
        return f"from datetime import {kind}\n\nNOW = {kind}.{attribute}()\n"
    return f"import {name}\n\nUSED = {name}\n"


def _complaints(code: str, path: str) -> list[str]:
    """What ruff says about this code if it stood at ``path``."""
    ran = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=json", f"--stdin-filename={path}", "-"],
        input=code,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return [f"{found['code']} {found['message']}" for found in json.loads(ran.stdout)]


@cache
def _imported() -> tuple[str, ...]:
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", IMPORT_ALL, str(ROOT)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, f"bus.core does not import without third-party packages:\n{ran.stderr}"
    return tuple(ran.stdout.split())


@pytest.mark.parametrize("name", BANNED)
def test_a_ban_fires_in_the_core(name: str) -> None:
    """Whoever uses what is banned in the core hears so from ruff, with what to do instead."""
    said = f"TID251 `{name}` is banned: {BANNED[name]['msg']}"
    assert said in _complaints(_snippet(name), "bus/core/tried.py")


@pytest.mark.parametrize("name", ["time", "logging", "os", "random"])
def test_a_ban_of_the_core_stops_at_its_border(name: str) -> None:
    """The shell may use what the core may not."""
    said = _complaints(_snippet(name), "bus/shell/tried.py")
    assert not [line for line in said if line.startswith("TID251")]


def test_printing_is_banned_in_the_core() -> None:
    """A print in the core is found by ruff as well."""
    assert "T201 `print` found" in _complaints('print("here")\n', "bus/core/tried.py")


@pytest.mark.parametrize("path", files_under("bus/core", suffix=".py"), ids=lambda path: path.name)
def test_the_core_calls_no_banned_function(path: Path) -> None:
    """No built-in function that reaches out of the core is called in it."""
    found = [
        f"{Spot(path, node.lineno)}: no {node.func.id}() in the core: {BANNED_CALLS[node.func.id]}"
        for node in ast.walk(syntax_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in BANNED_CALLS
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("path", files_under("bus/core", suffix=".py"), ids=lambda path: path.name)
def test_the_core_is_synchronous(path: Path) -> None:
    """Nothing in the core is asynchronous: it is one function call at a time."""
    tree = syntax_of(path)
    assert not [node.lineno for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef | ast.Await)]


def test_the_core_needs_only_the_standard_library() -> None:
    """Importing every module of the core imports nothing outside Python's own library and the core."""
    strange = [
        name
        for name in _imported()
        if name.split(".")[0] not in sys.stdlib_module_names and name != "bus" and not name.startswith("bus.core")
    ]
    assert not strange, "\n".join(strange)


def test_every_module_of_the_core_was_imported() -> None:
    """The check above sees every file there is."""
    files = [path.relative_to(ROOT) for path in files_under("bus/core", suffix=".py") if path.stem != "__init__"]
    expected = {".".join(path.with_suffix("").parts) for path in files}
    assert expected <= set(_imported())
