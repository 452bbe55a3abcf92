"""`agentbus verify` at the terminal: tables, sentences and exit codes."""

import subprocess
import sys
from pathlib import Path

import pytest

from bus.audit.export import save
from tests.audit.handmade import busy_bus, event_of


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bus.cli", "verify", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    save(busy_bus().evidence(), tmp_path / "export")
    return tmp_path / "export"


def test_a_clean_export_is_a_table(export: Path) -> None:
    """A check is a line with its result and what it looked at."""
    said = _run(str(export)).stdout
    assert "6 journals, 66 segments, 54 decisions" in said


def test_findings_end_with_three(tmp_path: Path) -> None:
    """Findings are told in plain words with their place, and the exit code is 3."""
    bus = busy_bus()
    event_of(bus, "granted", "lead/L-1", 1)[1]["token"] = 1
    save(bus.evidence(), tmp_path / "export")
    done = _run(str(tmp_path / "export"), "--only", "fold")
    assert done.returncode == 3
    assert "fold: bus.journal/1 offset 19: the token of lead/L-1 does not rise: 1 after" in done.stdout


def test_a_missing_folder_is_named() -> None:
    """A folder that is not there is named, with what to do, and the exit code is 5."""
    done = _run("nowhere/at/all")
    assert (done.returncode, done.stderr.count("\n")) == (5, 1)
    assert "there is no folder nowhere/at/all; name a folder that `agentbus verify --save` wrote" in done.stderr


def test_an_unknown_check_is_named(export: Path) -> None:
    """A check that does not exist is refused with those that do, and the exit code is 2."""
    done = _run(str(export), "--only", "chains")
    assert (done.returncode, "there is no check chains; the checks are files, chain" in done.stderr) == (2, True)


def test_an_unreachable_kafka_ends_with_four() -> None:
    """Without a Kafka there is one sentence, and the exit code is 4."""
    done = _run("--bootstrap", "127.0.0.1:1")
    assert (done.returncode, "Kafka does not answer" in done.stderr, "Traceback" in done.stderr) == (4, True, False)


def test_an_export_without_a_genesis_is_named(tmp_path: Path) -> None:
    """What holds no genesis cannot be checked, and the sentence says so."""
    bus = busy_bus()
    bus.records["bus.control", 0].clear()
    save(bus.evidence(), tmp_path / "export")
    done = _run(str(tmp_path / "export"))
    assert (done.returncode, "holds no bus.control that begins with a genesis" in done.stderr) == (5, True)
