"""Follows the journals as they grow: every segment with its hash, its predecessor's, and what it decides."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from bus.core.log.journal import Tip, advance, continues, parse_segment
from bus.core.log.records import Record
from bus.core.log.topics import JOURNAL

Json = dict[str, Any]  # Any: JSON


@dataclass(frozen=True, slots=True)
class Segment:
    """One record of a journal. `is_linked`: it names the hash of the one before it, computed here from its bytes."""

    chain: str
    at_ms: int
    seq: int
    hash: str
    prev: str
    is_linked: bool
    body: Json


class Journals:
    """All chains as far as they have been read; what does not continue its chain is void and counts for nothing."""

    def __init__(self) -> None:
        self._tips: dict[tuple[str, int], Tip] = {}
        self.segments: list[Segment] = []
        self.judged: Counter[str] = Counter()  # by where a message came from: how often the arbiter has decided on it
        self.gate_control: dict[str, int] = {}  # by lane: the control number in force at its gate

    def take(self, record: Record) -> None:
        """Add one record of a journal."""
        body, place = parse_segment(record.value), (record.topic, record.partition)
        if body is None:
            return
        tip = self._tips.get(place, Tip())
        is_linked = continues(tip, body)
        this = advance(tip, record.value or b"")
        self.segments.append(
            Segment(
                chain=_chain(record),
                at_ms=record.timestamp_ms,
                seq=int(body["seq"]),
                hash=this.hash,
                prev=str(body["prev"]),
                is_linked=is_linked,
                body=body,
            )
        )
        if is_linked:
            self._tips[place] = this
            self._count(record.topic.rpartition(".")[2], body)

    @property
    def chains(self) -> int:
        """How many chains there are."""
        return len(self._tips)

    def _count(self, lane: str, body: Json) -> None:
        if body["kind"] == "gate":
            self.gate_control[lane] = int(body["control"])
        self.judged.update(entry["src"] for entry in body.get("entries", ()) if entry["verdict"] not in UNCOUNTED)


UNCOUNTED = ("repeat", "tick", "control")  # entries that decide on nobody's message


def _chain(record: Record) -> str:
    return f"arbiter {record.partition}" if record.topic == JOURNAL else f"gate {record.topic.rpartition('.')[2]}"
