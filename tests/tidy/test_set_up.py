"""A stranger's first command either works or says in one sentence what is missing and what to do next."""

import os
import re
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.tidy.tree import ROOT, text_of

PREPARE = ROOT / ".ci/prepare"
TARGETS = ("demo", "test", "model", "accept", "torture", "lint", "lock", "clean")


def _prepare(python: Path, venv: Path) -> subprocess.CompletedProcess[str]:
    """Run the set-up with this interpreter; an index nobody listens on stands for a missing network."""
    offline = {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": os.devnull}
    environment = os.environ | offline | {"PIP_RETRIES": "0", "PYTHON": str(python), "AGENTBUS_VENV": str(venv)}
    environment.pop("PIP_EXTRA_INDEX_URL", None)
    return subprocess.run(["sh", PREPARE], env=environment, capture_output=True, text=True, check=False)


def _interpreter(folder: Path, script: str) -> Path:
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_an_old_python_is_named(tmp_path: Path) -> None:
    """Too old a Python is refused with the version found and the way to name another."""
    old = _interpreter(tmp_path, 'case "$1" in --version) echo "Python 3.9.2";; *) exit 1;; esac')
    said = _prepare(old, tmp_path / "venv").stderr
    assert "needs Python 3.11 to 3.14 but found Python 3.9.2" in said


def test_a_missing_python_is_named(tmp_path: Path) -> None:
    """A Python that is not there is refused with the way to name another."""
    said = _prepare(tmp_path / "nowhere", tmp_path / "venv").stderr
    assert "found no Python that starts" in said


def test_a_python_without_venv_is_named(tmp_path: Path) -> None:
    """A Python whose venv module is missing is refused with the package to install."""
    bare = _interpreter(tmp_path, 'case "$2" in *venv*) exit 1;; *) exit 0;; esac')
    said = _prepare(bare, tmp_path / "venv").stderr
    assert "apt-get install python3-venv" in said


def test_an_unreachable_index_is_named(tmp_path: Path) -> None:
    """Without a network the last line says what to check and where pip's own words are."""
    said = _prepare(Path(sys.executable), tmp_path / "venv").stderr
    assert "cannot reach its package index: check the network" in said.splitlines()[-1]


def test_a_failed_set_up_leaves_no_traceback(tmp_path: Path) -> None:
    """Whatever goes wrong in the set-up, nobody is shown a traceback."""
    assert "Traceback" not in _prepare(tmp_path / "nowhere", tmp_path / "venv").stderr


@pytest.mark.parametrize("target", TARGETS)
def test_the_makefile_has_the_target(target: str) -> None:
    """Every command the docs speak of is a target."""
    assert re.search(rf"^{target}:", text_of(ROOT / "Makefile"), re.MULTILINE)


@pytest.mark.parametrize("command", ["make demo", "make test"])
def test_the_readme_has_the_two_commands(command: str) -> None:
    """The two commands that are all the set-up there is stand in README.md."""
    readme = ROOT / "README.md"
    assert readme.exists(), "README.md is missing: its two commands are all a stranger has"
    assert command in text_of(readme)


def test_the_package_carries_the_readme() -> None:
    """Whoever finds the package in an index reads the README there."""
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    assert project.get("readme") == "README.md", 'add `readme = "README.md"` under [project] once README.md is there'


def test_the_check_of_a_change_runs_by_itself() -> None:
    """The script that checks a change can be executed as it is."""
    assert (ROOT / ".ci/run").stat().st_mode & stat.S_IXUSR


@pytest.mark.parametrize("command", ["make test", "make accept", "make demo"])
def test_the_check_of_a_change_runs_everything(command: str) -> None:
    """The script that checks a change runs the tests, the black-box run and the demo."""
    assert re.search(rf"^{command}\b", text_of(ROOT / ".ci/run"), re.MULTILINE)


def test_every_dependency_has_its_reason() -> None:
    """Every dependency is named in a decision record."""
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))
    lists = [
        project["project"]["dependencies"],
        project["build-system"]["requires"],
        *project["project"]["optional-dependencies"].values(),
        *project["dependency-groups"].values(),
    ]
    names = {re.split(r"[^\w.-]", need)[0] for needs in lists for need in needs}
    records = "\n".join(text_of(path) for path in sorted((ROOT / "docs/adr").glob("*.md")))
    unexplained = sorted(name for name in names if f"`{name}`" not in records)
    assert not unexplained, f"name each in docs/adr with why it and what it costs: {unexplained}"
