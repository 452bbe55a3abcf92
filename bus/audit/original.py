"""Reads the message behind a decision where it was sent, and what was released for it, as long as they are kept."""

from dataclasses import dataclass
from typing import Any, Literal

from bus.audit.evidence import Place
from bus.audit.plain import excerpt
from bus.audit.source import Source
from bus.core.log import topics
from bus.core.log.records import Record
from bus.core.log.routing import partition_of
from bus.core.message.envelope import message_hash, readable

Kept = Literal["there", "gone", "changed"]


@dataclass(frozen=True, slots=True)
class Message:
    """What was said: as the journal has it, and from the bytes what only they have ("" and None where unknown).

    ``kept`` says whether the bytes are still there, and whether they have the hash the journal has.
    """

    src: str
    id: str
    source: str
    at: int
    hash: str
    type: str
    subject: str
    token: str
    sent: str
    kept: Kept
    excerpt: str
    read_from: str

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """The message as ``--json`` shows it."""
        names = (
            "src",
            "id",
            "source",
            "at",
            "hash",
            "type",
            "subject",
            "token",
            "sent",
            "kept",
            "excerpt",
            "read_from",
        )
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class Said:
    """What the journals know of a message."""

    src: str
    id: str
    source: str
    at: int
    hash: str
    type: str = ""
    subject: str = ""


def read_message(source: Source, said: Said, forwarded: tuple[Place, int] | None) -> Message:
    """The message with its bytes: from its lane, else from where the gate forwarded it."""
    found, read_from = None, ""
    origin = topics.lane_and_offset(said.src)
    places = [((topics.incoming(origin[0]), 0), origin[1])] if origin else []
    for place, offset in [*places, *([forwarded] if forwarded else [])]:
        found = source.record(place, offset)
        if found is not None:
            read_from = topics.coordinates(*place, offset)
            break
    return _message(said, found, read_from)


def _message(said: Said, record: Record | None, read_from: str) -> Message:
    kept: Kept = "gone"
    if record is not None:
        kept = "there" if message_hash(record) == said.hash else "changed"
    headers = record.headers if record is not None else ()
    return Message(
        src=said.src,
        id=said.id,
        source=said.source,
        at=said.at,
        hash=said.hash,
        type=said.type or readable(headers, "ce_type"),
        subject=said.subject or readable(headers, "ce_subject"),
        token=readable(headers, "ce_bustoken"),
        sent=readable(headers, "ce_time"),
        kept=kept,
        excerpt=excerpt(record.value) if record is not None else "",
        read_from=read_from,
    )


@dataclass(frozen=True, slots=True)
class Released:
    """Where on a governed topic the record of a decision stands."""

    topic: str
    partition: int
    offset: int
    time: int

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """The place as ``--json`` shows it."""
        return {"topic": self.topic, "partition": self.partition, "offset": self.offset, "time": self.time}


def find_released(source: Source, topic: str, key: str, decision: str, at: int) -> Released | None:
    """The record on its governed topic that carries this decision; None if it is not there (yet, or any more)."""
    count = source.counts.get(topic, 0)
    if not count:
        return None
    wanted = decision.encode()
    place = (topic, partition_of(key, count))
    found = source.search(place, at, lambda record: ("bus-decision", wanted) in record.headers)
    return Released(topic, place[1], found.offset, found.timestamp_ms) if found else None
