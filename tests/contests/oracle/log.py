"""A record of one partition of `bus.arbiter` as a stock client reads it, and what the oracle takes from it."""

from __future__ import annotations

import json
from calendar import timegm
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

# JSON as the wire gives it; its shape is checked where it is used.
Json = Any

TICK = "bus.clock.tick.v1"


@dataclass(frozen=True, slots=True)
class Raw:
    """One record: offset, the broker's append time, headers in order, value."""

    offset: int
    append_ms: int
    headers: tuple[tuple[str, bytes], ...]
    value: bytes

    def last(self, name: str) -> str | None:
        """Text of the last header of that name: what the bus wrote stands behind what the sender wrote."""
        found = [value for held, value in self.headers if held == name]
        return found[-1].decode() if found else None


@dataclass(frozen=True, slots=True)
class Said:
    """One forwarded message, with all the oracle may use of it."""

    o: int
    lane: str
    lane_id: str
    prev: str
    id: str
    type: str
    source: str
    subject: str
    at: int
    body: Json
    token: int | None
    expiry: int | None
    contract: str
    control: int
    cost: int | None
    fact: Json
    hash: str

    @property
    def is_agent(self) -> bool:
        """Whether an agent speaks (else a person)."""
        return "/agent/" in self.source


def is_tick(raw: Raw) -> bool:
    """Whether the record states a time."""
    return raw.last("ce_type") == TICK and raw.last("bus-from") is None


def read(raw: Raw) -> Said | None:
    """The message a gate forwarded; None if no gate wrote the record."""
    src = raw.last("bus-src")
    if src is None:
        return None
    topic, _, offset = src.split("/")
    lane = topic.removeprefix("bus.in.")
    values = json.loads(raw.last("bus-values") or "{}")
    kind, token = raw.last("ce_type") or "", raw.last("ce_bustoken")
    expiry = raw.last("ce_expirytime")
    return Said(
        o=raw.offset,
        lane=lane,
        lane_id=f"{lane}.{offset}",
        prev=raw.last("bus-prev") or "",
        id=raw.last("ce_id") or "",
        type=kind,
        source=raw.last("ce_source") or "",
        subject=raw.last("ce_subject") or "",
        at=int(raw.last("bus-at") or 0),
        # What a domain's body means the gate has said in `bus-values`; it may be framed, or not JSON at all.
        body=json.loads(raw.value) if kind.startswith("bus.") else {},
        token=None if token is None else int(token),
        expiry=None if expiry is None else _moment(expiry),
        contract=raw.last("bus-contract") or "",
        control=int(raw.last("bus-control") or 0),
        cost=values.get("cost"),
        fact=values.get("fact"),
        hash=_message_hash(raw),
    )


def digest(text: str) -> str:
    """The hash that stands for a free text in a journal."""
    return sha256(text.encode()).hexdigest()


def canonical(value: Json) -> bytes:
    """Canonical JSON: sorted keys, compact, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _message_hash(raw: Raw) -> str:
    first = dict(reversed(raw.headers))
    named = ("ce_type", "ce_subject", "ce_bustoken", "content-type")
    return sha256(b"".join(first.get(name, b"") + b"\n" for name in named) + raw.value).hexdigest()


def _moment(text: str) -> int:
    whole, _, rest = text.removesuffix("Z").partition(".")
    # The wire's times are UTC by their Z; timegm reads them as such.
    seconds = timegm(datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").timetuple())  # noqa: DTZ007 see above
    return seconds * 1000 + int((rest or "0").ljust(3, "0")[:3])
