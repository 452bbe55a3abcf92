"""What the commands know of a development bus on this machine: who may set it up, and with which login."""

import json
import os
from pathlib import Path

from bus.shell.dev_buses import STATE_FILE, FoundBus, find_buses


class Running(FoundBus):
    """A development bus, with the logins in its folder."""

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
    """All whose owner and broker both live."""
    return [Running(one.bootstrap, one.data, one.operator, one.is_secure) for one in find_buses()]
