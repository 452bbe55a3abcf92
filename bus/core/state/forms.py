"""Writes the values of the core as JSON and reads them back, by their declared types: the same value, the same bytes.

A dataclass becomes an object without the fields that stand at their default; a frozenset a sorted list; a tuple a list.
What this makes of a type is part of a snapshot's format: tests/core/test_state_forms.py holds every field and default.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from bus.core.frozen import dataclass

Turn = Callable[[Any], Any]  # Any: a value of the core on one side, JSON on the other
PLAIN = (str, int, bool, NoneType)
_NO_DEFAULT = object()


@dataclass(frozen=True, slots=True)
class Form:
    """How one type is written and read; None where a value stands for itself."""

    write: Turn | None = None
    read: Turn | None = None


AS_IT_IS = Form()


@cache
def form_of(kind: Any) -> Form:  # Any: whatever a field may be annotated with
    """The form of a type; raises TypeError for one that no state has so far."""
    origin = get_origin(kind)
    if kind in PLAIN or origin is Literal:
        return AS_IT_IS
    if origin in (Union, UnionType):
        return _either(get_args(kind))
    if origin is tuple:
        return _tuple(get_args(kind))
    if origin is frozenset and get_args(kind) == (str,):
        return Form(sorted, frozenset)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(*get_args(kind))
    if is_dataclass(kind) and isinstance(kind, type):
        return _record(kind)
    raise TypeError(f"a state has no form for {kind}")


def fields_of(kind: type) -> list[tuple[str, Any, Any]]:  # Any: annotation and default
    """Name, type and default of each field, in order; a default that is none is `MISSING`."""
    hints = get_type_hints(kind)
    return [(one.name, hints[one.name], _default(one)) for one in fields(kind)]


def _default(one: Any) -> Any:  # Any: a field of a dataclass, and what it stands at
    return one.default_factory() if one.default_factory is not MISSING else one.default


def _either(kinds: tuple[Any, ...]) -> Form:
    """One of plain values, or one other kind or nothing: what else there is could not be told apart."""
    others = [kind for kind in kinds if form_of(kind) is not AS_IT_IS]
    if not others:
        return AS_IT_IS
    if len(others) > 1 or any(kind is not NoneType for kind in kinds if kind not in others):
        raise TypeError(f"a state has no form for one of {kinds}")
    inner = form_of(others[0])
    return Form(_unless_none(inner.write), _unless_none(inner.read))


def _unless_none(turn: Turn | None) -> Turn | None:
    return None if turn is None else lambda value: None if value is None else turn(value)


def _tuple(kinds: tuple[Any, ...]) -> Form:
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        inner = form_of(kinds[0])
        return Form(_each(inner.write, list), _each(inner.read, tuple))
    inners = [form_of(kind) for kind in kinds]
    return Form(_in_turn([one.write for one in inners], list), _in_turn([one.read for one in inners], tuple))


def _each(turn: Turn | None, into: Callable[[Any], Any]) -> Turn:
    return into if turn is None else lambda values: into([turn(value) for value in values])


def _in_turn(turns: list[Turn | None], into: Callable[[Any], Any]) -> Turn:
    return lambda values: into([turn(v) if turn else v for turn, v in zip(turns, values, strict=True)])


def _mapping(key: Any, item: Any) -> Form:  # Any: annotations
    if key is not str:
        raise TypeError(f"a state has no form for keys of {key}")
    inner = form_of(item)
    return Form(_items(inner.write), _items(inner.read))


def _items(turn: Turn | None) -> Turn:
    return dict if turn is None else lambda found: {name: turn(value) for name, value in found.items()}


def _record(kind: type) -> Form:
    parts = [(name, default, form_of(hint)) for name, hint, default in fields_of(kind)]
    writes = [(name, _NO_DEFAULT if default is MISSING else default, form.write) for name, default, form in parts]
    reads = {name: form.read for name, _, form in parts}

    def write(value: Any) -> dict[str, Any]:  # Any: as above
        found = {}
        for name, default, turn in writes:
            item = getattr(value, name)
            if item is not default and item != default:
                found[name] = turn(item) if turn else item
        return found

    def read(found: Mapping[str, Any]) -> Any:  # Any: as above
        return kind(**{name: turn(item) if (turn := reads[name]) else item for name, item in found.items()})

    return Form(write, read)
