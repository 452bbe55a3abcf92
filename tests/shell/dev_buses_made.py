"""Leaves in a cache what running development buses leave there, held by processes that really run."""

import contextlib
import fcntl
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bus.shell.dev_buses import BUSES_FOLDER, LOCK_FILE, RECORD_FILE, STATE_FILE

OPERATOR = "spiffe://acme/person/ana"


@contextlib.contextmanager
def make_buses(folder: Path, *ports: int) -> Iterator[list[Path]]:
    """A bus on each of these ports, as far as its files and its lock tell; their data folders."""
    entries = folder / "cache" / BUSES_FOLDER
    entries.mkdir(parents=True)
    with contextlib.ExitStack() as stack:
        holder = stack.enter_context(
            subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        )
        made = []
        for port in ports:
            data = folder / str(port)
            data.mkdir()
            (entries / f"{port}.json").write_text(json.dumps({"data": str(data)}), encoding="utf-8")
            mark = {"pid": holder.pid, "started_s": 0.0}
            record = {"port": port, "owner": mark, "broker": mark, "is_secure": False}
            (data / RECORD_FILE).write_text(json.dumps(record), encoding="utf-8")
            (data / STATE_FILE).write_text(json.dumps({"operator": OPERATOR}), encoding="utf-8")
            fcntl.flock(stack.enter_context((data / LOCK_FILE).open("ab")), fcntl.LOCK_EX)
            made.append(data)
        yield made
        holder.terminate()
