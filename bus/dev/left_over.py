"""Finds what a killed run left, ends and removes only what is surely its own, and says so."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import psutil

from bus.dev.errors import DevError
from bus.dev.places import take_lock
from bus.dev.record import (
    BrokerRecord,
    find_broker,
    forget,
    read_record,
    remembered,
    write_record,
)
from bus.shell.dev_buses import LOCK_FILE

# SIGTERM ends an idle broker within a second; one that has not ended by then does not want to.
ORPHAN_STOP_WAIT_S = 10.0


def clear_left_over() -> list[str]:
    """Look through all brokers ever started here whose owner is gone; a sentence for each find.

    A broker whose owner lives is left alone: the owner holds its folder's lock.
    """
    said: list[str] = []
    for data in remembered():
        try:
            said += _clear_if_left(data)
        except DevError as error:  # it must not keep another folder's broker from starting
            said.append(f"{error.message}; {error.next_step}")
    return said


def _clear_if_left(data: Path) -> list[str]:
    lock_path = data / LOCK_FILE
    file = take_lock(lock_path) if lock_path.exists() else None
    if file is None:
        return []
    with file:
        said = clear_folder(data)
        forget(data)
    return said


def clear_folder(data: Path) -> list[str]:
    """Clear one folder whose lock the caller holds; its data is kept unless it was temporary."""
    record = read_record(data)
    if record is None or record.owner is None:
        return []
    said = _end_orphan(data, record)
    run = f"an earlier run (pid {record.owner.pid}) that was killed"
    if record.is_temporary:
        shutil.rmtree(data, ignore_errors=True)
        return [*said, f"removed the temporary data of {run}: {data}"]
    write_record(data, dataclasses.replace(record, owner=None, broker=None))
    return [*said, f"found the data of {run}: {data} is kept"]


def _end_orphan(data: Path, record: BrokerRecord) -> list[str]:
    broker = find_broker(data, record)
    if broker is None:
        return []
    try:
        broker.terminate()
        try:
            broker.wait(ORPHAN_STOP_WAIT_S)
        except psutil.TimeoutExpired:
            broker.kill()
            broker.wait(ORPHAN_STOP_WAIT_S)
    except psutil.NoSuchProcess:
        pass
    except psutil.Error as error:
        raise DevError(
            f"a Kafka broker of an earlier run (pid {broker.pid}) still works on {data} and cannot be ended",
            f"end process {broker.pid}, or choose another folder with --data",
        ) from error
    return [f"ended the Kafka broker (pid {broker.pid}) that was still running on {data}"]
