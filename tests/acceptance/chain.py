"""Which segments of a journal are valid, and whether a chain covers everything from its first offset to its last."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from tests.acceptance.wire import Json, Record, sha256


@dataclass(frozen=True, slots=True)
class Segment:
    """A valid segment: the stored record and its content."""

    record: Record
    content: Json

    @property
    def covers(self) -> bool:
        """Whether it decides on inputs (else it is a genesis or a take-over)."""
        return "from" in self.content


def fold_segments(log: Iterable[Record]) -> list[Segment]:
    """The valid segments of a journal partition in order; everything else in it is void."""
    valid: list[Segment] = []
    previous, seq = "", -1
    for record in log:
        content = _content(record)
        if content is None or content.get("seq") != seq + 1 or content.get("prev") != previous:
            continue
        valid.append(Segment(record, content))
        previous, seq = sha256(record.value or b""), seq + 1
    return valid


def continuity_fault(segments: list[Segment]) -> str:
    """Why the ranges of a chain do not follow each other from 0, or ""."""
    if not segments or segments[0].content.get("kind") != "genesis":
        return "the chain does not begin with a genesis"
    following = 0
    for segment in segments:
        if not segment.covers:
            continue
        start, end = segment.content["from"], segment.content["to"]
        if start != following or end < start - 1:
            return f"seq {segment.content['seq']} covers {start}..{end}, expected from {following}"
        following = end + 1
    return ""


def covered_to(segments: list[Segment]) -> int:
    """The offset after the last one the chain decided on."""
    return max((segment.content["to"] + 1 for segment in segments if segment.covers), default=0)


def _content(record: Record) -> Json:
    try:
        content = json.loads(record.value or b"")
    except ValueError:
        return None
    return content if isinstance(content, dict) else None
