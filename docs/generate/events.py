"""The page of events: every kind with its meaning and its fields, from the classes that journals are written from."""

import dataclasses
import inspect
import types
import typing
from typing import Any, Literal

from bus.core.decision import events
from docs.generate import tables

INTRODUCTION = """
What the bus decided, as it stands in the journal, on `bus.outcomes` and, for each lane it concerns, on
`bus.out.<lane>`. JSON; times are epoch milliseconds; a field marked `?` is absent when there is nothing to say, never
null.

Every event has `n` (its number in the entry), `kind`, `to` (`[[lane, agent], …]`, whom it concerns) and `subject`?.
Sent out it has more: `decision` (its id in the journal), `id` and `src` (the message it answers and where that stands;
both empty for what a tick brought about) and `at`. An answer is yours if its `id` is your `ce_id` and you are in `to`.
"""
GATE = """
## From the gate

The gate answers on `bus.out.<lane>` alone, in the same form, with `n` 0 and the decision id `<lane>.<offset>`:
`refused` (with `violations`?, each `{path, keyword, rule, message, hint}`), `control_set`, and
"""
DUPLICATE = (
    "`duplicate`",
    "The same message was there before; the first answer counts.",
    "`agent` text, `type` text, `of` text (the first decision)",
)


def page() -> str:
    """The text of docs/reference/events.md."""
    kinds = typing.get_args(events.What)
    rows = [(f"`{kind.kind}`", _meaning(kind), _fields(kind)) for kind in kinds]
    columns = ("Kind", "What happened", "Fields")
    return tables.page(
        "Events",
        INTRODUCTION,
        "## From the arbiter",
        tables.table(columns, rows),
        GATE,
        tables.table(columns, [DUPLICATE]),
    )


def _meaning(kind: type[Any]) -> str:  # Any: the classes of the union `What`
    return tables.sentence(inspect.getdoc(kind) or "").replace("None", "null")  # Python's word, and JSON's


def _fields(kind: type[Any]) -> str:  # Any: as above
    hints = typing.get_type_hints(kind)
    return ", ".join(_field(kind, field, hints[field.name]) for field in dataclasses.fields(kind))


def _field(kind: type[Any], field: "dataclasses.Field[Any]", hint: Any) -> str:  # Any: type hints
    parts = [part for part in typing.get_args(hint) if part is not types.NoneType] if _is_union(hint) else [hint]
    is_nullable = (kind.kind, field.name) in events.NULLABLE
    is_absent = _is_union(hint) and len(parts) < len(typing.get_args(hint)) and not is_nullable
    text = " or ".join(_type(part) for part in parts) + (" or null" if is_nullable else "")
    return f"`{field.name}`{'?' if is_absent else ''} {text}"


def _name(field: "dataclasses.Field[Any]") -> str:  # Any: type hints
    is_optional = field.default is not dataclasses.MISSING
    return f"{field.name.rstrip('_')}{'?' if is_optional else ''}"  # `is` is a word of Python


def _is_union(hint: Any) -> bool:  # Any: type hints
    return typing.get_origin(hint) in (types.UnionType, typing.Union)


def _type(hint: Any) -> str:  # Any: type hints
    if typing.get_origin(hint) is Literal:
        return " / ".join(f"`{value}`" for value in typing.get_args(hint))
    if dataclasses.is_dataclass(hint):
        names = ", ".join(_name(field) for field in dataclasses.fields(hint))
        return f"{{{names}}}"
    return {str: "text", int: "integer", bool: "true or false"}.get(hint, "JSON")
