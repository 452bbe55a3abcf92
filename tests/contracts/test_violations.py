"""A refusal says where, by which keyword and what to do, in a bounded form that never repeats the sender's values."""

import json
from typing import Any

import pytest

from bus.core.policy.contracts import MESSAGE_CHARACTERS_MAX, Violation
from bus.shell.advice import HINT_CHARACTERS_MAX, PATH_CHARACTERS_MAX
from tests.contracts.examples import contract_of, judge_with, places, violations_of

SECRET = "4111-1111-1111-1111"


def _found(schema: dict[str, Any], body: object) -> tuple[Violation, ...]:  # Any: a schema
    return violations_of(judge_with(contract_of(schema), body))


@pytest.mark.parametrize(
    ("schema", "body", "place"),
    [
        ({"required": ["a"]}, {}, ("/a", "required")),
        ({"properties": {"w": {"required": ["to_ms"]}}}, {"w": {}}, ("/w/to_ms", "required")),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, ("/b", "dependentRequired")),
        ({"additionalProperties": False}, {"a/b~": 1}, ("/a~1b~0", "additionalProperties")),
        ({"unevaluatedProperties": False}, {"x": 1}, ("/x", "unevaluatedProperties")),
        ({"propertyNames": {"maxLength": 1}}, {"xx": 1}, ("/xx", "propertyNames")),
        ({"items": {"required": ["p"]}}, [{"p": 1}, {}], ("/1/p", "required")),
        ({"properties": {"a": {"enum": [1]}}}, {"a": 2}, ("/a", "enum")),
        ({"const": 1}, 2, ("", "const")),
        ({"contains": {"const": 1}}, [2], ("", "contains")),
        ({"contains": {"const": 1}, "maxContains": 1}, [1, 1], ("", "maxContains")),
        ({"uniqueItems": True}, [1, 1], ("", "uniqueItems")),
        ({"not": {}}, 1, ("", "not")),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 1, ("", "anyOf")),
        ({"oneOf": [{"minimum": 1}, {"minimum": 2}]}, 3, ("", "oneOf")),
        ({"if": {"const": 1}, "then": {"type": "null"}}, 1, ("", "type")),
        ({"prefixItems": [{}], "unevaluatedItems": False}, [1, 2], ("", "unevaluatedItems")),
    ],
)
def test_a_violation_leads_to_its_place(schema: dict[str, Any], body: object, place: tuple[str, str]) -> None:
    """Path and keyword are those of the wire; of a property that lacks or is too much, the path ends in it."""
    assert [(one.path, one.keyword) for one in _found(schema, body)] == [place]


def test_all_violations_come_at_once_and_in_order() -> None:
    """Three missing, one too much, one wrong: five violations, sorted by path and keyword."""
    schema = {"required": ["z", "b", "a"], "properties": {"m": {"type": "string"}, "z": {}, "a": {}, "b": {}}}
    answer = judge_with(contract_of({**schema, "additionalProperties": False}), {"m": 1, "x": 1})
    assert places(answer) == [
        ("/a", "required"),
        ("/b", "required"),
        ("/m", "type"),
        ("/x", "additionalProperties"),
        ("/z", "required"),
    ]


@pytest.mark.parametrize(("count", "told"), [(20, 20), (21, 21), (6000, 21)])
def test_more_than_twenty_are_cut(count: int, told: int) -> None:
    """Twenty are told, the first in order; one more says that there are more."""
    answer = judge_with(contract_of({"additionalProperties": False}), {f"k{n:04}": 1 for n in range(count)})
    assert places(answer)[:20] == [(f"/k{n:04}", "additionalProperties") for n in range(20)]
    assert len(places(answer)) == told
    assert (("", "more") in places(answer)) is (count > 20)


HINTS = [
    (
        {"required": ["to_ms"], "properties": {"to_ms": {"type": "integer", "description": "The end."}}},
        {},
        "add /to_ms: integer (The end.)",
    ),
    ({"required": ["s"], "properties": {"s": {"enum": ["a", "b"]}}}, {}, 'add /s: one of "a", "b"'),
    ({"additionalProperties": False}, {"x": 1}, "leave it out"),
    (
        {"properties": {"claimants": True, "lease_ms": True}, "additionalProperties": False},
        {"claimant": 1},
        "did you mean claimants? If not, leave it out",
    ),
    (
        {"properties": {"claimants": True}, "additionalProperties": False},
        {"claimant": 1, "claimants": 2},
        "leave it out",
    ),
    (
        {"$defs": {"a": {"properties": {"kilos": True}}}, "$ref": "#/$defs/a", "unevaluatedProperties": False},
        {"kilo": 1},
        "did you mean kilos? If not, leave it out",
    ),
    ({"properties": {"n": {"minimum": 1, "description": "How many."}}}, {"n": 0}, "How many."),
    (
        {"anyOf": [{"type": "string"}, {"required": ["q"], "type": "object"}]},
        {"a": 1},
        "form 2 is nearest: /q q is required",
    ),
]


@pytest.mark.parametrize(("schema", "body", "hint"), HINTS)
def test_a_hint_says_what_to_do(schema: dict[str, Any], body: object, hint: str) -> None:
    """An agent that reads only the hint knows what to send next."""
    assert [one.hint for one in _found(schema, body)] == [hint]


MESSAGES = [
    ({"enum": ["a", "b"]}, 'must be one of: "a", "b"'),
    ({"minimum": 10_000, "type": "integer"}, "must be an integer"),
    ({"type": ["integer", "null"]}, "must be an integer or null"),
    ({"maxLength": 3}, "must have at most 3 characters"),
    ({"maxLength": 1}, "must have at most 1 character"),
    ({"pattern": "^x$"}, "must be text matching ^x$"),
    ({"const": {"a": 1}}, 'must be exactly {"a": 1}'),
]


@pytest.mark.parametrize(("schema", "message"), MESSAGES)
def test_a_message_says_what_must_be(schema: dict[str, Any], message: str) -> None:
    """The message comes from the schema, and the value is not in it."""
    assert [one.message for one in _found(schema, SECRET)] == [message]


LOOSE = [
    {"enum": ["a"]},
    {"type": "integer"},
    {"maxLength": 3},
    {"minLength": 90},
    {"pattern": "^x$"},
    {"const": 1},
    {"not": {"type": "string"}},
    {"anyOf": [{"const": 1}, {"maxLength": 2}]},
    {"oneOf": [{"const": 1}, {"maxLength": 2}]},
    {"allOf": [{"type": "null"}]},
    False,
]


@pytest.mark.parametrize("schema", LOOSE, ids=json.dumps)
def test_a_value_is_never_repeated(schema: object) -> None:
    """Whatever keyword fails, neither message nor hint holds the value."""
    answer = judge_with(contract_of({"properties": {"card": schema}}), {"card": SECRET})
    assert violations_of(answer)
    assert not [one for one in violations_of(answer) if SECRET in one.message + one.hint]


def test_a_hostile_name_is_escaped_and_cut() -> None:
    """A property's name of 30,000 characters, with line breaks and quotes, makes no long or broken answer."""
    name = 'a"\n\x1b[31m' * 4000
    schema = {"propertyNames": {"maxLength": 9}, "additionalProperties": False, "maxProperties": 0}
    for one in _found(schema, {name: 1}):
        assert len(one.path) <= PATH_CHARACTERS_MAX
        assert len(one.message) <= MESSAGE_CHARACTERS_MAX
        assert len(one.hint) <= HINT_CHARACTERS_MAX
        assert "\n" not in one.message + one.hint


def test_a_long_enumeration_fits_the_message() -> None:
    """A schema with a thousand values does not make an answer of a thousand values."""
    (one,) = _found({"enum": [f"value-{n}" for n in range(1000)]}, 1)
    assert len(one.message) == MESSAGE_CHARACTERS_MAX
    assert one.message.endswith("...")
