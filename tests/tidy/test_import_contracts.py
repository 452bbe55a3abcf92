"""The import contracts are tried: each forbidden import, made in a small copy of the tree, is found and named."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tidy.tree import ROOT, text_of

PARTS = ("cli", "desk", "registry", "dev", "sim", "analytics", "audit", "client", "shell", "core")
ROOMS = ("outputs", "steps", "state", "contest", "message", "decision", "policy", "log")

FORBIDDEN = [
    ("bus.shell", "bus.cli"),
    ("bus.shell", "bus.dev"),
    ("bus.shell", "bus.client"),
    ("bus.core", "bus.shell"),
    ("bus.core", "bus.client"),
    ("bus.core", "resolvers"),
    ("bus.dev", "bus.audit"),
    ("bus.desk", "bus.registry"),
    ("resolvers", "bus.shell"),
    ("resolvers", "bus.client"),
    ("bus.client", "resolvers"),
    ("bus.client", "bus.core.arbiter"),
    ("bus.client", "bus.core.gate"),
    ("bus.core.log", "bus.core.policy"),
    ("bus.core.state", "bus.core.outputs"),
]

ALLOWED = [
    ("bus.cli", "bus.dev"),
    ("bus.cli", "bus.audit"),
    ("bus.dev", "bus.shell"),
    ("bus.audit", "bus.core"),
    ("bus.shell", "resolvers"),
    ("resolvers", "bus.core.contest"),
    ("bus.core.steps", "bus.core.log"),
]


def _tree_with(folder: Path, importer: str, imported: str) -> Path:
    """A tree of the project's shape in which ``importer`` imports ``imported``."""
    (folder / "pyproject.toml").write_text(text_of(ROOT / "pyproject.toml"), encoding="utf-8")
    packages = ["bus", "resolvers", *(f"bus/{part}" for part in PARTS), *(f"bus/core/{room}" for room in ROOMS)]
    for package in packages:
        (folder / package).mkdir()
        (folder / package / "__init__.py").write_text("", encoding="utf-8")
    for module in ("gate", "arbiter"):
        (folder / f"bus/core/{module}.py").write_text("", encoding="utf-8")
    (folder / importer.replace(".", "/") / "tried.py").write_text(f"import {imported}\n", encoding="utf-8")
    return folder


def _verdict(folder: Path) -> subprocess.CompletedProcess[str]:
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    arguments = ["--no-cache", "--no-logo"]
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(("importer", "imported"), FORBIDDEN)
def test_a_forbidden_import_is_found(tmp_path: Path, importer: str, imported: str) -> None:
    """An import against the direction breaks a contract and is named with its place."""
    found = _verdict(_tree_with(tmp_path, importer, imported))
    assert f"{importer}.tried -> {imported}" in found.stdout


@pytest.mark.parametrize(("importer", "imported"), ALLOWED)
def test_an_allowed_import_passes(tmp_path: Path, importer: str, imported: str) -> None:
    """An import in the right direction keeps every contract."""
    assert _verdict(_tree_with(tmp_path, importer, imported)).returncode == 0


def test_a_new_part_must_be_given_its_place(tmp_path: Path) -> None:
    """A part of the bus that no contract knows breaks the first of them until somebody says where it stands."""
    tree = _tree_with(tmp_path, "bus.cli", "bus.core")
    (tree / "bus/surprise.py").write_text("", encoding="utf-8")
    assert "surprise" in _verdict(tree).stdout
