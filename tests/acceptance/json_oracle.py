"""An independent reading of JSON bodies: what is bad payload, and every violation of the schemas registered here."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.acceptance.wire import Json

DEPTH_MAX = 32
INTEGER_MAX = 2**53 - 1
# wire.md section 4: at most twenty violations, then one that says there are more.
VIOLATIONS_MAX = 20


@dataclass(frozen=True, slots=True, order=True)
class Violation:
    """One violated place: a JSON pointer and the schema's keyword."""

    path: str
    keyword: str


class BadPayloadError(ValueError):
    """The body is not JSON as the bus takes it."""


def parse_body(body: bytes) -> Json:
    """The body as a JSON value; raises BadPayloadError with the cause."""
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_constant=_constant,
        )
    except (ValueError, RecursionError) as error:
        raise BadPayloadError(str(error)) from error
    if _depth(value) > DEPTH_MAX:
        raise BadPayloadError("nested too deep")
    return value


def _object(pairs: list[tuple[str, Json]]) -> Json:
    if len({name for name, _ in pairs}) != len(pairs):
        raise BadPayloadError("a key stands twice")
    return dict(pairs)


def _integer(digits: str) -> int:
    number = int(digits)
    if abs(number) > INTEGER_MAX:
        raise BadPayloadError("an integer beyond 2**53 - 1")
    return number


def _constant(name: str) -> Json:
    raise BadPayloadError(f"{name} is not JSON")


def _depth(value: Json) -> int:
    if isinstance(value, dict):
        return 1 + max((_depth(item) for item in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((_depth(item) for item in value), default=0)
    return 0


def pointed(value: Json, pointer: str) -> Json:
    """What a JSON pointer finds, or None (the pointers of these tests never point at null)."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def violations(schema: Json, value: Json) -> list[Violation]:
    """All violations in the order of the wire: by path, then keyword; cut after twenty."""
    found = sorted(_walk(schema, value, ""))
    if len(found) > VIOLATIONS_MAX:
        return [*found[:VIOLATIONS_MAX], Violation("", "more")]
    return found


def _walk(schema: Json, value: Json, path: str) -> Iterator[Violation]:
    for keyword, rule in schema.items():
        if keyword in SIMPLE:
            if not SIMPLE[keyword](rule, value):
                yield Violation(path, keyword)
        elif keyword in NESTED:
            yield from NESTED[keyword](schema, value, path)
        elif keyword not in ANNOTATIONS:
            raise ValueError(f"the tests' own schema checker does not know {keyword}: teach it")


def _required(schema: Json, value: Json, path: str) -> Iterator[Violation]:
    if isinstance(value, dict):
        for name in schema["required"]:
            if name not in value:
                yield Violation(f"{path}/{name}", "required")


def _dependent(schema: Json, value: Json, path: str) -> Iterator[Violation]:
    if isinstance(value, dict):
        for name, needed in schema["dependentRequired"].items():
            for other in needed if name in value else []:
                if other not in value:
                    yield Violation(f"{path}/{other}", "dependentRequired")


def _additional(schema: Json, value: Json, path: str) -> Iterator[Violation]:
    if isinstance(value, dict) and schema["additionalProperties"] is False:
        for name in value:
            if name not in schema.get("properties", {}):
                yield Violation(f"{path}/{name}", "additionalProperties")


def _properties(schema: Json, value: Json, path: str) -> Iterator[Violation]:
    if isinstance(value, dict):
        for name, inner in schema["properties"].items():
            if name in value:
                yield from _walk(inner, value[name], f"{path}/{name}")


def _items(schema: Json, value: Json, path: str) -> Iterator[Violation]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(schema["items"], item, f"{path}/{index}")


def _has_type(rule: Json, value: Json) -> bool:
    names = rule if isinstance(rule, list) else [rule]
    return any(TYPES[name](value) for name in names)


def _number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


TYPES: dict[str, Callable[[Json], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": _number,
    "integer": lambda value: _number(value) and float(value).is_integer(),
}
SIMPLE: dict[str, Callable[[Json, Json], bool]] = {
    "type": _has_type,
    "enum": lambda rule, value: value in rule,
    "minimum": lambda rule, value: not _number(value) or value >= rule,
    "maximum": lambda rule, value: not _number(value) or value <= rule,
    "minLength": lambda rule, value: not isinstance(value, str) or len(value) >= rule,
    "maxLength": lambda rule, value: not isinstance(value, str) or len(value) <= rule,
    "minItems": lambda rule, value: not isinstance(value, list) or len(value) >= rule,
    "maxItems": lambda rule, value: not isinstance(value, list) or len(value) <= rule,
    "pattern": lambda rule, value: not isinstance(value, str) or re.search(rule, value) is not None,
}
NESTED: dict[str, Callable[[Json, Json, str], Iterator[Violation]]] = {
    "required": _required,
    "dependentRequired": _dependent,
    "additionalProperties": _additional,
    "properties": _properties,
    "items": _items,
}
# `format` is annotation only (wire.md section 2).
ANNOTATIONS = frozenset({"$schema", "$id", "title", "description", "format"})
