"""The records of ``bus.snapshots``: numbered parts, a closing record that names them, and what a replay found.

    part      the state's lines, cut into pieces and compressed; headers bus-snapshot (its id), bus-part (from 0)
    snapshot  closes it: whose state, where in the journal, the hash of all lines, offset and hash of every part
    verified  somebody has replayed the journal from an earlier good snapshot, or from 0, and came to the same hash
    mismatch  somebody came to another one: it is never used

One without its closing record does not exist, one without `verified` is not used. The key is ``<stage>/<partition>``.
"""

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bus.core.log.records import Record, canonical

FORMAT = 1  # of the lines; another one is not read: the restore begins at an older snapshot, or at 0
PART_BYTES = 1024 * 1024  # of lines: compressed it fits into a record of 2 MiB whatever is in it
COMPRESSION = 1  # zlib's fastest: a state is written once and seldom read
ID_HEADER, PART_HEADER = "bus-snapshot", "bus-part"


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a snapshot: the offset of its record and the hash of its bytes there."""

    offset: int
    hash: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a partition stood: the journal offset of its last segment, that one's seq and hash, the input position."""

    stage: str
    partition: str
    gen: int
    topic_id: str
    offset: int
    seq: int
    prev: str
    position: int

    @property
    def key(self) -> str:
        """``gate/sales``, ``arbiter/3``."""
        return f"{self.stage}/{self.partition}"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A closed snapshot. ``place`` is the offset of its closing record, -1 before it has one, ``time_ms`` its time."""

    id: str
    engine: str
    standing: Standing
    state_hash: str
    state_bytes: int
    parts: tuple[Part, ...]
    format: int = FORMAT
    place: int = -1
    time_ms: int = 0

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """The closing record's value."""
        parts = [[part.offset, part.hash] for part in self.parts]
        stated = {"id": self.id, "engine": self.engine, "format": self.format, "parts": parts}
        stated |= {"state_hash": self.state_hash, "state_bytes": self.state_bytes}
        return {"v": 1, "kind": "snapshot", **stated, **asdict(self.standing)}


@dataclass(frozen=True, slots=True)
class Finding:
    """What a replay found: ``snapshot`` is the place of the closing record, ``since`` where it began (-1: from 0)."""

    kind: str
    key: str
    id: str
    snapshot: int
    since: int
    state_hash: str
    engine: str

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """The record's value."""
        return {"v": 1, **asdict(self)}


class Packing:
    """Turns lines into the values of parts and the hash of all: ``pack`` yields a value as soon as one is full."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def state_hash(self) -> str:
        """The hash of every line so far, each with its end."""
        return self._hash.hexdigest()

    def pack(self, lines: Iterable[bytes]) -> Iterator[bytes | None]:
        """None after each line, so that the caller may rest; a part's value when it is full, and the last one."""
        held: list[bytes] = []
        size = 0
        for line in lines:
            held.append(line)
            size += len(line) + 1
            if size >= PART_BYTES:
                yield from self._full(b"\n".join(held) + b"\n")
                held, size = [], 0
            yield None
        if held:
            yield from self._full(b"\n".join(held) + b"\n")

    def _full(self, text: bytes) -> Iterator[bytes]:
        self._hash.update(text)
        self.size += len(text)
        for first in range(0, len(text), PART_BYTES):  # one line may be longer than a part
            yield zlib.compress(text[first : first + PART_BYTES], COMPRESSION)


class Unpacking:
    """Turns the values of parts back into lines, and into the hash of all."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._rest = b""

    @property
    def state_hash(self) -> str:
        """The hash of every line so far."""
        return self._hash.hexdigest()

    def unpack(self, value: bytes) -> list[bytes]:
        """The lines that end in this part; raises ValueError for bytes that are no part."""
        opened = zlib.decompressobj()
        try:
            text = opened.decompress(value, PART_BYTES)
        except zlib.error as error:
            raise ValueError(f"a part cannot be read: {error}") from error
        if not opened.eof:
            raise ValueError("a part is torn, or larger than any part")
        self._hash.update(text)
        lines = (self._rest + text).split(b"\n")
        self._rest = lines.pop()
        return lines


def part_headers(identifier: str, number: int) -> tuple[tuple[str, bytes], ...]:
    """What a part says of itself."""
    return ((ID_HEADER, identifier.encode()), (PART_HEADER, str(number).encode()))


def read_record(record: Record) -> Snapshot | Finding | None:
    """A closing record or a finding; None for a part, and for what this engine does not know."""
    if any(name == PART_HEADER for name, _ in record.headers):
        return None
    try:
        found = json.loads(record.value or b"")
        if not isinstance(found, dict) or found.get("v") != 1:
            return None
        return _snapshot(found, record) if found["kind"] == "snapshot" else _finding(found)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def snapshot_value(snapshot: Snapshot) -> bytes:
    """The closing record's bytes."""
    return canonical(snapshot.to_json())


def _snapshot(found: Mapping[str, Any], record: Record) -> Snapshot:  # Any: JSON
    names = ("stage", "partition", "gen", "topic_id", "offset", "seq", "prev", "position")
    standing = Standing(**{name: found[name] for name in names})
    parts = tuple(Part(int(offset), str(part_hash)) for offset, part_hash in found["parts"])
    stated = (found["state_hash"], found["state_bytes"], parts, found["format"])
    return Snapshot(found["id"], found["engine"], standing, *stated, record.offset, record.timestamp_ms)


def _finding(found: Mapping[str, Any]) -> Finding:  # Any: JSON
    names = ("kind", "key", "id", "snapshot", "since", "state_hash", "engine")
    return Finding(**{name: found[name] for name in names})
