"""Walks through a JSON Schema as a validator would: which parts are schemas, and where its references lead."""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote

from bus.shell.bodies import shown

PARTS_MAX = 10_000  # with every reference written out; references to references double with every level
REFERENCES_IN_A_ROW_MAX = 32  # nobody can read more, and each takes a place on the stack
_MAPS: Final = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies")
_LISTS: Final = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
_SINGLES: Final = (
    *("additionalProperties", "unevaluatedProperties", "propertyNames", "items", "additionalItems"),
    *("unevaluatedItems", "contains", "contentSchema", "if", "then", "else", "not"),
)
_DEFINITIONS: Final = ("$defs", "definitions")
_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")
_SAME_PLACE: Final = ("allOf", "anyOf", "oneOf", "if", "then", "else", "dependentSchemas")
_ANNOTATIONS: Final = ("contentEncoding", "contentMediaType")  # the validator asserts them in some drafts
Schema = Any  # a bool or an object; anything else is no schema and has no parts
Path = tuple[str | int, ...]


def inner_schemas(schema: Schema) -> Iterator[tuple[Path, Schema]]:
    """The schemas directly inside this one, and the path to each."""
    if not isinstance(schema, dict):
        return
    for name, part in schema.items():
        if name in _MAPS and isinstance(part, dict):
            yield from (((name, key), one) for key, one in part.items() if isinstance(one, dict | bool))
        elif name in _LISTS and isinstance(part, list):
            yield from (((name, index), one) for index, one in enumerate(part))
        elif name in _SINGLES and isinstance(part, dict | bool):
            yield (name,), part


def foreign_references(schema: Schema, path: Path = ()) -> Iterator[Path]:
    """Where a reference leads out of this schema."""
    if isinstance(schema, dict):
        for name in _REFERENCES:
            if not str(schema.get(name, "#")).startswith("#"):
                yield (*path, name)
    for steps, inner in inner_schemas(schema):
        yield from foreign_references(inner, (*path, *steps))


def parts(schema: Schema, root: Schema, followed: tuple[str, ...] = ()) -> int:
    """How many schemas a validator can pass through, counted to just above the bound; LookupError: a dead reference."""
    count = 1
    reference = _pointer_reference(schema)
    if len(followed) > REFERENCES_IN_A_ROW_MAX:
        raise LookupError(f"more than {REFERENCES_IN_A_ROW_MAX} references lead from one to the next")
    if reference and reference not in followed:
        count += parts(_target(root, reference), root, (*followed, reference))
    for steps, inner in inner_schemas(schema):
        if count > PARTS_MAX:
            break
        if steps[0] not in _DEFINITIONS:
            count += parts(inner, root, followed)
    return count


def declared_properties(schema: Schema, root: Schema, followed: tuple[str, ...] = ()) -> Iterator[str]:
    """The properties a schema names for the value itself, in whatever branch of it."""
    if not isinstance(schema, dict):
        return
    yield from schema.get("properties", ())
    reference = _pointer_reference(schema)
    if reference and reference not in followed:
        yield from declared_properties(_target(root, reference), root, (*followed, reference))
    for steps, inner in inner_schemas(schema):
        if steps[0] in _SAME_PLACE:
            yield from declared_properties(inner, root, followed)


def judging(schema: Schema) -> Schema:
    """The schema without the keywords that only describe, said so that the validator names every property."""
    if not isinstance(schema, dict):
        return schema
    kept: dict[str, Any] = {name: part for name, part in schema.items() if name not in _ANNOTATIONS}
    for steps, inner in inner_schemas(schema):
        name = str(steps[0])
        if len(steps) == 1:
            kept[name] = judging(inner)
            continue
        if kept[name] is schema[name]:
            kept[name] = schema[name].copy()
        kept[name][steps[1]] = judging(inner)
    if kept.get("additionalProperties") is False:
        kept.setdefault("properties", {})  # without it the validator says no to the object as a whole
    return kept


def _pointer_reference(schema: Schema) -> str:
    reference = schema.get("$ref") if isinstance(schema, dict) else None
    return reference if isinstance(reference, str) and reference.startswith("#/") else ""


def _target(root: Schema, reference: str) -> Schema:
    found = root
    for token in unquote(reference).split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        try:
            found = found[int(name)] if isinstance(found, list) else found[name]
        except (LookupError, TypeError, ValueError):
            raise LookupError(f"{shown(reference)} points to nothing in this schema") from None
    return found
