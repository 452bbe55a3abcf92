"""Finds the development buses that run on this machine, so that nobody has to copy their address."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

STATE_FILE = "agentbus-dev-bus.json"


@dataclass(frozen=True, slots=True)
class Running:
    """A development bus: where it is, the person who may set things up on it, and whether one must log in."""

    bootstrap: str
    data: Path
    operator: str
    is_secure: bool = False

    def login_file(self, user: str) -> Path | None:
        """The client properties of a user, None if nobody has to log in or there is no such user."""
        path = self.client_file(user)
        return path if self.is_secure and path.is_file() else None

    def client_file(self, user: str) -> Path:
        """Where the client properties of a user would be."""
        from bus.dev.client_files import client_file

        return client_file(self.data, user)


def write_state(data: Path, *, operator: str) -> None:
    """Say in the data folder who the operator of the bus on it is; raises OSError."""
    unfinished = data / f".{STATE_FILE}.{os.getpid()}"
    unfinished.write_text(json.dumps({"operator": operator}) + "\n", encoding="utf-8")
    unfinished.replace(data / STATE_FILE)


def remove_state(data: Path) -> None:
    """Take it back."""
    (data / STATE_FILE).unlink(missing_ok=True)


def running_buses() -> list[Running]:
    """All whose owner and broker both live; none if what `agentbus dev` needs is not installed."""
    try:
        from bus.dev.errors import DevError
        from bus.dev.ports import HOST
        from bus.dev.record import read_record, remembered
    except ModuleNotFoundError:
        return []
    found = []
    for data in remembered():
        try:
            record = read_record(data)
            operator = str(json.loads((data / STATE_FILE).read_text(encoding="utf-8"))["operator"])
        except (DevError, OSError, ValueError, KeyError, TypeError):
            continue
        if record is not None and record.owner and record.broker and record.owner.find() and record.broker.find():
            found.append(Running(f"{HOST}:{record.port}", data, operator, record.is_secure))
    return found
