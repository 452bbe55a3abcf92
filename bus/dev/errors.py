"""The one error of the development broker: what went wrong, and what to do next."""

from __future__ import annotations

import errno
from pathlib import Path


class DevError(Exception):
    """Something in the world stops the development broker.

    `message` names the cause, `next_step` what the reader can do; both are one sentence without a
    full stop, ready to be shown to a user as they are.
    """

    def __init__(self, message: str, next_step: str) -> None:
        super().__init__(f"{message}; {next_step}")
        self.message = message
        self.next_step = next_step


MIB = 1024 * 1024


ELSEWHERE = "or choose another place with --data DIR (data) or AGENTBUS_CACHE (downloads)"


def full_disk(folder: Path, *, needed_bytes: int, free_bytes: int) -> DevError:
    """The sentence for a disk with too little room in `folder` for what is about to be written."""
    return DevError(
        f"the disk of {folder} is full: {needed_bytes // MIB} MiB are needed, {free_bytes // MIB} MiB are free",
        f"make room there, {ELSEWHERE}",
    )


def disk_error(error: OSError, folder: Path) -> DevError:
    """The sentence for an operating-system error while writing in `folder`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DevError(f"the disk of {folder} is full", f"make room there, {ELSEWHERE}")
    reason = error.strerror or str(error)
    return DevError(
        f"cannot write in {folder}: {reason}",
        f"give yourself the right to write there, {ELSEWHERE}",
    )
