"""A wheel holds what a checkout does: both packages, their data files, and the contracts of schemas/ as data."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.tidy.tree import ROOT, files


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names in a wheel built from this tree, without a network."""
    folder: Path = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as built:
        return set(built.namelist())


def _tracked(folder: str) -> set[str]:
    return {path.relative_to(ROOT).as_posix() for path in files() if path.is_relative_to(ROOT / folder)}


@pytest.mark.parametrize("package", ["bus", "resolvers"])
def test_a_wheel_holds_every_file_of_a_package(wheel: set[str], package: str) -> None:
    """Every file of a package is in the wheel under its own name: code, json, yaml, py.typed."""
    assert _tracked(package) <= wheel


def test_a_wheel_holds_the_contracts_as_data(wheel: set[str]) -> None:
    """Every file of schemas/ is in the wheel under bus/data/schemas."""
    assert {f"bus/data/{name}" for name in _tracked("schemas")} <= wheel


def test_a_wheel_holds_nothing_else(wheel: set[str]) -> None:
    """No test, tool or document travels in the wheel."""
    tops = {name.split("/")[0] for name in wheel if ".dist-info/" not in name}
    assert tops == {"bus", "resolvers"}
