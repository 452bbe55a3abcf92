"""Writes a value of the core as text and reads it back as it was, so that the index keeps how a resource stood.

Fields that have their default are left out: most resources are held or free, and nothing else.
"""

import json
import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from bus.core.log.records import canonical

Value = TypeVar("Value")


def as_text(value: object) -> str:
    """A value of one of the core's dataclasses as canonical JSON."""
    return canonical(_written(value)).decode()


def from_text(kind: type[Value], text: str) -> Value:
    """Read it back; raises KeyError, TypeError or ValueError if the text is of another form."""
    found: Value = _read(kind, json.loads(text))
    return found


def _written(value: Any) -> Any:  # Any: one of the core's values, and JSON
    if is_dataclass(value):
        return {
            field.name: _written(getattr(value, field.name))
            for field in fields(value)
            if getattr(value, field.name) != _default(field)
        }
    if isinstance(value, Mapping):
        return {name: _written(item) for name, item in value.items()}
    if isinstance(value, frozenset):
        return sorted(value)
    return [_written(item) for item in value] if isinstance(value, tuple) else value


def _default(field: "Field[Any]") -> object:
    return field.default_factory() if field.default_factory is not MISSING else field.default


@cache
def _hints(kind: type) -> dict[str, Any]:  # Any: annotations
    return get_type_hints(kind)


def _read(kind: Any, value: Any) -> Any:  # Any: an annotation, and JSON
    origin, inner = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        assert isinstance(kind, type)
        return kind(**{name: _read(_hints(kind)[name], item) for name, item in value.items()})
    if origin in (Union, types.UnionType):
        return _read_one_of(inner, value)
    if origin is tuple:
        return _read_tuple(inner, value)
    if origin is frozenset:
        return frozenset(value)
    if origin is not None and origin is not Literal and issubclass(origin, Mapping):
        return {name: _read(inner[1], item) for name, item in value.items()}
    return value


def _read_one_of(kinds: tuple[Any, ...], value: Any) -> Any:  # Any: as above
    """None, a plain value, or the one kind among them that has parts of its own."""
    if not isinstance(value, list | dict):
        return value
    made = next(one for one in kinds if is_dataclass(one) or get_origin(one) is not None)
    return _read(made, value)


def _read_tuple(inner: tuple[Any, ...], value: Any) -> tuple[Any, ...]:  # Any: as above
    if len(inner) == 2 and inner[1] is Ellipsis:
        return tuple(_read(inner[0], item) for item in value)
    return tuple(_read(kind, item) for kind, item in zip(inner, value, strict=True))
