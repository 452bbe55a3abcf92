"""Tells whether a row or an entry has the form this engine knows, field by field, before anything relies on it."""

import types
from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any, Literal, Union, get_args, get_origin

from bus.core.decision.entries import Entry
from bus.core.decision.reasons import GateReason
from bus.core.gate import Verdict

_ROW = (int, str, str, str, str, str, int, list)
_REASONS = {
    "forwarded": frozenset({""}),
    "duplicate": frozenset({GateReason.DUPLICATE.value}),
    "refused": frozenset(reason.value for reason in GateReason) - {GateReason.DUPLICATE.value},
}
assert set(_REASONS) == set(get_args(Verdict)), "a verdict of the gate has no reasons"


def is_row(item: object, partitions: int) -> bool:
    """Is this JSON a row of a gate of a bus with so many partitions?"""
    if not isinstance(item, list) or len(item) != len(_ROW):
        return False
    if not all(fits(part, kind) for part, kind in zip(item, _ROW, strict=True)):
        return False
    return item[2] in _REASONS.get(item[1], ()) and all(fits(p, int) and 0 <= p < partitions for p in item[7])


def is_entry(entry: Entry) -> bool:
    """Do all fields of an entry that was read have the types they should?"""
    if not _fields_fit(entry) or (entry.basis is None) != (entry.verdict in ("repeat", "tick")):
        return False
    if entry.basis is not None and not _fields_fit(entry.basis):
        return False
    for event in entry.events:
        pairs = all(fits(lane, str) and fits(agent, str) for lane, agent in event.to)
        if not (pairs and fits(event.n, int) and fits(event.subject, str) and _fields_fit(event.what)):
            return False
    return True


def fits(value: object, kind: Any) -> bool:  # Any: an annotation
    """Is the value of this type? True is no integer."""
    origin = get_origin(kind)
    if origin is Literal:
        return value in get_args(kind)
    if origin in (Union, types.UnionType):
        return any(fits(value, one) for one in get_args(kind))
    if origin is tuple:
        return isinstance(value, tuple) and _all_fit(value, get_args(kind))
    if origin is not None:
        return isinstance(value, Mapping)
    return isinstance(value, kind) and not (kind is int and isinstance(value, bool))


def _all_fit(values: tuple[object, ...], kinds: tuple[Any, ...]) -> bool:  # Any: annotations
    """Are these values of the types of a tuple: any number of one type, or one after the other?"""
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return all(fits(one, kinds[0]) for one in values)
    return len(values) == len(kinds) and all(fits(one, kind) for one, kind in zip(values, kinds, strict=True))


def _fields_fit(value: Any) -> bool:  # Any: one of the core's dataclasses
    own: tuple[Field[Any], ...] = fields(value)
    return all(fits(getattr(value, field.name), field.type) for field in own)
