"""An independent reading of the envelope: which of its headers is wrong, and why the message is refused for it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from tests.acceptance.wire import Headers, Record, time_ms

VALUE_BYTES_MAX = 65_536
HEADERS_MAX = 64
HEADER_BYTES_MAX = 8_192

ID = re.compile(r"[!-~]{1,64}", re.ASCII)
SOURCE = re.compile(r"spiffe://[a-z0-9.-]{1,255}/(agent|person)/[A-Za-z0-9._-]{1,128}", re.ASCII)
TYPE = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*){2}\.v[1-9][0-9]*", re.ASCII)
SUBJECT = re.compile(r"[a-z][a-z0-9_-]*/[A-Za-z0-9._:-]{1,128}", re.ASCII)
TOKEN = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)

REQUIRED = ("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "content-type")
RECORDED = frozenset(
    {
        "ce_correlationid",
        "ce_causationid",
        "ce_busconfidence",
        "ce_busdelegation",
        "ce_dataschema",
        "ce_bussignature",
        "ce_sequence",
    }
)
# These two have their own reason when they do not match: subject_mismatch.
LATER = frozenset({"ce_subject", "ce_bustoken"})


@dataclass(frozen=True, slots=True)
class Envelope:
    """What could be read of a message's headers; an unreadable or doubled one is "" (or None)."""

    headers: Headers
    source: str
    id: str
    type: str
    time_ms: int | None
    expiry_ms: int | None
    content_type: str
    subject: str | None
    subject_is_well_formed: bool
    token: int | None
    token_is_well_formed: bool
    names: frozenset[str]

    @property
    def is_agent(self) -> bool:
        """Whether the sender is an agent (else a person)."""
        return "/agent/" in self.source


def read_envelope(record: Record) -> Envelope:
    """Everything the headers say, whether the message is in order or not."""
    text = _single_texts(record.headers)
    subject, token = text.get("ce_subject"), text.get("ce_bustoken")
    names = frozenset(name for name, _ in record.headers)
    return Envelope(
        headers=record.headers,
        source=_matching(text, "ce_source"),
        id=_matching(text, "ce_id"),
        type=_matching(text, "ce_type"),
        time_ms=time_ms(text.get("ce_time", "")),
        expiry_ms=time_ms(text.get("ce_expirytime", "")),
        content_type=_matching(text, "content-type"),
        subject=subject if subject is not None and SUBJECT.fullmatch(subject) else None,
        subject_is_well_formed="ce_subject" not in names or bool(SUBJECT.fullmatch(subject or "")),
        token=int(token) if token is not None and TOKEN.fullmatch(token) else None,
        token_is_well_formed="ce_bustoken" not in names or bool(TOKEN.fullmatch(token or "")),
        names=names,
    )


def is_too_large(record: Record) -> bool:
    """Whether value, number of headers or their bytes pass the bounds of wire.md section 2."""
    together = sum(len(name.encode()) + len(value or b"") for name, value in record.headers)
    return (
        len(record.value or b"") > VALUE_BYTES_MAX or len(record.headers) > HEADERS_MAX or together > HEADER_BYTES_MAX
    )


def wrong_headers(record: Record) -> set[str]:
    """Names of all headers for which the message is `bad_envelope`."""
    counts = Counter(name for name, _ in record.headers)
    wrong = {name for name, count in counts.items() if count > 1}
    wrong |= {name for name in REQUIRED if name not in counts}
    wrong |= {name for name in counts if name.startswith("ce_") and name not in RULES.keys() | RECORDED | LATER}
    for name, value in record.headers:
        rule = RULES.get(name)
        if rule is not None and not rule(_text(value)):
            wrong.add(name)
    return wrong


def has_reserved_header(record: Record) -> bool:
    """Whether the sender used a name that belongs to the bus."""
    return any(name.startswith(("bus-", "__connect.errors")) for name, _ in record.headers)


def _text(value: bytes | None) -> str:
    try:
        return "" if value is None else value.decode("utf-8")
    except UnicodeDecodeError:
        return ""


def _single_texts(headers: Headers) -> dict[str, str]:
    counts = Counter(name for name, _ in headers)
    return {name: _text(value) for name, value in headers if counts[name] == 1}


def _matching(text: dict[str, str], name: str) -> str:
    held = text.get(name, "")
    return held if RULES[name](held) else ""


RuleTable = dict[str, Callable[[str], bool]]
RULES: RuleTable = {
    "ce_specversion": lambda text: text == "1.0",
    "ce_id": lambda text: ID.fullmatch(text) is not None,
    "ce_source": lambda text: SOURCE.fullmatch(text) is not None,
    "ce_type": lambda text: TYPE.fullmatch(text) is not None,
    "ce_time": lambda text: time_ms(text) is not None,
    "ce_expirytime": lambda text: time_ms(text) is not None,
    "content-type": lambda text: text in ("application/json", "application/avro"),
}
