"""Short pieces of what was said, cut so that they fit, with where the whole of it stands."""

import base64
import json
from functools import cached_property
from typing import Any

from bus.core.frozen import dataclass
from bus.core.log.records import Record, canonical
from bus.core.message.envelope import message_hash
from bus.core.policy.contracts import JsonObject

FRAME_BYTES = 5  # no JSON begins with a zero byte
JSON_TYPE = "application/json"
ELLIPSIS = "…"
_ELLIPSIS_BYTES = 6  # as canonical JSON writes it


@dataclass(frozen=True)  # without slots, so that what was worked out of the bytes is kept with them
class Said:
    """A message's bytes as far as they are still there: None once ``bus.arbiter`` no longer keeps them."""

    record: Record | None

    def header(self, name: str) -> str:
        """A header's text, "" if there is none; the last of that name is ours."""
        if self.record is None:
            return ""
        found = next((value for key, value in reversed(self.record.headers) if key == name), None)
        return (found or b"").decode("utf-8", "replace")

    @property
    def value(self) -> bytes:
        """The body's bytes."""
        return (self.record.value if self.record else None) or b""

    @cached_property
    def hash(self) -> str:
        """The message hash, "" if the bytes are gone."""
        return message_hash(self.record) if self.record else ""

    @property
    def is_json(self) -> bool:
        """Can the body be read without a schema?"""
        return self.header("content-type") == JSON_TYPE

    @property
    def written(self) -> bytes:
        """A JSON body's text, without the five bytes that a schema registry's serializer puts in front."""
        return self.value[FRAME_BYTES:] if self.value[:1] == b"\0" else self.value

    @cached_property
    def body(self) -> JsonObject:
        """The body's fields; none if it is no JSON object."""
        if not self.is_json:
            return {}
        try:
            found = json.loads(self.written)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def text(self, field: str) -> str:
        """A text field of the body, "" if there is none."""
        found = self.body.get(field)
        return found if isinstance(found, str) else ""


def offset_of(decision: str) -> int:
    """The offset on ``bus.arbiter`` of the record that a decision id is about, -1 of ""."""
    return int(decision.split(".")[2]) if decision else -1


def cut(text: str, written_bytes_max: int) -> str:
    """The beginning of a text, so long that canonical JSON writes it with at most so many bytes, quotes apart."""
    # A character is written with a byte or more, so what is behind so many of them is never looked at.
    if len(text) <= written_bytes_max and _written_bytes(text) <= written_bytes_max:
        return text
    fits, too_long = 0, min(len(text), max(0, written_bytes_max))
    room = written_bytes_max - _ELLIPSIS_BYTES
    while fits < too_long:
        middle = (fits + too_long + 1) // 2
        if _written_bytes(text[:middle]) <= room:
            fits = middle
        else:
            too_long = middle - 1
    return text[:fits] + ELLIPSIS if fits else ""


def cut_utf8(text: str, bytes_max: int) -> str:
    """The beginning of a text, at most so many bytes of UTF-8."""
    return text.encode("utf-8", "replace")[:bytes_max].decode("utf-8", "ignore")


def quoted(said: Said, bytes_max: int) -> dict[str, Any]:  # Any: JSON
    """What a file says of a message: where it is, its hash, how long it is, and its beginning."""
    if said.record is None:
        return {"missing": "its bytes are no longer kept"}
    found: dict[str, Any] = {"src": said.header("bus-src"), "hash": said.hash, "size": len(said.value)}
    if said.is_json:
        return {**found, "excerpt": cut(said.written.decode("utf-8", "replace"), bytes_max)}
    part = said.value[: max(0, bytes_max) * 3 // 4]
    return {**found, "content_type": said.header("content-type"), "excerpt_base64": base64.b64encode(part).decode()}


def _written_bytes(text: str) -> int:
    return len(canonical(text)) - 2
