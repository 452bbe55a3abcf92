"""Who owns a data folder is known for sure, and nothing of a stranger's is ever ended."""

import dataclasses
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bus.dev.data_folder import DataFolder
from bus.dev.errors import DevError, disk_error
from bus.dev.left_over import clear_left_over
from bus.dev.places import take_lock
from bus.dev.ports import free_ports, need_free
from bus.dev.record import (
    BrokerRecord,
    ProcessMark,
    find_broker,
    mark_of,
    read_record,
    remember,
    remembered,
    write_record,
)
from bus.dev.server_files import CONSOLE_FILE, DATA_ARGUMENT, LOG_FILE, last_complaint
from bus.shell.dev_buses import LOCK_FILE, RECORD_FILE

VERSION = "4.3.1"
GONE = ProcessMark(pid=2**22 + 1, started_s=1.0)


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTBUS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder that was used and given back."""
    folder = DataFolder(tmp_path / "data")
    folder.take(VERSION)
    folder.give_back()
    return folder.path


def _record(data: Path, **changes: object) -> BrokerRecord:
    record = read_record(data)
    assert record is not None
    changed = dataclasses.replace(record, **changes)  # type: ignore[arg-type]  # each test names real fields
    write_record(data, changed)
    return changed


@pytest.fixture
def sleeper(data: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process whose command line names the data folder, as a broker's does."""
    command = [sys.executable, "-c", "import time; time.sleep(60)", f"{DATA_ARGUMENT}{data}"]
    process = subprocess.Popen(command)
    yield process
    process.kill()
    process.wait()


def test_a_process_is_found_by_its_mark() -> None:
    """The mark of this very process finds it."""
    found = mark_of(os.getpid()).find()
    assert found is not None
    assert found.pid == os.getpid()


def test_a_recycled_pid_is_not_mistaken() -> None:
    """The same pid with another start time is another process."""
    assert dataclasses.replace(mark_of(os.getpid()), started_s=1.0).find() is None


def test_a_gone_process_is_not_found() -> None:
    """A pid that nobody has finds nothing."""
    assert GONE.find() is None


def test_a_broker_is_known_by_its_command_line_too(data: Path) -> None:
    """A process with the recorded pid and start time that does not run on this folder is not ours."""
    assert find_broker(data, _record(data, broker=mark_of(os.getpid()))) is None


def test_an_unrecorded_broker_is_found_by_its_command_line(data: Path, sleeper: subprocess.Popen[bytes]) -> None:
    """An owner killed right after the start left no pid, yet its broker is found."""
    found = find_broker(data, _record(data, broker=None))
    assert found is not None
    assert found.pid == sleeper.pid


def test_an_orphan_is_ended_and_told(data: Path, sleeper: subprocess.Popen[bytes]) -> None:
    """The broker of an owner that is gone is ended, its data kept, and both are said."""
    _record(data, owner=GONE, broker=mark_of(sleeper.pid))
    remember(data)
    said = clear_left_over()
    assert not psutil.pid_exists(sleeper.pid)
    assert said == [
        f"ended the Kafka broker (pid {sleeper.pid}) that was still running on {data}",
        f"found the data of an earlier run (pid {GONE.pid}) that was killed: {data} is kept",
    ]


def test_temporary_data_of_a_killed_run_is_removed_and_told(data: Path) -> None:
    """A temporary folder whose owner is gone is removed, and no start hears of it again."""
    _record(data, owner=GONE, is_temporary=True)
    remember(data)
    assert clear_left_over() == [
        f"removed the temporary data of an earlier run (pid {GONE.pid}) that was killed: {data}"
    ]
    assert not data.exists()
    assert (clear_left_over(), remembered()) == ([], [])


def test_a_living_owner_keeps_its_broker(data: Path, sleeper: subprocess.Popen[bytes]) -> None:
    """While the owner holds the lock, nothing of it is touched, whatever the record says."""
    _record(data, owner=GONE, broker=mark_of(sleeper.pid), is_temporary=True)
    remember(data)
    lock = take_lock(data / LOCK_FILE)
    assert lock is not None
    with lock:
        assert clear_left_over() == []
    assert psutil.pid_exists(sleeper.pid)
    assert data.exists()


def test_a_record_that_cannot_be_read_stops_no_other_start(data: Path) -> None:
    """A broken record of one folder becomes a sentence, not an error, when another one starts."""
    remember(data)
    (data / RECORD_FILE).write_text("{", encoding="utf-8")
    assert "cannot be read" in clear_left_over()[0]


def test_a_folder_in_use_is_one_sentence(tmp_path: Path) -> None:
    """A second run on one folder is refused with the pid of the first."""
    first = DataFolder(tmp_path / "data")
    first.take(VERSION)
    with pytest.raises(DevError, match=f"already running on .*data by pid {os.getpid()}; use another --data"):
        DataFolder(tmp_path / "data").take(VERSION)
    first.give_back()


def test_a_folder_of_somebody_else_is_left_as_it_was(tmp_path: Path) -> None:
    """A folder with a stranger's files is refused, and nothing is added to it."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "letter.txt").write_text("hello", encoding="utf-8")
    folder = DataFolder(tmp_path / "data")
    with pytest.raises(DevError, match="is not empty and was not made by agentbus dev; choose an empty"):
        folder.take(VERSION)
    folder.give_back()
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["letter.txt"]


def test_a_folder_of_a_newer_kafka_is_one_sentence(data: Path) -> None:
    """Data of a newer Kafka is not opened by an older one."""
    _record(data, kafka_version="4.10.0")
    with pytest.raises(DevError, match=r"written by Kafka 4\.10\.0, which is newer than 4\.3\.1"):
        DataFolder(data).take(VERSION)


def test_a_folder_of_another_cluster_is_one_sentence(data: Path) -> None:
    """Files of another cluster under a record that names its own are refused."""
    _record(data, is_formatted=True)
    (data / "kafka").mkdir()
    (data / "kafka" / "meta.properties").write_text("cluster.id=other\n", encoding="utf-8")
    with pytest.raises(DevError, match="does not hold the Kafka cluster"):
        DataFolder(data).take(VERSION)


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    """A data folder below a file is refused with its name."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DevError, match=r"cannot write in .*file/data: Not a directory; give yourself"):
        DataFolder(tmp_path / "file" / "data").take(VERSION)


def test_a_full_disk_is_told_as_one(tmp_path: Path) -> None:
    """The operating system's word for a full disk becomes a sentence with the next step."""
    with pytest.raises(OSError, match="No space left") as full, Path("/dev/full").open("wb", buffering=0) as device:
        device.write(b"x")
    assert "is full" in disk_error(full.value, tmp_path).message


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_number_that_is_no_port_is_one_sentence(port: int) -> None:
    """A port outside the range is refused before anything starts."""
    with pytest.raises(DevError, match=f"{port} is no port"):
        need_free(port)


def test_free_ports_differ() -> None:
    """Ports that are asked for together are different ones."""
    assert len(set(free_ports(5))) == 5


def test_the_telling_line_of_a_log_is_found(tmp_path: Path) -> None:
    """Of all a dying broker writes, the cause is quoted, not the last line of its stack."""
    (tmp_path / CONSOLE_FILE).write_text("warning: old\n", encoding="utf-8")
    (tmp_path / LOG_FILE).write_text(
        "2026 WARN slow\n2026 ERROR cannot start\njava.lang.X: y\n\tat a.b\nCaused by: no room\n\tat c.d\n",
        encoding="utf-8",
    )
    assert last_complaint(tmp_path) == "Caused by: no room"
