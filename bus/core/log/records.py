"""What Kafka hands over and what the bus hands back: records in, outputs out, as plain values.

What is made for every message is a named tuple: as immutable as a frozen dataclass, and made five times as fast.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

# Header values as Kafka has them: bytes, or nothing at all.
Headers = tuple[tuple[str, bytes | None], ...]


class Record(NamedTuple):
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


class Output(NamedTuple):
    """One record to be written; ``id`` is what ``bus-prev`` of the next one to the same place will name."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None
    headers: Headers
    id: str


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
quoted: Callable[[str], str] = json.encoder.encode_basestring_ascii  # a text as canonical JSON has it


def _pieces() -> Callable[[Any, int], Iterable[str]]:  # Any: every JSON value
    """What ``json`` encodes with, made once: it makes a new one for every value, which takes longer than to use it."""
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return lambda value, _: _ENCODER.iterencode(value)
    separators = (_ENCODER.key_separator, _ENCODER.item_separator)
    # No markers: nothing that we write contains itself. Then: sorted keys, no other keys than texts, no NaN.
    encode: Callable[[Any, int], Iterable[str]] = make(
        None, _ENCODER.default, quoted, None, *separators, True, False, False
    )
    return encode


_encode = _pieces()


def canonical(value: Any) -> bytes:  # Any: every JSON value
    """Canonical JSON: sorted keys, compact, ASCII."""
    return "".join(_encode(value, 0)).encode("ascii")


def digest(content: bytes) -> str:
    """SHA-256 in lower-case hex: what "hash" means everywhere on the wire."""
    return hashlib.sha256(content).hexdigest()
