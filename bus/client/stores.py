"""Remembers what an executor has done, so that an action that comes again is not done again.

What a store must do: `begin` and `finish` are atomic and durable when they return, the highest token of a subject never
falls, and a decision that is finished stays finished. Between doing a thing and recording it lies a hole that no store
can close from outside: who crashes there does it again, and hears ``again``. Close it by handing ``action.decision`` to
the system you act on as its idempotency key, or with a store in the very database you act on, in one transaction.
"""

import contextlib
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import Literal, Protocol

# What is older than this many decisions was committed long ago and does not come again.
KEPT_MAX = 1_000_000
MEMORY_KEPT_MAX = 100_000
BUSY_S = 30.0  # how long one process waits for another's transaction

Result = Literal["done", "failed", "partial"]


class Begun(Enum):
    """What is to be done with an action."""

    GO = "go"  # do it
    AGAIN = "again"  # it was begun before and never finished: it may have been done
    DONE = "done"  # it was finished: leave it
    STALE = "stale"  # a higher token has acted on this subject: leave it


@dataclass(frozen=True, slots=True)
class Report:
    """What the bus is yet to be told about a finished action."""

    decision: str
    subject: str
    result: Result
    detail: str


class Store(Protocol):
    """What `Bus.execute_once` needs to remember; see the top of this file for what it must promise."""

    def begin(self, decision: str, subject: str, token: int | None) -> Begun:
        """Note that an action begins, and raise the subject's highest token; a stale one is finished as failed."""

    def finish(self, decision: str, result: Result, detail: str) -> None:
        """It is over; from now on `begin` says DONE."""

    def unreported(self, limit: int) -> list[Report]:
        """What is finished and was not told to the bus yet, oldest first, so many at most; asked often, so quickly."""

    def reported(self, decision: str) -> None:
        """The bus knows."""


@dataclass(slots=True)
class _Row:
    subject: str
    result: Result | None = None


class MemoryStore:
    """A store that forgets with its process: for tests, and for actions that may be done again."""

    def __init__(self) -> None:
        self._rows: OrderedDict[str, _Row] = OrderedDict()
        self._tokens: OrderedDict[str, int] = OrderedDict()
        self._unreported: OrderedDict[str, Report] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, decision: str, subject: str, token: int | None) -> Begun:
        """As `Store.begin`."""
        with self._lock:
            row = self._rows.get(decision)
            if row is not None and row.result is not None:
                return Begun.DONE
            highest = self._tokens.get(subject, 0)
            if token is not None and token < highest:
                self._rows[decision] = _Row(subject)
                self._finish(decision, "failed", _overtaken(token, highest))
                return Begun.STALE
            if token is not None:
                self._tokens[subject] = token
                self._tokens.move_to_end(subject)
            self._rows.setdefault(decision, _Row(subject))
            if len(self._rows) > MEMORY_KEPT_MAX:
                forgotten, _ = self._rows.popitem(last=False)
                self._unreported.pop(forgotten, None)
            if len(self._tokens) > MEMORY_KEPT_MAX:
                self._tokens.popitem(last=False)
            return Begun.GO if row is None else Begun.AGAIN

    def finish(self, decision: str, result: Result, detail: str) -> None:
        """As `Store.finish`."""
        with self._lock:
            self._finish(decision, result, detail)

    def unreported(self, limit: int) -> list[Report]:
        """As `Store.unreported`."""
        with self._lock:
            return list(islice(self._unreported.values(), limit))

    def reported(self, decision: str) -> None:
        """As `Store.reported`."""
        with self._lock:
            self._unreported.pop(decision, None)

    def _finish(self, decision: str, result: Result, detail: str) -> None:
        row = self._rows[decision]
        if row.result is None:
            row.result = result
            self._unreported[decision] = Report(decision, row.subject, result, detail)


class SqliteStore:
    """A store in one SQLite file, which several processes of one machine may share. Raises OSError if it cannot."""

    def __init__(self, path: Path | str) -> None:
        self._lock = threading.Lock()
        try:
            self._db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
            self._db.executescript(_TABLES)
        except sqlite3.Error as error:
            raise OSError(f"{path} cannot be used as a store ({error}): check the folder, or choose another") from error

    def begin(self, decision: str, subject: str, token: int | None) -> Begun:
        """As `Store.begin`."""
        with self._transaction() as db:
            row = db.execute("SELECT result FROM actions WHERE decision = ?", (decision,)).fetchone()
            if row is not None and row[0] is not None:
                return Begun.DONE
            found = db.execute("SELECT token FROM tokens WHERE subject = ?", (subject,)).fetchone()
            highest = found[0] if found else 0
            is_stale = token is not None and token < highest
            if row is None:
                db.execute("INSERT INTO actions (decision, subject) VALUES (?, ?)", (decision, subject))
                db.execute(_FORGET, (KEPT_MAX,))
            if is_stale:
                assert token is not None
                db.execute(_FINISH, ("failed", _overtaken(token, highest), decision))
                return Begun.STALE
            if token is not None:
                db.execute("INSERT OR REPLACE INTO tokens (subject, token) VALUES (?, ?)", (subject, token))
            return Begun.GO if row is None else Begun.AGAIN

    def finish(self, decision: str, result: Result, detail: str) -> None:
        """As `Store.finish`."""
        with self._transaction() as db:
            db.execute(_FINISH, (result, detail, decision))

    def unreported(self, limit: int) -> list[Report]:
        """As `Store.unreported`."""
        with self._transaction() as db:
            return [Report(*row) for row in db.execute(_UNREPORTED, (limit,))]

    def reported(self, decision: str) -> None:
        """As `Store.reported`."""
        with self._transaction() as db:
            db.execute("UPDATE actions SET is_reported = 1 WHERE decision = ?", (decision,))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


_TABLES = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS actions (
    number INTEGER PRIMARY KEY, decision TEXT UNIQUE NOT NULL, subject TEXT NOT NULL,
    result TEXT, detail TEXT NOT NULL DEFAULT '', is_reported INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS unreported ON actions (number) WHERE result IS NOT NULL AND is_reported = 0;
CREATE TABLE IF NOT EXISTS tokens (subject TEXT PRIMARY KEY, token INTEGER NOT NULL);
"""
_FORGET = "DELETE FROM actions WHERE number <= (SELECT MAX(number) FROM actions) - ?"
_FINISH = "UPDATE actions SET result = ?, detail = ? WHERE decision = ? AND result IS NULL"
_UNREPORTED = """
SELECT decision, subject, result, detail FROM actions WHERE result IS NOT NULL AND is_reported = 0 ORDER BY number
LIMIT ?
"""


def _overtaken(token: int, highest: int) -> str:
    return f"token {token} was overtaken by {highest}"
