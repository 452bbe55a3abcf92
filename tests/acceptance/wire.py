"""What the wire page says about single records: their hash, their partition, canonical JSON, how time is written."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

# JSON is what the wire gives us; its shape is checked where it is used.
Json = Any
Headers = tuple[tuple[str, bytes | None], ...]

MURMUR2_SEED = 0x9747B28C
MURMUR2_FACTOR = 0x5BD1E995
WORD = 0xFFFFFFFF
# Fencing token = gen * 2**44 + offset * 2**8 + n (wire.md section 5).
TOKEN_GENERATION_BITS = 44
TOKEN_OFFSET_BITS = 8

TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z", re.ASCII)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Record:
    """One Kafka record as a stock consumer sees it; `append_ms` is the broker's timestamp."""

    topic: str
    partition: int
    offset: int
    append_ms: int
    key: bytes | None
    headers: Headers
    value: bytes | None

    @property
    def src(self) -> str:
        """The record's coordinates as the bus writes them, for example `bus.in.sales/0/512`."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    def last(self, name: str) -> str | None:
        """Text of the last header of that name: on what the bus wrote, the last one is the bus's own."""
        for held, value in reversed(self.headers):
            if held == name:
                return None if value is None else value.decode("utf-8", "replace")
        return None


def murmur2(key: bytes) -> int:
    """Hash of a key as the Java client computes it (a signed 32-bit number)."""
    h = (MURMUR2_SEED ^ len(key)) & WORD
    whole = len(key) // 4 * 4
    for start in range(0, whole, 4):
        k = int.from_bytes(key[start : start + 4], "little") * MURMUR2_FACTOR & WORD
        k = (k ^ (k >> 24)) * MURMUR2_FACTOR & WORD
        h = (h * MURMUR2_FACTOR & WORD) ^ k
    rest = key[whole:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * MURMUR2_FACTOR & WORD
    h = (h ^ (h >> 13)) * MURMUR2_FACTOR & WORD
    h ^= h >> 15
    return h - (1 << 32) if h & 0x80000000 else h


def partition_of(key: bytes, partitions: int) -> int:
    """The partition a record with this key belongs to."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def canonical(value: Json) -> bytes:
    """Canonical JSON: sorted keys, compact, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def canonical_fault(stored: bytes | None) -> str:
    """Why these stored bytes are not canonical JSON without floats, or "" when they are."""
    if stored is None:
        return "there is no value"
    try:
        value = json.loads(stored, parse_float=_refuse_float)
    except ValueError as error:
        return f"not JSON the bus may write: {error}"
    return "" if canonical(value) == stored else f"not canonical: {stored[:200]!r}"


def _refuse_float(token: str) -> Json:
    raise ValueError(f"a float ({token})")


def sha256(data: bytes) -> str:
    """SHA-256 as lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def first_header(headers: Headers, name: str) -> bytes:
    """Bytes of the first header of that name; absent (or null) is empty."""
    for held, value in headers:
        if held == name:
            return value or b""
    return b""


def message_hash(headers: Headers, value: bytes | None) -> str:
    """The hash by which a repeated id is told from a reused one (wire.md section 4)."""
    named = ("ce_type", "ce_subject", "ce_bustoken", "content-type")
    head = b"".join(first_header(headers, name) + b"\n" for name in named)
    return sha256(head + (value or b""))


def time_ms(text: str) -> int | None:
    """Epoch milliseconds of a `ce_time`, truncated; None when it is not of the form or not a real time."""
    match = TIME.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    whole = int((moment - EPOCH).total_seconds()) * 1000
    return whole + int((match.group(7) or "0").ljust(9, "0")[:3])


def time_text(epoch_ms: int) -> str:
    """A `ce_time` for a moment given in epoch milliseconds."""
    seconds, rest = divmod(epoch_ms, 1000)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{rest:03d}Z"


def token(gen: int, offset: int, n: int) -> int:
    """Fencing token of the granting event n of the entry at this offset."""
    return (gen << TOKEN_GENERATION_BITS) + (offset << TOKEN_OFFSET_BITS) + n


def id_order(decision: str) -> tuple[int, ...]:
    """A decision id as the numbers it compares by: `<lane>.<offset>` by offset, `gen.p.o.n` field by field."""
    return tuple(int(part) for part in decision.split(".") if part.isdigit())
