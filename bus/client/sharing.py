"""Counts who uses a connection, so that it ends with the last of them."""

import threading

from bus.client.connection import Connection
from bus.client.errors import Closed


class Shared:
    """One share in a connection; `taken` gives another, `give_back` ends this one."""

    def __init__(self, connection: Connection, _users: "_Users | None" = None) -> None:
        self.connection = connection
        self._users = _users or _Users()
        self._is_given_back = False
        self._users.change(1)

    def taken(self) -> "Shared":
        """One more share; raises `Closed` if this one is over."""
        if self._is_given_back:
            raise Closed(f"the bus on lane {self.connection.lane} is closed", "share one that is open")
        return Shared(self.connection, self._users)

    def give_back(self) -> None:
        """End this share; the last one closes the connection. May be called again."""
        if not self._is_given_back:
            self._is_given_back = True
            if self._users.change(-1) == 0:
                self.connection.close()


class _Users:
    def __init__(self) -> None:
        self._count = 0
        self._lock = threading.Lock()

    def change(self, by: int) -> int:
        with self._lock:
            self._count += by
            return self._count
