"""Which development buses run on this machine: told by their locks and processes, whoever asks."""

import json
from pathlib import Path

import pytest

from bus.shell.dev_buses import LOCK_FILE, RECORD_FILE, STATE_FILE, find_buses, only_one
from bus.shell.errors import UsageError
from tests.shell.dev_buses_made import OPERATOR, make_buses


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of its own."""
    monkeypatch.setenv("AGENTBUS_CACHE", str(tmp_path / "cache"))


def test_a_running_bus_is_found(tmp_path: Path) -> None:
    """Its address, its folder and its operator."""
    with make_buses(tmp_path, 19092) as (data,):
        (found,) = find_buses()
        assert (found.bootstrap, found.data, found.operator) == ("127.0.0.1:19092", data, OPERATOR)


def test_a_bus_whose_owner_is_gone_is_none(tmp_path: Path) -> None:
    """After kill -9 its lock is free, whatever its record says and whoever has its number by now."""
    with make_buses(tmp_path, 19092) as (data,):
        (data / LOCK_FILE).unlink()
        (data / LOCK_FILE).touch()
        assert find_buses() == []


def test_a_bus_whose_kafka_is_gone_is_none(tmp_path: Path) -> None:
    """Nobody could use it."""
    with make_buses(tmp_path, 19092) as (data,):
        record = json.loads((data / RECORD_FILE).read_text(encoding="utf-8"))
        (data / RECORD_FILE).write_text(json.dumps({**record, "broker": None}), encoding="utf-8")
        assert find_buses() == []


def test_a_bus_that_is_not_ready_is_none(tmp_path: Path) -> None:
    """Its operator is told once it has a genesis."""
    with make_buses(tmp_path, 19092) as (data,):
        (data / STATE_FILE).unlink()
        assert find_buses() == []


def test_several_are_told_with_the_line_that_settles_it(tmp_path: Path) -> None:
    """The sentence names each, and the export for commands and programs alike."""
    with make_buses(tmp_path, 19092, 29092), pytest.raises(UsageError, match="19092.*29092") as raised:
        only_one(find_buses())
    assert "`export AGENTBUS_BOOTSTRAP=127.0.0.1:19092`" in raised.value.next_step
