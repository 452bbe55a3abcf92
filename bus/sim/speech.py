"""How agents and people put a message into a record: headers and bytes as wire.md says, or wrong on purpose."""

from datetime import UTC, datetime

from bus.core.log.records import Headers, canonical
from bus.core.policy.contracts import JsonObject


def wire_time(ms: float) -> str:
    """Epoch milliseconds as ``ce_time`` has them."""
    return datetime.fromtimestamp(int(ms) / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def headers_of(
    kind: str, *, source: str, identifier: str, at_ms: float, subject: str = "", token: int | None = None
) -> Headers:
    """The headers of one message."""
    pairs = [
        ("ce_specversion", "1.0"),
        ("ce_id", identifier),
        ("ce_source", source),
        ("ce_type", kind),
        ("ce_time", wire_time(at_ms)),
        ("content-type", "application/json"),
    ]
    if subject:
        pairs.append(("ce_subject", subject))
    if token is not None:
        pairs.append(("ce_bustoken", str(token)))
    return tuple((name, value.encode()) for name, value in pairs)


def body_of(value: JsonObject) -> bytes:
    """A body."""
    return canonical(value)
