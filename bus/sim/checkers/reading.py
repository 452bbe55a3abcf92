"""What the checkers read: the logs of a run as bytes, the valid chains in them, and what is wrong, in plain words.

Nothing here knows the engine's own state: chains are folded as wire.md (journals) tells an outsider to.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from bus.core.log.records import Record

Place = tuple[str, int]
Json = dict[str, Any]  # Any: JSON


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that does not hold, and the records that show it."""

    invariant: str
    sentence: str
    records: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Segment:
    """A valid segment: its body, where it stands, and the hash that names it."""

    body: Json
    offset: int
    hash: str


@dataclass(frozen=True, slots=True)
class Note:
    """What a reader believed at some moment: the hash of the last valid segment among the first ``end`` records."""

    place: Place
    end: int
    segments: int
    hash: str


@dataclass(slots=True)
class Logs:
    """All that a run leaves. ``lanes`` are those whose input is there; ``silent_from_ms`` is when all fell silent."""

    records: Mapping[Place, Sequence[Record]]
    partitions: int
    gen: int
    lanes: tuple[str, ...]
    skew_ms: int
    silent_from_ms: int
    is_over: bool
    notes: Sequence[Note] = ()
    chains: dict[Place, list[Segment]] = field(default_factory=dict)

    def chain(self, topic: str, partition: int) -> list[Segment]:
        """The valid segments of a journal."""
        place = (topic, partition)
        if place not in self.chains:
            self.chains[place] = list(valid(self.records.get(place, ())))
        return self.chains[place]

    def entries(self, p: int) -> Iterator[Json]:
        """The arbiter's entries of a partition, in order."""
        for segment in self.chain("bus.journal", p):
            yield from segment.body.get("entries", ())

    def rows(self, lane: str) -> Iterator[list[Any]]:  # Any: JSON
        """The gate's rows of a lane, in order."""
        for segment in self.chain(f"bus.gate.{lane}", 0):
            yield from segment.body.get("rows", ())


def valid(records: Sequence[Record]) -> Iterator[Segment]:
    """The segments that continue the chain: ``seq`` one more, ``prev`` the hash of the bytes before."""
    seq, last = -1, ""
    for record in records:
        try:
            body = json.loads(record.value or b"")
        except ValueError:
            continue
        if isinstance(body, dict) and body.get("seq") == seq + 1 and body.get("prev") == last:
            seq, last = seq + 1, sha256(record.value or b"").hexdigest()
            yield Segment(body, record.offset, last)


def shown(p: int, entry: Json, event: Json | None = None) -> str:
    """An entry, or one event of it, in a line."""
    who = str(entry.get("source", "")).rpartition("/")[2]
    head = f"bus.arbiter/{p} offset {entry.get('o')} {entry.get('type', '')} by {who or 'nobody'} at {entry.get('at')}"
    head += f": {entry.get('verdict')} {entry.get('reason', '')}".rstrip()
    if event is None:
        return head
    fields = " ".join(f"{name}={value}" for name, value in event.items() if name not in ("kind", "n", "to", "value"))
    return f"{head} -> {event.get('kind')} {fields}"[:400]


def headers_of(record: Record) -> dict[str, str]:
    """Headers as text; of a doubled one the last, which is the bus's own."""
    return {name: (value or b"").decode("utf-8", "replace") for name, value in record.headers}
