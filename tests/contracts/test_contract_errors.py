"""A contract that cannot be used is refused when it is registered, with the place and a sentence."""

import json
import socket
from typing import Any

import pytest

from bus.core.policy.contracts import FactSource
from bus.shell.validation import ABSENT, ContractError, compile_contract, pointer_value
from tests.contracts.examples import contract_of


def _refused(schema: object, **parts: Any) -> tuple[str, str]:  # Any: fields of a contract
    with pytest.raises(ContractError) as caught:
        compile_contract(contract_of(schema, **parts))
    first = caught.value.violations[0]
    assert first.message
    assert first.hint
    assert str(caught.value).count("\n") == 0
    return first.path, first.keyword


def _nested(levels: int) -> dict[str, Any]:  # Any: a schema
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"not": schema}
    return schema


DOUBLING = {
    "$defs": {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(30)} | {"a30": {}},
    "$ref": "#/$defs/a0",
}


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        ("{", ("/schema", "json")),
        ("", ("/schema", "empty")),
        ('{"type":"object","type":"array"}', ("/schema", "duplicate")),
        ([], ("/schema", "type")),
        ({"$schema": "http://json-schema.org/draft-03/schema#"}, ("/schema/$schema", "$schema")),
        ({"$schema": 4}, ("/schema/$schema", "$schema")),
        ({"properties": {"a": {"type": "foo"}}}, ("/schema/properties/a/type", "anyOf")),
        ({"properties": {"a": {"minLength": -1}}}, ("/schema/properties/a/minLength", "minimum")),
        ({"required": "a"}, ("/schema/required", "type")),
        ({"properties": {"a": {"pattern": "(?=x)"}}}, ("/schema/properties/a/pattern", "pattern")),
        ({"pattern": "(?<!x)a"}, ("/schema/pattern", "pattern")),
        ({"pattern": "(a)\\1"}, ("/schema/pattern", "pattern")),
        ({"pattern": "("}, ("/schema/pattern", "pattern")),
        ({"pattern": "\\w{100000}"}, ("/schema/pattern", "pattern")),
        ({"patternProperties": {"(?!x)": {}}}, ("/schema/patternProperties/(?!x)", "pattern")),
        ({"$ref": "#/$defs/none"}, ("/schema", "$ref")),
        ({"$ref": "#none"}, ("/schema", "schema")),
        (DOUBLING, ("/schema", "$ref")),
        (_nested(70), ("/schema", "depth")),
    ],
)
def test_a_bad_schema_is_pointed_at(schema: object, place: tuple[str, str]) -> None:
    """Broken JSON, a broken schema, a pattern without a bound, a dead reference: each has its place."""
    assert _refused(schema) == place


@pytest.mark.parametrize("keyword", ["$ref", "$dynamicRef"])
@pytest.mark.parametrize("target", ["http://127.0.0.1:9/x", "file:///etc/hostname", "other.json", "urn:x:y"])
def test_nothing_is_ever_fetched(keyword: str, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reference out of the schema is refused without opening a connection, wherever it stands."""
    monkeypatch.setattr(socket, "socket", None)
    place = f"/schema/properties/default/{keyword}"
    assert _refused({"properties": {"default": {keyword: target}}}) == (place, keyword)


def test_a_reference_hidden_where_no_schema_is_fetches_nothing() -> None:
    """A reference behind an unknown keyword is followed by the validator alone, which is offline."""
    schema = {"x-parts": {"a": {"$ref": "http://127.0.0.1:9/x"}}, "$ref": "#/x-parts/a"}
    with pytest.raises(ContractError):
        compile_contract(contract_of(schema))


@pytest.mark.parametrize(
    "schema", [_nested(63), {"pattern": "^\\p{L}+$"}, True, {"$ref": "#"}, {"const": {"$ref": "x:y"}}]
)
def test_an_unusual_schema_is_taken(schema: object) -> None:
    """Deep, with Unicode classes, always true, endless or about references: odd, and in order."""
    assert compile_contract(contract_of(schema)).contract.revision == 3


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        ({"key": "lead_id"}, "/contract/key"),
        ({"key": "/lead~2"}, "/contract/key"),
        ({"key": "/other"}, "/contract/key"),
        ({"cost": "/other/0"}, "/contract/cost"),
        ({"fact": FactSource("stage", "/other", "crm")}, "/contract/fact/pointer"),
    ],
)
def test_a_pointer_to_nowhere_is_refused(parts: dict[str, Any], path: str) -> None:
    """A pointer must be one, and lead to a field that a closed schema knows."""
    schema = {"type": "object", "properties": {"lead_id": {}}, "additionalProperties": False}
    assert _refused(schema, **parts) == (path, "pointer")


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", {"a/b": [10, {"~": None}], "": 1}),
        ("/a~1b/0", 10),
        ("/a~1b/1/~0", None),
        ("/", 1),
        ("/a~1b/01", ABSENT),
        ("/a~1b/-", ABSENT),
        ("/a~1b/2", ABSENT),
        ("/a~1b/0/x", ABSENT),
        ("/x", ABSENT),
    ],
)
def test_a_pointer_finds_its_value(pointer: str, value: object) -> None:
    """RFC 6901: escapes, array indexes without leading zeros, and null is not absent."""
    body = json.loads('{"a/b": [10, {"~": null}], "": 1}')
    found = pointer_value(body, pointer)
    assert found is value if value is ABSENT else found == value


def test_all_unfit_pointers_are_named_at_once() -> None:
    """Whoever registers a contract sees everything that is wrong with it, not the first."""
    with pytest.raises(ContractError) as caught:
        compile_contract(contract_of({"additionalProperties": False}, key="/a", cost="b"))
    assert [one.path for one in caught.value.violations] == ["/contract/cost", "/contract/key"]
