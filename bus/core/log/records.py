"""What Kafka hands over and what the bus hands back: records in, outputs out, as plain values."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

# Header values as Kafka has them: bytes, or nothing at all.
Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class Record:
    """One Kafka record. ``timestamp_ms`` is the broker's append time, in epoch milliseconds."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    # The client could not decode a header name, so the headers are not known; the coordinates lead to them.
    has_unreadable_headers: bool = False


@dataclass(frozen=True, slots=True)
class Output:
    """One record to be written; ``id`` is what ``bus-prev`` of the next one to the same place will name."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None
    headers: Headers
    id: str


# Made once: ``json.dumps`` with these settings would make an encoder for every value.
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode


def canonical(value: Any) -> bytes:  # Any: every JSON value
    """Canonical JSON: sorted keys, compact, ASCII."""
    return _encode(value).encode("ascii")


def digest(content: bytes) -> str:
    """SHA-256 in lower-case hex: what "hash" means everywhere on the wire."""
    return hashlib.sha256(content).hexdigest()
