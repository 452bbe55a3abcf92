"""The strict envelope: CloudEvents 1.0 in binary mode, read from Kafka headers, byte for byte.

    too_large -> bad_envelope (all violations at once) -> reserved_header -> an Envelope

``ce_subject`` and ``ce_bustoken`` that do not match their rule are no envelope error: they are kept as
``subject_violations`` and answered as ``subject_mismatch`` later, when the contract is known.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from bus.core.decision.reasons import GateReason
from bus.core.log.records import Headers, Record
from bus.core.policy.contracts import Violation, shortened

VALUE_BYTES_MAX = 65_536  # an agent's message, not a file transfer
HEADERS_MAX = 64
HEADER_BYTES_MAX = 8_192
TIMES_REMEMBERED = 1024  # each is asked for when it is checked, when it is read, and by the other stage
TEXTS_REMEMBERED = 1024  # who speaks, and of what: hardly ever new
HEADER_NAME_SHOWN_MAX = 128  # a violation's path names the header, within reason

_SOURCE = re.compile(r"spiffe://[a-z0-9.-]{1,255}/(agent|person)/[A-Za-z0-9._-]{1,128}")
_ID = re.compile(r"[!-~]{1,64}")
_TYPE = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*){2}\.v[1-9][0-9]*")
_TIME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?Z")
_SUBJECT = re.compile(r"[a-z][a-z0-9_-]{0,63}/[A-Za-z0-9._:-]{1,128}")
_TOKEN = re.compile(r"0|[1-9][0-9]{0,15}")
_EPOCH_DAY = date(1970, 1, 1).toordinal()

CONTENT_TYPES = ("application/json", "application/avro")
_REQUIRED = ("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "content-type")
_ALL_REQUIRED = frozenset(_REQUIRED)
_LATER = ("ce_subject", "ce_bustoken")  # what does not match here is no envelope error
_REPEATING = frozenset(("ce_specversion", "ce_source", "ce_type", "content-type"))  # the same in many messages
_RULES = {
    "ce_specversion": "is 1.0",
    "ce_id": "is 1 to 64 visible ASCII characters",
    "ce_source": "is spiffe://<trust domain>/agent/<name> or …/person/<name>",
    "ce_type": "is <domain>.<entity>.<verb>.v<N>, lower case",
    "ce_time": "is a real UTC time, YYYY-MM-DDThh:mm:ss[.fff]Z",
    "ce_expirytime": "is a real UTC time, YYYY-MM-DDThh:mm:ss[.fff]Z",
    "content-type": "is application/json or application/avro",
    "ce_subject": "is <resource type>/<id>",
    "ce_bustoken": "is a decimal integer of at most 16 digits",
}


class Envelope(NamedTuple):
    """The headers of one message, understood. Times in epoch milliseconds; "" and None where absent."""

    id: str
    source: str
    type: str
    time_ms: int
    content_type: str
    subject: str = ""
    token: int | None = None
    expiry_ms: int | None = None
    dataschema: str = ""
    subject_violations: tuple[Violation, ...] = ()

    @property
    def is_person(self) -> bool:
        """Does a person speak, and no agent?"""
        return "/person/" in self.source


@dataclass(frozen=True, slots=True)
class BadEnvelope:
    """Why the headers cannot be understood: the reason and all violations."""

    reason: GateReason
    violations: tuple[Violation, ...]


@lru_cache(maxsize=TIMES_REMEMBERED)
def time_ms(text: str) -> int | None:
    """Epoch milliseconds (truncated) of the one accepted form of a time; None if it is no real time."""
    found = _TIME.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    if hour > 23 or minute > 59 or second > 59:
        return None
    try:
        days = date(year, month, day).toordinal() - _EPOCH_DAY
    except ValueError:
        return None
    fraction = int((found[7] or "0").ljust(3, "0")[:3])
    return ((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + fraction


# What each header we know must be; None stands for any UTF-8 text.
_CHECKS: dict[str, Callable[[str], object] | None] = {
    "ce_specversion": re.compile(r"1\.0").fullmatch,
    "ce_id": _ID.fullmatch,
    "ce_source": _SOURCE.fullmatch,
    "ce_type": _TYPE.fullmatch,
    "ce_time": time_ms,
    "ce_expirytime": time_ms,
    "content-type": re.compile("|".join(CONTENT_TYPES)).fullmatch,
    "ce_subject": _SUBJECT.fullmatch,
    "ce_bustoken": _TOKEN.fullmatch,
    **dict.fromkeys(("ce_correlationid", "ce_causationid", "ce_busconfidence", "ce_busdelegation")),
    **dict.fromkeys(("ce_dataschema", "ce_bussignature", "ce_sequence")),
}


def first(headers: Headers, name: str) -> bytes:
    """The first header of that name; b"" if there is none."""
    return next((value or b"" for key, value in headers if key == name), b"")


def readable(headers: Headers, name: str) -> str:
    """The header's text if it is present once and well-formed, else ""."""
    values = [value for key, value in headers if key == name]
    text = _text(values[0]) if len(values) == 1 else None
    return text if text is not None and _matches(name, text) else ""


def message_hash(record: Record) -> str:
    """SHA-256 over type, subject, token, content type and value: what makes two messages the same message."""
    said = dict(reversed(record.headers)).get
    head = (said("ce_type") or b"", said("ce_subject") or b"", said("ce_bustoken") or b"", said("content-type") or b"")
    return sha256(b"\n".join((*head, record.value or b""))).hexdigest()


def read_envelope(record: Record) -> Envelope | BadEnvelope:
    """Read and check the headers of one record."""
    headers = record.headers
    texts = None if record.has_unreadable_headers or not _is_small(record) else _plain_texts(headers)
    if texts is not None and (len(texts) == len(headers) or _are_the_senders(headers)):
        return _envelope(texts)
    return _examined(record)


def _examined(record: Record) -> Envelope | BadEnvelope:
    """What is not in order at first sight: the envelope all the same, or everything that is wrong with it."""
    if too_large := _too_large(record):
        return BadEnvelope(GateReason.TOO_LARGE, too_large)
    if record.has_unreadable_headers:
        unreadable = Violation("/headers", "encoding", "", "a header name is not UTF-8", "name headers in ASCII")
        return BadEnvelope(GateReason.BAD_ENVELOPE, (unreadable,))
    values = dict(reversed(record.headers))
    texts, malformed = _read(values)
    doubled = _doubled(record.headers) if len(values) < len(record.headers) else []
    strange = [name for name in values if name not in texts]
    wrong = doubled + _missing(values) + malformed + _foreign(strange)
    if wrong:
        return BadEnvelope(GateReason.BAD_ENVELOPE, shortened(wrong))
    if reserved := [
        _violation(n, "reserved", "belongs to the bus", "leave it out") for n in strange if _is_reserved(n)
    ]:
        return BadEnvelope(GateReason.RESERVED_HEADER, shortened(reserved))
    return _envelope(texts, _misnamed(texts))


def forwarded_envelope(headers: Headers) -> Envelope | None:
    """The envelope of a record that a gate has let through; None if no gate can have written these headers."""
    if plain := _plain_texts(headers):
        return _envelope(plain)
    texts = {name: _text(value) or "" for name, value in headers if name in _CHECKS}
    complete = all(name in texts and _matches(name, texts[name]) for name in _REQUIRED)
    return _envelope(texts, _misnamed(texts)) if complete else None


def _plain_texts(headers: Headers) -> dict[str, str] | None:
    """The headers we know, if none is missing, doubled or other than its rule says; None: look closer."""
    texts: dict[str, str] = {}
    for name, value in headers:
        if name not in _CHECKS:
            continue
        if value is None or name in texts:
            return None
        text = _repeated_text(name, value) if name in _REPEATING else _right_text(name, value)
        if text is None:
            return None
        texts[name] = text
    return texts if texts.keys() >= _ALL_REQUIRED else None


def _right_text(name: str, value: bytes) -> str | None:
    """The text of a header we know; None if it does not match its rule."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return None
    check = _CHECKS[name]
    return text if check is None or check(text) is not None else None


# Whether a sender's name is one is asked once, and not with every message of this sender.
_repeated_text = lru_cache(maxsize=TEXTS_REMEMBERED)(_right_text)


def _is_small(record: Record) -> bool:
    """Is it within all bounds at first sight? No character of a name takes more than four bytes."""
    if len(record.value or b"") > VALUE_BYTES_MAX or len(record.headers) > HEADERS_MAX:
        return False
    if record.key is not None and len(record.key) > HEADER_BYTES_MAX:
        return False
    return sum([4 * len(name) + len(value or b"") for name, value in record.headers]) <= HEADER_BYTES_MAX


def _are_the_senders(headers: Headers) -> bool:
    """Are the headers we do not know the sender's own, each there once?"""
    strange = [name for name, _ in headers if name not in _CHECKS]
    return len(set(strange)) == len(strange) and not any(n.startswith("ce_") or _is_reserved(n) for n in strange)


def _read(values: dict[str, bytes | None]) -> tuple[dict[str, str], list[Violation]]:
    """The texts of the headers we know, and what is wrong with them; subject and token are looked at later."""
    texts: dict[str, str] = {}
    wrong = []
    for name, value in values.items():
        if name not in _CHECKS:
            continue
        text = _text(value)
        texts[name] = text or ""
        if name not in _LATER and (value is None or text is None or not _matches(name, text)):
            wrong.append(_mismatch(name))
    return texts, wrong


def _misnamed(texts: dict[str, str]) -> list[str]:
    return [name for name in _LATER if name in texts and not _matches(name, texts[name])]


def _envelope(texts: dict[str, str], misnamed: Sequence[str] = ()) -> Envelope:
    subject, token = texts.get("ce_subject"), texts.get("ce_bustoken")
    return Envelope(
        id=texts["ce_id"],
        source=texts["ce_source"],
        type=texts["ce_type"],
        time_ms=time_ms(texts["ce_time"]) or 0,
        content_type=texts["content-type"],
        subject="" if subject is None or "ce_subject" in misnamed else subject,
        token=None if token is None or "ce_bustoken" in misnamed else int(token),
        expiry_ms=time_ms(texts["ce_expirytime"]) if "ce_expirytime" in texts else None,
        dataschema=texts.get("ce_dataschema", ""),
        subject_violations=tuple(map(_mismatch, misnamed)) if misnamed else (),
    )


def _text(value: bytes | None) -> str | None:
    try:
        return value.decode() if value else ""
    except UnicodeDecodeError:
        return None


def _matches(name: str, text: str) -> bool:
    check = _CHECKS[name]
    return check is None or check(text) is not None


def _is_reserved(name: str) -> bool:
    return name.startswith(("bus-", "__connect.errors"))


def _too_large(record: Record) -> tuple[Violation, ...]:
    found = []
    size = len(record.value or b"")
    if size > VALUE_BYTES_MAX:
        found.append(Violation("", "maxBytes", "", f"{size} bytes are more than {VALUE_BYTES_MAX}", "send a reference"))
    if len(record.headers) > HEADERS_MAX:
        found.append(
            Violation("/headers", "maxHeaders", "", f"{len(record.headers)} headers are more than {HEADERS_MAX}")
        )
    header_bytes = 0
    for name, value in record.headers:
        header_bytes += len(name.encode()) + len(value or b"")
    if header_bytes > HEADER_BYTES_MAX:
        text = f"{header_bytes} bytes of headers are more than {HEADER_BYTES_MAX}"
        found.append(Violation("/headers", "maxBytes", "", text, "put content into the body"))
    if len(record.key or b"") > HEADER_BYTES_MAX:  # it is passed on as a header
        text = f"the record's key has {len(record.key or b'')} bytes, more than {HEADER_BYTES_MAX}"
        found.append(Violation("/key", "maxBytes", "", text, "the bus ignores keys: leave it out"))
    return shortened(found)


def _violation(name: str, keyword: str, message: str, hint: str = "") -> Violation:
    shown = name[:HEADER_NAME_SHOWN_MAX].replace("~", "~0").replace("/", "~1")
    return Violation(f"/headers/{shown}", keyword, "", f"header {shown} {message}"[:200], hint)


def _mismatch(name: str) -> Violation:
    rule = _RULES.get(name, "is UTF-8 text")
    return _violation(name, "pattern", f"does not match its rule: it {rule}", rule)


def _doubled(headers: Headers) -> list[Violation]:
    seen: set[str] = set()
    doubled: set[str] = set()
    for name, _ in headers:
        (doubled if name in seen else seen).add(name)
    return [_violation(name, "unique", "is there more than once", "send it once") for name in sorted(doubled)]


def _missing(values: dict[str, bytes | None]) -> list[Violation]:
    return [_violation(n, "required", "is missing", f"add it: it {_RULES[n]}") for n in _REQUIRED if n not in values]


def _foreign(strange: list[str]) -> list[Violation]:
    return [
        _violation(name, "unknown", "is no attribute of this contract", "leave it out or name it without ce_")
        for name in strange
        if name.startswith("ce_")
    ]
