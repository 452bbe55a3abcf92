"""What an audit rests on: the records of every topic between two offsets, and the marks of the groups."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from bus.core.log.records import Record

Place = tuple[str, int]

GATE_GROUP = "bus-gate"  # its offsets on bus.in.*: what the gates have forwarded
GATE_PUBLISHED = "bus-gate-published"  # on bus.gate.*: journal offsets below it have been sent
ARBITER_PUBLISHED = "bus-arbiter-published"  # the same on bus.journal


@dataclass(frozen=True)
class Log:
    """One partition as it was read: every record from ``first`` up to, not including, offset ``end``."""

    first: int
    end: int
    records: tuple[Record, ...]

    @cached_property
    def by_offset(self) -> dict[int, Record]:
        """The records by their offset."""
        return {record.offset: record for record in self.records}


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something wrong with a file of an export."""

    place: Place
    sentence: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything a check may look at. ``source`` says where it comes from; a group whose marks are unknown is absent.

    ``flaws`` is None for a running bus, which has no files.
    """

    source: str
    logs: Mapping[Place, Log]
    marks: Mapping[str, Mapping[Place, int]] = field(default_factory=dict)
    topic_ids: Mapping[str, str] = field(default_factory=dict)
    partitions: Mapping[str, int] = field(default_factory=dict)
    flaws: tuple[Flaw, ...] | None = None

    def log(self, topic: str, partition: int = 0) -> Log | None:
        """One partition; None if it was not read."""
        return self.logs.get((topic, partition))

    def mark(self, group: str, place: Place) -> int | None:
        """A group's committed offset; None if it is not known."""
        return self.marks.get(group, {}).get(place)
