"""Warns of terms under which no claim can succeed: they wait for a value that no contract in force can state."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bus.core.policy.contracts import Contract
    from bus.core.policy.terms import Terms

REFERENCES_MAX = 32  # as the bus itself allows; more is a loop
NOTHING: Mapping[str, Any] = {}  # Any: a schema. One that allows everything


def fact_warnings(terms: "Terms", contracts: Iterable["Contract"]) -> Iterator[str]:
    """A sentence for each value in ``when`` that nobody can state, as far as the schemas of its facts tell."""
    sources = [one for one in contracts if one.fact is not None and one.resource == terms.resource]
    for name, values in (terms.when or {}).items():
        stating = [one for one in sources if one.fact is not None and one.fact.name == name]
        if not stating:
            yield (
                f"the terms of {terms.resource} wait for the fact {name}, which no contract in force states: "
                "no claim succeeds until one does"
            )
        schemas = [_schema_of(one) for one in stating]
        for value in values:
            if stating and not any(_is_allowed(value, schema) for schema in schemas):
                types = " or ".join(one.type for one in stating)
                yield (
                    f"the terms of {terms.resource} wait for {name} to be {json.dumps(value)}, which {types} "
                    f"cannot state{_needed(schemas[0])}{_why(value)}"
                )


def _schema_of(contract: "Contract") -> Mapping[str, Any]:  # Any: a schema
    """What the schema demands of the fact's value; NOTHING if that cannot be told from it."""
    assert contract.fact is not None
    if contract.format != "json":
        return NOTHING
    root = json.loads(contract.schema)
    found = root
    for step in contract.fact.pointer.split("/")[1:]:
        found = _followed(found, root)
        name = step.replace("~1", "/").replace("~0", "~")
        properties = found.get("properties", {}) if isinstance(found, dict) else {}
        if name not in properties:
            return NOTHING
        found = properties[name]
    found = _followed(found, root)
    if not isinstance(found, dict):
        return NOTHING
    return {**{name: root[name] for name in ("$schema", "$defs", "definitions") if name in root}, **found}


def _followed(schema: Any, root: Any) -> Any:  # Any: schemas
    """Where its references within the schema lead."""
    for _ in range(REFERENCES_MAX):
        reference = schema.get("$ref", "") if isinstance(schema, dict) else ""
        if not reference.startswith("#/"):
            break
        schema = root
        for step in reference.split("/")[1:]:
            schema = schema.get(step, {}) if isinstance(schema, dict) else {}
    return schema


def _is_allowed(value: object, schema: Mapping[str, Any]) -> bool:
    import jsonschema_rs

    try:
        return jsonschema_rs.validator_for(dict(schema)).is_valid(value)
    except ValueError:  # a reference that leads elsewhere: the bus will tell
        return True


def _needed(schema: Mapping[str, Any]) -> str:
    if "const" in schema:
        return f" (only {json.dumps(schema['const'])})"
    if "enum" in schema:
        return f" (only {', '.join(json.dumps(one) for one in schema['enum'])})"
    types = schema.get("type", ())
    named = [types] if isinstance(types, str) else list(types)
    return f" (its type is {' or '.join(named)})" if named else ""


def _why(value: object) -> str:
    if isinstance(value, bool):
        return ': no claim succeeds by it. YAML reads a bare yes, no, on or off as true or false: write "yes" in quotes'
    return ": no claim succeeds by it"
