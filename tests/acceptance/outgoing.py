"""A message on its way out of an agent: its envelope, its body, and the ways to change one of its parts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.acceptance.wire import Json, canonical, time_text

# The one foreign header of the run: it names the way a message was broken on purpose, so that evidence can say it.
VARIANT_HEADER = "x-variant"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What a Kafka client produces to a lane."""

    lane: str
    headers: tuple[tuple[str, bytes | None], ...]
    value: bytes | None
    key: bytes | None = None

    def having(self, name: str, value: str | bytes | None) -> Outgoing:
        """With this header's value instead (or in addition)."""
        coded = value.encode() if isinstance(value, str) else value
        if not any(held == name for held, _ in self.headers):
            return replace(self, headers=(*self.headers, (name, coded)))
        changed = tuple((held, coded if held == name else old) for held, old in self.headers)
        return replace(self, headers=changed)

    def doubling(self, name: str, value: str) -> Outgoing:
        """With one more header of that name."""
        return replace(self, headers=(*self.headers, (name, value.encode())))

    def lacking(self, name: str) -> Outgoing:
        """Without that header."""
        return replace(self, headers=tuple(pair for pair in self.headers if pair[0] != name))

    def saying(self, value: bytes | None) -> Outgoing:
        """With another body."""
        return replace(self, value=value)


@dataclass(slots=True)
class Author:
    """One sender: gives its messages ids and times."""

    source: str
    lane: str
    count: int = 0

    def message(
        self,
        message_type: str,
        body: Json,
        *,
        subject: str | None = None,
        token: int | None = None,
        key: bytes | None = None,
    ) -> Outgoing:
        """A message in order, sent now."""
        self.count += 1
        name = self.source.rpartition("/")[2]
        fields = dict(self._envelope(message_type, f"{name}-{self.count}"))
        if subject is not None:
            fields["ce_subject"] = subject
        if token is not None:
            fields["ce_bustoken"] = str(token)
        headers = tuple((header, value.encode()) for header, value in fields.items())
        return Outgoing(self.lane, headers, canonical(body), key)

    def _envelope(self, message_type: str, message_id: str) -> Iterator[tuple[str, str]]:
        yield "ce_specversion", "1.0"
        yield "ce_id", message_id
        yield "ce_source", self.source
        yield "ce_type", message_type
        yield "ce_time", time_text(now_ms())
        yield "content-type", "application/json"


def now_ms() -> int:
    """This machine's clock; the broker's is the same here."""
    return time.time_ns() // 1_000_000
