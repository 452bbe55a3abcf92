"""Small pieces of plain sentences: short names, lists, lengths of time, and texts that do a terminal no harm."""

import json
import re
from collections.abc import Callable, Iterable

Clock = Callable[[int], str]  # an epoch time in milliseconds as the reader wants it
EXCERPT_CHARACTERS_MAX = 400  # enough to recognise a message; its coordinates lead to all of it

_ID = re.compile(r"spiffe://[^/\s]+/(?:agent|person)/([A-Za-z0-9._-]+)")
# What reads like a time and stands where one is meant; a cost of as many digits stands behind another word.
_TIME = re.compile(r"\b(until|before|after|at|by) (1[0-9]{12})\b")
_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"))


def name_of(identifier: str) -> str:
    """The short name of an agent or person; "somebody" if the bus does not know who it was."""
    return identifier.rpartition("/")[2] or "somebody"


def listed(names: Iterable[str], joint: str = "and") -> str:
    """``a, b and c``; "none" for nothing."""
    found = list(names)
    if len(found) < 2:
        return found[0] if found else "none"
    return f"{', '.join(found[:-1])} {joint} {found[-1]}"


def shown(value: object) -> str:
    """A value of a fact as its owner wrote it."""
    return printable(json.dumps(value, ensure_ascii=False))


def lasting(duration_ms: int) -> str:
    """A length of time in its two largest units: ``1 min 30 s``; below a second in ``ms``."""
    if duration_ms < 1_000:
        return f"{duration_ms} ms"
    parts: list[str] = []
    left = duration_ms
    for unit_ms, unit in _UNITS:
        count, left = divmod(left, unit_ms)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
        if len(parts) == 2:
            break
    return " ".join(part for part in parts if part)


def plainly(detail: str, clock: Clock) -> str:
    """A detail of the bus as people say it: short names for ids, the reader's clock for times."""
    dated = _TIME.sub(lambda found: f"{found[1]} {clock(int(found[2]))}", detail)
    return _ID.sub(lambda found: found[1], dated)


def printable(text: str) -> str:
    """The text without what a terminal would obey: a sender chose its bytes."""
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in text)


def excerpt(content: bytes | None) -> str:
    """The beginning of a message's bytes, on one line."""
    text = printable(" ".join((content or b"").decode("utf-8", "replace").split()))
    return text if len(text) <= EXCERPT_CHARACTERS_MAX else f"{text[:EXCERPT_CHARACTERS_MAX]}…"
