"""Where the development broker keeps what it downloads and what it remembers."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from bus.dev.errors import disk_error, full_disk
from bus.shell.dev_buses import cache_folder

__all__ = ["cache_folder", "make_folder", "need_room", "take_lock", "wait_for_lock", "write_whole"]

# How often a waiting process looks whether the other one is done; short against a download of 7 s.
LOCK_POLL_S = 0.1


def make_folder(folder: Path) -> None:
    """Make `folder` and its parents. Raises DevError where that is not allowed or possible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(error, folder) from error


def need_room(folder: Path, needed_bytes: int) -> None:
    """Raise DevError if the disk of the existing `folder` has less than `needed_bytes` free."""
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        raise full_disk(folder, needed_bytes=needed_bytes, free_bytes=free_bytes)


def write_whole(path: Path, content: Mapping[str, object]) -> None:
    """Write JSON so that a reader sees the old file or the new one, never half of one."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise disk_error(error, path.parent) from error


def take_lock(path: Path) -> IO[bytes] | None:
    """The open, locked file, or None if another holds it.

    The lock ends when the file is closed or the process ends, also by kill -9: that is why it, and
    not a number in a file, says whether the owner lives.
    """
    try:
        file = path.open("ab")
    except OSError as error:
        raise disk_error(error, path.parent) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    except OSError as error:
        file.close()
        raise disk_error(error, path.parent) from error
    if not _is_still_at(file, path):
        file.close()
        return None
    return file


def _is_still_at(file: IO[bytes], path: Path) -> bool:
    """Whether the locked file is still the one that others will find: its owner may have just left."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False


@contextlib.contextmanager
def wait_for_lock(path: Path) -> Iterator[None]:
    """Hold the lock of `path`; waits as long as another process holds it."""
    while (file := take_lock(path)) is None:
        time.sleep(LOCK_POLL_S)
    with file:
        yield
