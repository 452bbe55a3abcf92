"""Reads Avro bodies with the contract's schema, as the JSON values that pointers and rules can work on.

Logical types are left out: a timestamp stays the integer it is on the wire, a decimal its bytes. ``bytes`` and
``fixed`` become base64 text, an enum its symbol. Integers beyond 2**53 - 1, NaN and infinities are refused as in JSON.

A schema is refused at registration if a short body could make its reader work for ever: a type that contains itself
(the reader recurses without a bound), and arrays or maps of items that take no bytes (a count alone fills the memory).
"""

import base64
import io
from collections.abc import Iterator, Mapping
from typing import Any

import fastavro

from bus.core.policy.contracts import Violation
from bus.shell.bodies import DEPTH_MAX, Readable, Unreadable, check_number, read_json, shown, unreadable

SCHEMA_DEPTH_MAX = 64  # a schema nests about twice as deep as the values it describes
SCHEMA_PARTS_MAX = 10_000  # with all names written out; types of types of types double with every level
_NAMED = ("record", "error", "enum", "fixed")
_PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})
Schema = Any  # an Avro schema: a name, a list (union) or an object


class AvroBodies:
    """Bodies of one Avro schema."""

    def __init__(self, parsed: Schema, fields: frozenset[str]) -> None:
        self._parsed = parsed
        self.fields = fields

    def read(self, body: bytes | None) -> Readable | Unreadable:
        """Read one body to its last byte; never raises, whatever the bytes are."""
        if not body:
            return unreadable("empty", "the body is empty", "send one Avro value")
        stream = io.BytesIO(body)
        try:
            value = fastavro.schemaless_reader(stream, self._parsed, None)
        except Exception as error:  # noqa: BLE001  (fastavro raises whatever its reader runs into)
            return unreadable("avro", f"not Avro of this schema ({type(error).__name__})", "serialize with its schema")
        if stream.read(1):
            return unreadable("avro", "bytes are left over after the value", "send one Avro value and nothing else")
        try:
            return Readable(_as_json(value, 0))
        except ValueError as error:
            return unreadable("avro", str(error), "stay within the bounds that JSON bodies have")


def compile_avro(text: str) -> AvroBodies | list[Violation]:
    """Prepare an Avro schema; what is wrong with it, if it cannot be used."""
    read = read_json(text.encode("utf-8", "replace"), depth_max=SCHEMA_DEPTH_MAX)
    if isinstance(read, Unreadable):
        return [Violation(f"/schema{one.path}", one.keyword, "", one.message, one.hint) for one in read.violations]
    try:
        parsed = fastavro.parse_schema(_without_logical_types(read.value))
        complaint = _Inspection().complaint(parsed)
    except Exception as error:  # noqa: BLE001  (fastavro raises whatever its parser runs into)
        return [
            Violation("/schema", "avro", "", f"not an Avro schema: {str(error)[:120]}", "see the Avro specification")
        ]
    if complaint:
        return [Violation("/schema", "avro", "", complaint, "choose a type whose values are bounded by their bytes")]
    return AvroBodies(parsed, frozenset(_field_names(parsed)))


def _as_json(value: Any, depth: int) -> Any:  # Any: JSON values
    match value:
        case dict() | list() if depth >= DEPTH_MAX:
            raise ValueError(f"nested deeper than {DEPTH_MAX}")
        case dict():
            return {name: _as_json(item, depth + 1) for name, item in value.items()}
        case list():
            return [_as_json(item, depth + 1) for item in value]
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case int() | float():
            check_number(value)
        case _:
            pass  # texts and null are the same in JSON
    return value


def _without_logical_types(schema: Schema) -> Schema:
    if isinstance(schema, list):
        return [_without_logical_types(one) for one in schema]
    if isinstance(schema, dict):
        return {name: _without_logical_types(part) for name, part in schema.items() if name != "logicalType"}
    return schema


def _field_names(schema: Schema) -> Iterator[str]:
    if isinstance(schema, Mapping) and schema.get("type") == "record":
        yield from (field["name"] for field in schema.get("fields", ()))


class _Inspection:
    """Follows a schema with every named type written out, as a reader would, and says what has no bound."""

    def __init__(self) -> None:
        self._known: dict[str, Schema] = {}
        self._parts = 0

    def complaint(self, schema: Schema, inside: tuple[str, ...] = ()) -> str:
        """Say why a short body of this schema could take for ever to read; "" if it cannot."""
        self._parts += 1
        if self._parts > SCHEMA_PARTS_MAX:
            return f"written out it has more than {SCHEMA_PARTS_MAX} parts"
        if isinstance(schema, list):
            return self._first_complaint(schema, inside)
        if isinstance(schema, str):
            if schema in inside:
                return f"the type {shown(schema)} contains itself"
            return self.complaint(self._known[schema], inside) if schema in self._known else ""
        kind = schema["type"]
        if kind in _NAMED:
            return self._complaint_of_named(schema, inside)
        if kind == "array" and self._takes_no_bytes(schema["items"]):
            return "an array of items that take no bytes has no bound"
        if kind in ("array", "map"):
            return self.complaint(schema["items" if kind == "array" else "values"], inside)
        return "" if isinstance(kind, str) and kind in _PRIMITIVES else self.complaint(kind, inside)

    def _complaint_of_named(self, schema: Mapping[str, Any], inside: tuple[str, ...]) -> str:
        name = str(schema["name"])  # in full: the parser has added the namespaces
        self._known[name] = schema
        return self._first_complaint([field["type"] for field in schema.get("fields", ())], (*inside, name))

    def _first_complaint(self, schemas: list[Schema], inside: tuple[str, ...]) -> str:
        return next(filter(None, (self.complaint(schema, inside) for schema in schemas)), "")

    def _takes_no_bytes(self, schema: Schema) -> bool:
        """Say whether a value may be of no length at all (a union is preceded by its index, a text by its length)."""
        if isinstance(schema, str):
            return schema == "null" or (schema in self._known and self._takes_no_bytes(self._known[schema]))
        if isinstance(schema, list):
            return False
        kind = schema["type"]
        if kind in ("record", "error"):
            return all(self._takes_no_bytes(field["type"]) for field in schema.get("fields", ()))
        if kind == "fixed":
            return bool(schema["size"] == 0)
        return kind not in ("array", "map", "enum") and self._takes_no_bytes(kind)
