"""The folder a development broker lives in: taken by one process at a time, recognised again later."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import os
import shutil
import tempfile
import uuid
from pathlib import Path
from typing import IO

from bus.dev.errors import MIB, DevError, disk_error
from bus.dev.left_over import clear_folder
from bus.dev.places import make_folder, need_room, take_lock
from bus.dev.record import (
    BrokerRecord,
    forget,
    mark_of,
    read_record,
    remember,
    write_record,
)
from bus.dev.server_files import KAFKA_FOLDER
from bus.shell.dev_buses import LOCK_FILE

TEMPORARY_PREFIX = "agentbus-dev-"
# Kafka's own files for a few lanes; what is sent comes on top.
ROOM_BYTES = 128 * MIB
META_FILE = "meta.properties"


class DataFolder:
    """A data folder; `take` gives it to this process, `give_back` ends that."""

    def __init__(self, given: Path | None, *, cluster_id: str = "") -> None:
        self.path = Path() if given is None else given
        self._cluster_id = cluster_id  # "": a cluster of its own
        self.is_temporary = given is None
        self._lock: IO[bytes] | None = None
        self._record: BrokerRecord | None = None

    @property
    def record(self) -> BrokerRecord:
        """What the folder is known to hold, from `take` on."""
        assert self._record is not None, "take() comes first"
        return self._record

    def take(self, kafka_version: str) -> list[str]:
        """Make the folder this process's own; says what a killed run had left in it.

        Raises DevError: another run works on it, it is not empty and not ours, it is of a newer
        Kafka or of another cluster, no room, no right to write.
        """
        self._lock = self._make_and_lock()
        said = clear_folder(self.path)
        need_room(self.path, ROOM_BYTES)
        record = read_record(self.path)
        if record is None:
            _need_empty(self.path)
            record = _new_record(kafka_version, self._cluster_id, is_temporary=self.is_temporary)
        _need_same_cluster(self.path, record, self._cluster_id)
        _need_not_newer(self.path, record, kafka_version)
        owner = mark_of(os.getpid())
        self.save(dataclasses.replace(record, kafka_version=kafka_version, owner=owner))
        remember(self.path)
        return said

    def save(self, record: BrokerRecord) -> None:
        """Replace the record, in the folder and here."""
        write_record(self.path, record)
        self._record = record

    def give_back(self) -> None:
        """Let others have it: a temporary one is removed, one that was never taken left as it was."""
        if self._lock is None:
            return
        # A full disk must not keep anybody from stopping; the next start then finds an owner that is gone.
        with contextlib.suppress(DevError, OSError):
            if self.is_temporary:
                shutil.rmtree(self.path, ignore_errors=True)
            elif self._record is None:
                (self.path / LOCK_FILE).unlink(missing_ok=True)
            else:
                self.save(dataclasses.replace(self._record, owner=None, broker=None))
            forget(self.path)
        self._lock.close()
        self._lock = None

    def _make_and_lock(self) -> IO[bytes]:
        if self.is_temporary:
            try:
                self.path = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX)).resolve()
            except OSError as error:
                raise disk_error(error, Path(tempfile.gettempdir())) from error
        else:
            self.path = self.path.expanduser().resolve()
            make_folder(self.path)
        lock = take_lock(self.path / LOCK_FILE)
        if lock is None:
            raise _in_use(self.path)
        return lock


def new_cluster_id() -> str:
    """An id that no other cluster has, as Kafka writes one."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def _new_record(kafka_version: str, cluster_id: str, *, is_temporary: bool) -> BrokerRecord:
    return BrokerRecord(
        kafka_version=kafka_version,
        cluster_id=cluster_id or new_cluster_id(),
        is_formatted=False,
        is_temporary=is_temporary,
        port=0,
        owner=None,
        broker=None,
    )


def _in_use(path: Path) -> DevError:
    record = read_record(path)
    owner = f" by pid {record.owner.pid}" if record and record.owner else ""
    return DevError(f"a broker is already running on {path}{owner}", "use another --data, or stop that one")


def _need_empty(path: Path) -> None:
    if any(entry.name != LOCK_FILE for entry in path.iterdir()):
        raise DevError(
            f"{path} is not empty and was not made by agentbus dev",
            "choose an empty or new folder with --data",
        )


def _need_same_cluster(path: Path, record: BrokerRecord, cluster_id: str) -> None:
    meta = path / KAFKA_FOLDER / META_FILE
    if cluster_id not in ("", record.cluster_id):
        raise DevError(
            f"{path} belongs to another cluster than the brokers beside it",
            "choose another folder with --data, or put the files back that belong together",
        )
    if not record.is_formatted:
        return
    try:
        lines = meta.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    if f"cluster.id={record.cluster_id}" not in lines:
        raise DevError(
            f"{path / KAFKA_FOLDER} does not hold the Kafka cluster that was made in {path}",
            "choose another folder with --data, or put that cluster's files back",
        )


def _need_not_newer(path: Path, record: BrokerRecord, kafka_version: str) -> None:
    if _numbers(record.kafka_version) > _numbers(kafka_version):
        raise DevError(
            f"{path} was written by Kafka {record.kafka_version}, which is newer than {kafka_version} here",
            "update agentbus, or choose another folder with --data",
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
