"""A message as it stands on a governed topic, or an event on bus.outcomes, read for whoever acts on it."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, is_typeddict

from bus.client.errors import Unreadable
from bus.client.event import event_of
from bus.client.message import AVRO
from bus.core.log.records import Headers, Record
from bus.core.log.topics import OUTCOMES, coordinates

T = TypeVar("T")

Builder = Callable[..., T]


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Where a record stands."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return coordinates(self.topic, self.partition, self.offset)


@dataclass(frozen=True, slots=True)
class Message(Generic[T]):
    """What was admitted. ``decision`` is its id in the journal and the idempotency key of whoever executes it.

    ``body`` is what the callable given for its type made of it, else the dict (bytes if it is Avro). ``token`` and
    ``until_ms`` (epoch, at the broker) are those of a guarded action, None otherwise; ``at_ms`` is when it was sent.
    On ``bus.outcomes`` ``type`` is the event's kind and ``body`` the event.
    """

    type: str
    body: T
    subject: str
    source: str
    id: str
    decision: str
    token: int | None
    until_ms: int | None
    at_ms: int
    position: Position
    content_type: str
    value: bytes = field(repr=False)
    headers: Headers = field(repr=False)


def is_outcome(record: Record) -> bool:
    """Is it an event of the bus, and no message of an agent?"""
    return record.topic == OUTCOMES


def type_of(record: Record) -> str:
    """The type of a message, the kind of an event."""
    if is_outcome(record):
        return str(_json(record).get("kind", ""))
    return _text(record.headers, "ce_type")


def message_of(record: Record, builder: Builder[T] | None) -> Message[T]:
    """Read one record; raises `Unreadable` if the builder does not take its body."""
    return _outcome(record, builder) if is_outcome(record) else _admitted(record, builder)


def _outcome(record: Record, builder: Builder[T] | None) -> Message[T]:
    body = _json(record)
    event = event_of(body)
    return Message(
        type=event.kind,
        body=_built(body, builder, record),
        subject=event.subject,
        source=_text(record.headers, "bus-from"),
        id=event.id,
        decision=event.decision,
        token=event.token,
        until_ms=event.until_ms,
        at_ms=event.at_ms,
        position=_position(record),
        content_type="application/json",
        value=record.value or b"",
        headers=record.headers,
    )


def _admitted(record: Record, builder: Builder[T] | None) -> Message[T]:
    content_type = _text(record.headers, "content-type")
    body = (record.value or b"") if content_type == AVRO else _json(record)
    return Message(
        type=_text(record.headers, "ce_type"),
        body=_built(body, builder, record),
        subject=_text(record.headers, "ce_subject"),
        source=_text(record.headers, "ce_source"),
        id=_text(record.headers, "ce_id"),
        decision=_text(record.headers, "bus-decision"),
        token=_integer(record.headers, "bus-token"),
        until_ms=_integer(record.headers, "bus-until"),
        at_ms=_integer(record.headers, "bus-at") or 0,
        position=_position(record),
        content_type=content_type,
        value=record.value or b"",
        headers=record.headers,
    )


def _built(body: Any, builder: Builder[T] | None, record: Record) -> T:  # Any: a body is whatever its contract allows
    if builder is None:
        return body  # type: ignore[no-any-return]  # without a builder T is the plain body
    try:
        if hasattr(builder, "model_validate") and isinstance(body, Mapping):
            return builder.model_validate(body)  # type: ignore[no-any-return]  # a pydantic model builds itself
        if (dataclasses.is_dataclass(builder) or is_typeddict(builder)) and isinstance(body, Mapping):
            return builder(**body)
        return builder(body)
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        name = getattr(builder, "__name__", str(builder))
        text = f"{_position(record)} does not fit {name} ({' '.join(str(error).split())[:200]})"
        raise Unreadable(text, "make the class fit the contract, or take the plain dict") from error


def _json(record: Record) -> Any:  # Any: JSON
    try:
        return json.loads(record.value or b"null")
    except ValueError as error:
        text = f"{_position(record)} is no JSON"
        raise Unreadable(text, "read only governed topics, which hold nothing else") from error


def _position(record: Record) -> Position:
    return Position(record.topic, record.partition, record.offset)


def _text(headers: Headers, name: str) -> str:
    """The last header of that name: what the bus adds stands behind what the sender wrote."""
    found = next((value for held, value in reversed(headers) if held == name), None)
    return (found or b"").decode("utf-8", "replace")


def _integer(headers: Headers, name: str) -> int | None:
    text = _text(headers, name)
    return int(text) if text.isascii() and text.isdigit() else None
