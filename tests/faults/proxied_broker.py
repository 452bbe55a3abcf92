"""One Kafka of the fault bench: agents reach it directly, the stages through a proxy that hurts their connections."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
from pathlib import Path

import psutil

from bus.dev.broker import LocalBroker
from bus.dev.jars import kafka_files
from bus.dev.java import find_java
from bus.dev.lock import read_lock
from bus.dev.ports import HOST, free_ports
from bus.dev.progress import ignore_progress
from bus.dev.server_files import SERVER_FILE, Quorum
from tests.acceptance.topics import TestsStopError

DISK_MIB = 3_072  # memory is used as it is written to: far more than a round leaves
FILLER = "filler"
FILLED_BYTES = 8 * 1024 * 1024  # at once, until less than this is free
SMALLEST_FILE_BYTES = 1  # no file may grow: what a quota does
# A broker that was away soon leads again what it led: one more change of leader.
LEADERS = "\nleader.imbalance.check.interval.seconds=3\nleader.imbalance.per.broker.percentage=0\n"
MS_NODEV = 4
UNMOUNT_NOW = 2  # also while something still has a file open


class ProxiedBroker(LocalBroker):
    """A development broker with one listener more, whose advertised port is the proxy's."""

    def __init__(self, data: Path, quorum: Quorum | None = None) -> None:
        files = kafka_files(read_lock(), ignore_progress)
        port, self.inner_port, self.proxy_port = free_ports(3)
        self.has_own_disk = mount_small_disk(data)
        super().__init__(java=find_java(), files=files, data=data, port=port, quorum=quorum)

    def fill_disk(self) -> str:
        """Let no byte more be written; how it was done."""
        if self.has_own_disk:
            fill(self.data / FILLER)
            return "its disk is full"
        psutil.Process(self.pid).rlimit(psutil.RLIMIT_FSIZE, (SMALLEST_FILE_BYTES, SMALLEST_FILE_BYTES))
        return "its quota is used up"

    def free_disk(self) -> None:
        """Make room again; a broker that ended on it is started by whoever filled it."""
        (self.data / FILLER).unlink(missing_ok=True)
        if not self.has_own_disk and self.is_alive():
            psutil.Process(self.pid).rlimit(psutil.RLIMIT_FSIZE, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))

    def forget_disk(self, *, is_kept: bool) -> None:
        """Give the small disk back; what is on it goes with it, or is kept in the folder of the same name."""
        if not self.has_own_disk:
            return
        beside = self.data.with_name(f"{self.data.name}.kept")
        if is_kept:
            shutil.copytree(self.data, beside)
        _libc().umount2(os.fsencode(self.data), UNMOUNT_NOW)
        self.has_own_disk = False
        if is_kept:
            self.data.rmdir()
            beside.rename(self.data)

    def _write_files(self, controller_port: int) -> None:
        super()._write_files(controller_port)
        path = self.data / SERVER_FILE
        lines = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join(self._with_stages(line) for line in lines) + LEADERS, encoding="utf-8")

    def _with_stages(self, line: str) -> str:
        name, _, _ = line.partition("=")
        added = {
            "listeners": f",STAGES://{HOST}:{self.inner_port}",
            "advertised.listeners": f",STAGES://{HOST}:{self.proxy_port}",
            "listener.security.protocol.map": ",STAGES:PLAINTEXT",
        }
        return line + added.get(name, "")


def fill(path: Path) -> None:
    """Take all the room there is, while others write as well."""
    room = os.statvfs(path.parent)
    free_bytes = room.f_bavail * room.f_frsize
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while free_bytes >= FILLED_BYTES:
            os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), FILLED_BYTES)
            free_bytes -= FILLED_BYTES
        while True:
            file.write(bytes(room.f_frsize))


def mount_small_disk(folder: Path) -> bool:
    """Give a folder a disk of its own, in memory; False where that is not allowed."""
    folder.mkdir(parents=True)
    size = f"size={DISK_MIB}m".encode()
    return bool(_libc().mount(b"tmpfs", os.fsencode(folder), b"tmpfs", MS_NODEV, size) == 0)


def _libc() -> ctypes.CDLL:
    try:
        return ctypes.CDLL(None, use_errno=True)
    except OSError as error:
        raise TestsStopError(f"the C library cannot be used: {error}") from error
