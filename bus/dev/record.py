"""Remembers, in the data folder itself, which processes run a broker on it and what it holds."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from bus.dev.errors import DevError
from bus.dev.places import cache_folder, make_folder, write_whole
from bus.dev.server_files import DATA_ARGUMENT
from bus.shell.dev_buses import BUSES_FOLDER, RECORD_FILE

# Start times are counted from the boot, whose own time moves a little when the clock is set.
START_TOLERANCE_S = 2.0


@dataclass(frozen=True, slots=True)
class ProcessMark:
    """A process that cannot be mistaken for a later one with the same pid."""

    pid: int
    started_s: float

    def find(self) -> psutil.Process | None:
        """The process, if it still runs."""
        try:
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
            drift_s = abs(process.create_time() - self.started_s)
        except psutil.Error:
            return None
        return process if drift_s <= START_TOLERANCE_S else None


def mark_of(pid: int) -> ProcessMark:
    """The mark of a process that runs now."""
    return ProcessMark(pid, psutil.Process(pid).create_time())


@dataclass(frozen=True, slots=True)
class BrokerRecord:
    """What `agentbus-dev.json` says of its folder.

    `owner` is the process that started the broker, None after a clean stop; `broker` is None also
    between the decision to start it and its first sign of life.
    """

    kafka_version: str
    cluster_id: str
    is_formatted: bool
    is_temporary: bool
    port: int
    owner: ProcessMark | None
    broker: ProcessMark | None
    is_secure: bool = False  # absent in the records of older versions


def read_record(data: Path) -> BrokerRecord | None:
    """The record of a data folder; None if it has none. Raises DevError if it cannot be read."""
    path = data / RECORD_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return BrokerRecord(**{**content, "owner": _mark(content["owner"]), "broker": _mark(content["broker"])})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DevError(
            f"{path} cannot be read, so it is not known what {data} holds",
            "choose another folder with --data, or remove this one",
        ) from error


def write_record(data: Path, record: BrokerRecord) -> None:
    """Replace the record of a data folder."""
    write_whole(data / RECORD_FILE, asdict(record))


def find_broker(data: Path, record: BrokerRecord) -> psutil.Process | None:
    """The broker that runs on `data`, if it is surely ours: pid, start time and command line."""
    if record.broker is not None:
        process = record.broker.find()
        return process if process is not None and _runs_on(process, data) else None
    # Its owner was killed right after starting it: only the command line can tell.
    return next((p for p in psutil.process_iter() if _runs_on(p, data)), None)


def remember(data: Path) -> None:
    """Put `data` on the list that the next start looks through."""
    make_folder(_list_folder())
    write_whole(_entry(data), {"data": str(data)})


def forget(data: Path) -> None:
    """Take `data` off the list."""
    _entry(data).unlink(missing_ok=True)


def remembered() -> list[Path]:
    """The data folders of brokers that were started and not stopped; entries of gone ones end here."""
    found = []
    for entry in sorted(_list_folder().glob("*.json")):
        try:
            data = Path(json.loads(entry.read_text(encoding="utf-8"))["data"])
        except (OSError, ValueError, KeyError, TypeError):
            entry.unlink(missing_ok=True)
            continue
        if data.is_dir():
            found.append(data)
        else:
            entry.unlink(missing_ok=True)
    return found


def _mark(content: dict[str, Any] | None) -> ProcessMark | None:  # JSON: checked by what reads it
    return None if content is None else ProcessMark(**content)


def _runs_on(process: psutil.Process, data: Path) -> bool:
    try:
        return f"{DATA_ARGUMENT}{data}" in process.cmdline()
    except psutil.Error:
        return False


def _list_folder() -> Path:
    return cache_folder() / BUSES_FOLDER


def _entry(data: Path) -> Path:
    return _list_folder() / f"{hashlib.sha256(str(data).encode()).hexdigest()[:16]}.json"
