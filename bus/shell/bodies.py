"""Reads the bytes of a JSON body within the bounds of the wire, and says in one sentence why it cannot.

    bytes -> UTF-8 -> depth -> JSON (no key twice, no number nobody can hold) -> a value, or Unreadable

The standard library's parser does it in one pass: it shows every pair of a key and a value, and every number, as it
reads them. A faster parser that keeps the last of two equal keys would need a second pass, which costs more than it
saves.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

from bus.core.policy.contracts import Violation

DEPTH_MAX = 32  # deeper than this nobody means it, and recursive readers break
INTEGER_MAX = 2**53 - 1  # beyond it a reader that keeps numbers as doubles sees another number
KEY_CHARACTERS_SHOWN_MAX = 40  # a key comes from the sender: enough of it to be found
_INTEGER_CHARACTERS_MAX = len(str(-INTEGER_MAX))
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)  # possessive, and closed or not: linear on any input
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class Readable(NamedTuple):
    """A body that was read: any JSON value."""

    value: Any  # the shape is what a schema is there to check


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a body cannot be read (``bad_payload``)."""

    violations: tuple[Violation, ...]


class _BoundError(ValueError):
    """A bound of the wire is broken; carries the keyword and what to do about it."""

    def __init__(self, keyword: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.violation = Violation("", keyword, "", message, hint)


def unreadable(keyword: str, message: str, hint: str) -> Unreadable:
    """A body that breaks one bound; it has no path, for there is no value to point into."""
    return Unreadable((Violation("", keyword, "", message, hint),))


def read_json(body: bytes | None, *, depth_max: int = DEPTH_MAX) -> Readable | Unreadable:
    """Read a JSON body; never raises, whatever the bytes are."""
    if not body:
        return unreadable("empty", "the body is empty", "send a JSON value, {} at least")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        return unreadable("encoding", f"byte {error.start} is not UTF-8", "encode the body as UTF-8")
    if _is_deeper(body, depth_max):
        return unreadable("depth", f"nested deeper than {depth_max}", f"use at most {depth_max} levels")
    try:
        value = _decoded(text)
        if b"\\u" in body and _SURROGATE.search(body):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except _BoundError as error:
        return Unreadable((error.violation,))
    except UnicodeEncodeError:
        return unreadable("encoding", "a text has half of a surrogate pair", "escape characters as whole pairs")
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        # tidy: ok the library's name for it
        return unreadable("json", f"not JSON, {where}: {error.msg}", "send one JSON value and nothing else")
    return Readable(value)


def shown(name: str, characters_max: int = KEY_CHARACTERS_SHOWN_MAX) -> str:
    """A sender's name for something, fit to be printed: escaped, in ASCII, and cut."""
    escaped = json.dumps(name)[1:-1]
    return escaped if len(escaped) <= characters_max else escaped[: characters_max - 3] + "..."


def check_number(number: float) -> None:
    """Raise ValueError for what is not the same number everywhere: infinite, none, an integer beyond 2**53 - 1."""
    if not math.isfinite(number):
        _not_a_number("an infinite number or none")
    if isinstance(number, int) and abs(number) > INTEGER_MAX:
        _integer_too_large()


def _decoded(text: str) -> Any:  # Any: a JSON value
    """What ``json`` reads, without its search for blanks around the value; of an error it is asked once more."""
    if text[0] in "{[" and text[-1] in "]}":
        value, end = _scan_once(text, 0)
        if end == len(text):
            return value
    return _DECODER.decode(text)


def _is_deeper(body: bytes, depth_max: int) -> bool:
    if body.count(b"{") + body.count(b"[") <= depth_max:
        return False
    depth = 0
    for bracket in _STRING.sub(b"", body).translate(None, _NO_BRACKET):
        if bracket in b"{[":
            depth += 1
            if depth > depth_max:
                return True
        else:
            depth -= 1
    return False


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:  # Any: JSON values
    found = dict(pairs)
    if len(found) != len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise _BoundError("duplicate", f'an object has the key "{shown(twice)}" twice', "send every key once")
    return found


def _integer(token: str) -> int:
    if len(token) > _INTEGER_CHARACTERS_MAX:
        _integer_too_large()
    number = int(token)
    if not -INTEGER_MAX <= number <= INTEGER_MAX:
        _integer_too_large()
    return number


def _float(token: str) -> float:
    number = float(token)
    if math.isinf(number):
        _not_a_number("a number beyond what a double can hold")
    return number


def _constant(token: str) -> NoReturn:
    _not_a_number(f"{token} is not JSON")


def _integer_too_large() -> NoReturn:
    raise _BoundError("integer", "an integer is beyond 2**53 - 1", "send larger numbers as text")


def _not_a_number(message: str) -> NoReturn:
    raise _BoundError("number", message, "send finite numbers only")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant)
_scan_once: Callable[[str, int], tuple[Any, int]] = _DECODER.scan_once  # type: ignore[attr-defined]  # not in the stubs
