"""A journal is a chain of segments: one is valid if and only if it names the valid one before it.

    genesis (seq 0, prev "") -> takeover -> segment -> segment -> takeover -> ...
    seq = seq of the valid predecessor + 1;  prev = SHA-256 of the predecessor's stored bytes.
    Everything else in the log is void: of two owners that write at once the first append wins.

The chain is fencing and tamper evidence in one; the fold below is all there is to it.
"""

import json
from typing import Any

from bus.core.frozen import dataclass
from bus.core.log.records import canonical, digest

SEGMENT_BYTES_MAX = 256 * 1024  # far below the topics' 2 MiB, so that one record always fits
SEGMENT_INPUTS_MAX = 500  # one segment per poll batch


@dataclass(frozen=True, slots=True)
class Tip:
    """The end of a valid chain: the last valid segment's ``seq`` and the hash of its bytes (-1 and "" before any)."""

    seq: int = -1
    hash: str = ""


def parse_segment(value: bytes | None) -> dict[str, Any] | None:  # Any: JSON; segments leave here as typed rows
    """Decode a journal record; None if it is not a JSON object (then it is void)."""
    try:
        parsed = json.loads(value or b"")
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def continues(tip: Tip, segment: dict[str, Any]) -> bool:
    """Is this segment the valid next one after ``tip``?"""
    if segment.get("v") != 1 or segment.get("seq") != tip.seq + 1 or segment.get("prev") != tip.hash:
        return False
    return (segment.get("kind") == "genesis") == (tip.seq == -1)


def advance(tip: Tip, value: bytes) -> Tip:
    """The tip after a valid segment with these stored bytes."""
    return Tip(tip.seq + 1, digest(value))


def seal(tip: Tip, body: dict[str, Any], items: tuple[str, list[bytes]] | None = None) -> tuple[bytes, Tip]:
    """Chain ``body`` behind ``tip``: the segment's bytes as they will be stored, and the new tip.

    ``items`` names the list of rows or entries and gives them as canonical JSON, so that none is encoded twice.
    """
    chained = {"v": 1, **body, "seq": tip.seq + 1, "prev": tip.hash}
    if items is None:
        value = canonical(chained)
    else:
        name, encoded = items
        hole = f'"{name}":[]'.encode()
        before, _, after = canonical({**chained, name: []}).partition(hole)
        value = before + f'"{name}":['.encode() + b",".join(encoded) + b"]" + after
    return value, advance(tip, value)
