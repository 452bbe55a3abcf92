"""The file in which a machine remembers what the journals of a bus say: its tables, its version, its lock.

It holds nothing that the journals do not: delete it at any time, and the next command reads the journals again.
Free text never gets here: messages are kept by their coordinates and hashes alone.
"""

import contextlib
import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bus import ENGINE
from bus.shell.errors import BusError

# Raised with every change below: a file of another version, or of another engine, is read anew.
VERSION = f"2 {ENGINE}"
BUSY_S = 60.0  # how long a command waits for another one that writes
IN_MEMORY = ":memory:"
UNUSED_S_MAX = 30 * 86_400.0  # a file of a bus nobody has asked about for so long is removed

_TABLES = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE places (topic TEXT, partition INTEGER, next_offset INTEGER, tip_offset INTEGER, tip_seq INTEGER,
  tip_hash TEXT, now INTEGER, control INTEGER, note TEXT, PRIMARY KEY (topic, partition)) WITHOUT ROWID;
CREATE TABLE segments (topic TEXT, partition INTEGER, offset INTEGER, kind TEXT, seq INTEGER, hash TEXT, prev TEXT,
  time INTEGER, PRIMARY KEY (topic, partition, offset)) WITHOUT ROWID;
CREATE TABLE rows (lane TEXT, offset INTEGER, verdict TEXT, reason TEXT, source TEXT, id TEXT, at INTEGER,
  control INTEGER, journal_offset INTEGER, body TEXT, PRIMARY KEY (lane, offset)) WITHOUT ROWID;
CREATE TABLE entries (p INTEGER, o INTEGER, verdict TEXT, reason TEXT, src TEXT, id TEXT, source TEXT, at INTEGER,
  journal_offset INTEGER, body TEXT, PRIMARY KEY (p, o)) WITHOUT ROWID;
CREATE TABLE events (p INTEGER, o INTEGER, n INTEGER, subject TEXT, kind TEXT, agent TEXT, reason TEXT, ref TEXT,
  at INTEGER, PRIMARY KEY (p, o, n)) WITHOUT ROWID;
CREATE TABLE states (subject TEXT, o INTEGER, p INTEGER, body TEXT, PRIMARY KEY (subject, o)) WITHOUT ROWID;
CREATE TABLE resources (subject TEXT PRIMARY KEY, p INTEGER, holder TEXT, until INTEGER, body TEXT) WITHOUT ROWID;
CREATE TABLE changes (number INTEGER PRIMARY KEY, kind TEXT, name TEXT, rev INTEGER, value TEXT, source TEXT,
  at INTEGER, src TEXT);
CREATE TABLE refusals (decision TEXT PRIMARY KEY, type TEXT, subject TEXT, contract TEXT, detail TEXT,
  violations TEXT) WITHOUT ROWID;
CREATE INDEX rows_id ON rows (id);
CREATE INDEX rows_source ON rows (source, at);
CREATE INDEX entries_id ON entries (id);
CREATE INDEX entries_src ON entries (src);
CREATE INDEX entries_ticks ON entries (p, o, at) WHERE verdict = 'tick';
CREATE INDEX events_subject ON events (subject, o, n) WHERE subject <> '';
CREATE INDEX events_agent ON events (agent, at) WHERE agent <> '';
CREATE INDEX events_ref ON events (ref) WHERE ref <> '';
CREATE INDEX resources_holder ON resources (holder) WHERE holder <> '';
CREATE INDEX changes_name ON changes (kind, name, rev);
CREATE INDEX refusals_subject ON refusals (subject) WHERE subject <> '';
"""


class CannotRememberError(BusError):
    """The file cannot be written: what is read can be kept for this one command only."""


def cannot_remember(path: Path | str, error: Exception) -> CannotRememberError:
    """The error of a file that cannot be used, with its cause."""
    text = f"{path} cannot be used ({getattr(error, 'strerror', None) or error})"
    return CannotRememberError(text, "make room there, or say with AGENTBUS_CACHE where it may be")


def connect(path: Path | str, identity: str) -> sqlite3.Connection:
    """Open the file of the bus with that identity, empty if it is of another bus or version.

    Raises `CannotRememberError`.
    """
    try:
        if isinstance(path, Path):
            _make_private(path)
            _remove_unused(path)
        try:
            return _connect(path, identity)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:  # cut or overwritten: it holds nothing that cannot be read again
            forget(path)
            return _connect(path, identity)
    except (sqlite3.DatabaseError, OSError) as error:
        raise cannot_remember(path, error) from error


def _make_private(path: Path) -> None:
    """The file and its folder are for their owner alone, whoever made them: journals are not for everybody."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    for own in (path, path.with_suffix(".lock")):
        os.close(os.open(own, os.O_RDWR | os.O_CREAT, 0o600))
        own.chmod(0o600)
    os.utime(path)  # it is in use


def _remove_unused(path: Path) -> None:
    """Remove what was remembered of buses that nobody asks about any more."""
    oldest_s = time.time() - UNUSED_S_MAX
    for file in path.parent.glob("*.sqlite"):
        with contextlib.suppress(FileNotFoundError):  # another command was quicker
            if file.stat().st_mtime < oldest_s:
                forget(file)
                file.with_suffix(".lock").unlink(missing_ok=True)


def forget(path: Path | str) -> None:
    """Remove the file; raises OSError."""
    if isinstance(path, Path):
        for stale in (path, path.with_name(path.name + "-journal")):
            stale.unlink(missing_ok=True)


def _connect(path: Path | str, identity: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")  # after a power cut it is read anew
    connection.execute("PRAGMA cache_size = -65536")
    with transaction(connection):
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        known = {"about"} if ("about",) in found else set()
        about = dict(connection.execute("SELECT name, value FROM about").fetchall()) if known else {}
        if about.get("version") != VERSION or about.get("identity") != identity:
            empty(connection, identity)
    return connection


def empty(connection: sqlite3.Connection, identity: str) -> None:
    """Forget everything; within a transaction."""
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        connection.execute(f'DROP TABLE "{name}"')
    for statement in _TABLES.split(";"):
        connection.execute(statement)
    about = {"version": VERSION, "identity": identity, "stamp": "0"}
    connection.executemany("INSERT INTO about VALUES (?, ?)", about.items())


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, alone."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextlib.contextmanager
def reading_alone(path: Path | None, on_wait: Callable[[str], None]) -> Iterator[None]:
    """Hold the file's lock while the journals are read: of two commands the second one finds the work done.

    The lock ends with the process, however it ends. A file in memory needs none. Whoever has to wait is told.
    """
    if path is None:
        yield
        return
    with path.with_suffix(".lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait("another command is reading the journals: waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
