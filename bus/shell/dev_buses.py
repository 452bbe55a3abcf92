"""Finds the development buses that run on this machine, by one rule for commands and programs alike.

One runs: it is meant. None: 127.0.0.1:9092, where every Kafka example looks. Several: nobody guesses.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bus.shell.errors import UsageError

HOST = "127.0.0.1"
BUSES_FOLDER = "brokers"  # in the cache: an entry for each data folder in use
RECORD_FILE, LOCK_FILE, STATE_FILE = "agentbus-dev.json", "agentbus-dev.lock", "agentbus-dev-bus.json"


@dataclass(frozen=True, slots=True)
class FoundBus:
    """A development bus: where it is, the person who may set things up on it, and whether one must log in."""

    bootstrap: str
    data: Path
    operator: str
    is_secure: bool


def cache_folder(environ: Mapping[str, str] | None = None) -> Path:
    """`AGENTBUS_CACHE`, else `agentbus` in the XDG cache folder; it need not exist yet."""
    environ = os.environ if environ is None else environ
    if chosen := environ.get("AGENTBUS_CACHE"):
        return Path(chosen).expanduser().absolute()
    xdg = environ.get("XDG_CACHE_HOME")
    root = Path(xdg) if xdg else Path.home() / ".cache"
    return root / "agentbus"


def find_buses() -> list[FoundBus]:
    """All whose owner and broker both live, by address; what cannot be read is passed over."""
    found = []
    for entry in (cache_folder() / BUSES_FOLDER).glob("*.json"):
        try:
            data = Path(_read(entry)["data"])
            record, state = _read(data / RECORD_FILE), _read(data / STATE_FILE)
            if _is_alive(record["broker"]["pid"]) and _is_owned(data / LOCK_FILE, record["owner"]["pid"]):
                bootstrap, is_secure = f"{HOST}:{record['port']}", bool(record.get("is_secure"))
                found.append(FoundBus(bootstrap, data, str(state["operator"]), is_secure))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return sorted(found, key=lambda one: one.bootstrap)


def only_one(found: Sequence[FoundBus]) -> FoundBus | None:
    """The one that is meant if nothing is said, None if none runs; raises `UsageError` if several do."""
    if len(found) > 1:
        names = ", ".join(one.bootstrap for one in found)
        step = (
            "say which one, for commands and programs alike: "
            f"`export AGENTBUS_BOOTSTRAP={found[0].bootstrap}` (a single command: --bootstrap)"
        )
        raise UsageError(f"several development buses run here ({names})", step)
    return found[0] if found else None


def _read(path: Path) -> Any:  # Any: JSON, checked by what reads it
    return json.loads(path.read_text(encoding="utf-8"))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's, and there
        return True
    return True


def _is_owned(lock: Path, pid: int) -> bool:
    """Does the owner hold its folder? The lock ends with it, also by kill -9; its number may be another's by then.

    The lock is tried only while there is such a number: whoever starts just now must not find it taken by a look.
    """
    import fcntl  # where there is none, `agentbus dev` does not run either

    if not _is_alive(pid):
        return False
    with lock.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
