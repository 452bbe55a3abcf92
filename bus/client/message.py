"""A message before it is sent: its body as bytes and its headers as the bus wants them."""

import dataclasses
import json
import re
import uuid
from collections.abc import Mapping
from typing import Final

from bus.client.errors import Misuse
from bus.core.message.envelope import CONTENT_TYPES
from bus.shell.lane_talk import wire_time

CLAIM: Final = "bus.resource.claim.v1"
RENEW: Final = "bus.resource.renew.v1"
RELEASE: Final = "bus.resource.release.v1"
REPORT: Final = "bus.action.report.v1"
WITHDRAW: Final = "bus.resource.withdraw.v1"
ASK: Final = "bus.contest.ask.v1"
WAIT: Final = "bus.agent.wait.v1"
RESUME: Final = "bus.agent.resume.v1"

JSON, AVRO = CONTENT_TYPES
_OURS = re.compile(r"ce_(specversion|id|source|type|time|subject|bustoken|expirytime)|content-type", re.IGNORECASE)

Body = object  # a mapping, a dataclass, a pydantic model, or bytes that are ready


@dataclasses.dataclass(frozen=True, slots=True)
class Draft:
    """Everything but the time. ``expires_in_ms`` counts from the call, None for never."""

    source: str
    type: str
    value: bytes
    subject: str = ""
    token: int | None = None
    id: str = dataclasses.field(default_factory=lambda: uuid.uuid4().hex)
    content_type: str = JSON
    expires_in_ms: int | None = None
    more: tuple[tuple[str, str], ...] = ()

    def headers(self, now_ms: int, called_ms: int) -> list[tuple[str, str | bytes | None]]:
        """The envelope, stamped with ``now_ms``; ``called_ms`` is the call (epoch milliseconds of the broker)."""
        expiry = "" if self.expires_in_ms is None else wire_time(called_ms + self.expires_in_ms)
        pairs: dict[str, str] = {
            "ce_specversion": "1.0",
            "ce_id": self.id,
            "ce_source": self.source,
            "ce_type": self.type,
            "ce_time": wire_time(now_ms),
            "content-type": self.content_type,
            "ce_subject": self.subject,
            "ce_bustoken": "" if self.token is None else str(self.token),
            "ce_expirytime": expiry,
        }
        named = [(name, text) for name, text in pairs.items() if text]
        return [(name, text.encode()) for name, text in (*named, *self.more)]

    @property
    def in_words(self) -> str:
        """What it is, as a sentence begins."""
        if self.type == CLAIM:
            return f"the claim on {self.subject}"
        return f"{self.type} on {self.subject}" if self.subject else self.type


def release_of(agent: str, subject: str, token: int, *, to: str = "", reason: str = "") -> Draft:
    """The message that ends a lease; with ``to`` only that agent may claim it for a while."""
    body = {"token": token} | ({"to": to} if to else {}) | ({"reason": reason} if reason else {})
    return Draft(agent, RELEASE, encoded(body), subject=subject)


def withdrawal_of(claim: Draft) -> Draft:
    """The message that takes a claim out of its contest."""
    return Draft(claim.source, WITHDRAW, encoded({"claim": claim.id}), subject=claim.subject)


def encoded(body: Body) -> bytes:
    """The body as bytes; raises `Misuse` if it is nothing JSON can say."""
    if isinstance(body, bytes | bytearray):
        return bytes(body)
    if hasattr(body, "model_dump_json"):  # a pydantic model says itself best
        return str(body.model_dump_json()).encode()
    if dataclasses.is_dataclass(body) and not isinstance(body, type):
        body = dataclasses.asdict(body)
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, UnicodeEncodeError) as error:
        text = f"the body is no JSON ({error})"
        raise Misuse(text, "give a dict of plain values, a dataclass, a pydantic model, or bytes") from error


def further_headers(given: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    """Headers of the caller's own; raises `Misuse` on those that the client writes itself, and on what is no text."""
    for name, value in (given or {}).items():
        if any(not isinstance(one, str) for one in (name, value)):
            raise Misuse(f"header {name!r} is no text: {value!r}", "give names and values as str")
        if _OURS.fullmatch(name):
            raise Misuse(f"header {name} is written by the client", "leave it out: there is a parameter for it")
    return tuple((given or {}).items())
