"""Our judgement of a body is that of the reference implementation, on bodies nobody thought of."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend, validator_for

from bus.shell.json_schema import JsonSchema, compile_json_schema
from tests.contracts.examples import EXAMPLES_BY_TYPE, contracts

ONE_EACH = ("required", "dependentRequired", "additionalProperties")


def _pattern(_: object, pattern: str, instance: object, __: object) -> Iterator[ValidationError]:
    """Python's ``$`` matches before a line break as well; a schema's does not."""
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield ValidationError("does not match")


def reference(schema: Any) -> Any:  # Any: the reference implementation's classes carry no types
    """The reference implementation for a schema."""
    make: Any = extend
    return make(validator_for(schema), {"pattern": _pattern})(schema)


def compiled(schema: object) -> JsonSchema:
    """Our form of a schema."""
    made = compile_json_schema(json.dumps(schema))
    assert isinstance(made, JsonSchema), made
    return made


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 10_001)
    | st.floats(-9, 9, width=16)
    | st.text("aZ-./:@{}9 é\n", max_size=70)
)
ODD = (
    SCALARS
    | st.lists(SCALARS, max_size=3)
    | st.dictionaries(st.sampled_from(["token", "a/b", "~"]), SCALARS, max_size=2)
)


@st.composite
def changed_bodies(draw: st.DrawFn, bodies: list[Any]) -> Any:  # Any: JSON
    """A good body with a few places changed, added or left out."""
    body = json.loads(json.dumps(draw(st.sampled_from(bodies))))
    for _ in range(draw(st.integers(0, 3))):
        here = draw(st.sampled_from([body, *_containers(body)]))
        if isinstance(here, dict):
            name = draw(st.sampled_from([*here, "extra", "to", "all"]))
            if draw(st.booleans()):
                here.pop(name, None)
            else:
                here[name] = draw(ODD)
        elif isinstance(here, list):
            here.insert(0, draw(ODD))
        else:
            body = draw(ODD)
    return body


def _containers(body: Any) -> list[Any]:  # Any: JSON
    inner = list(body.values()) if isinstance(body, dict) else body if isinstance(body, list) else []
    found = [one for one in inner if isinstance(one, dict | list)]
    return found + [deeper for one in found for deeper in _containers(one)]


@pytest.mark.parametrize("message_type", EXAMPLES_BY_TYPE)
def test_our_schemas_are_read_as_the_reference_reads_them(message_type: str) -> None:
    """Same bodies accepted, same bodies refused, for every schema we ship."""
    schema = json.loads(contracts()[message_type].contract.schema)
    ours, oracle = compiled(schema), reference(schema)

    @settings(max_examples=60)
    @given(changed_bodies(EXAMPLES_BY_TYPE[message_type]))
    def same(body: object) -> None:
        assert (not ours.violations(body)) == oracle.is_valid(body)

    same()


@pytest.mark.parametrize("message_type", EXAMPLES_BY_TYPE)
def test_the_places_are_those_of_the_reference(message_type: str) -> None:
    """Path and keyword of every violation agree, one for each property that lacks or is too much."""
    schema = json.loads(contracts()[message_type].contract.schema)
    ours, oracle = compiled(schema), reference(schema)

    @settings(max_examples=40)
    @given(changed_bodies(EXAMPLES_BY_TYPE[message_type]))
    def same(body: object) -> None:
        found = sorted((one.path, one.keyword) for one in ours.violations(body))
        expected = sorted(place for error in oracle.iter_errors(body) for place in _places(error))
        assert found == expected[: len(found)]
        assert len(found) == min(len(expected), 21)

    same()


def _places(error: Any) -> Iterator[tuple[str, str]]:  # Any: its fields may be unset
    path = "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in error.absolute_path)
    keyword = str(error.validator)
    names: list[str] = []
    if keyword == "required":
        names = [name for name in error.validator_value if error.message.startswith(repr(name))]
    elif keyword == "dependentRequired":
        names = [n for needed in error.validator_value.values() for n in needed if error.message.startswith(repr(n))]
    elif keyword == "additionalProperties":
        names = [name for name in error.instance if name not in error.schema["properties"]]
    elif keyword == "propertyNames" or "propertyNames" in error.absolute_schema_path:
        names, keyword = [str(error.instance)], "propertyNames"
    for name in names[:1] if keyword in ("required", "dependentRequired") else names:
        yield f"{path}/{name.replace('~', '~0').replace('/', '~1')}", keyword
    if not names:
        yield path, keyword


DRAFTS = {
    "draft 4": {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "type": "object",
        "properties": {"a": {"type": "integer", "minimum": 1, "exclusiveMinimum": True}, "b": {"format": "date-time"}},
        "dependencies": {"b": ["a"]},
    },
    "draft 6": {
        "$schema": "http://json-schema.org/draft-06/schema#",
        "properties": {"a": {"const": 1}, "b": {"exclusiveMinimum": 2}},
        "propertyNames": {"maxLength": 2},
    },
    "draft 7": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "if": {"properties": {"a": {"const": 1}}, "required": ["a"]},
        "then": {"required": ["b"]},
        "else": {"properties": {"b": {"contentEncoding": "base64", "contentMediaType": "application/json"}}},
        "dependencies": {"b": {"maxProperties": 2}},
    },
    "draft 2019-09": {
        "$schema": "https://json-schema.org/draft/2019-09/schema",
        "properties": {"a": {"items": [{"type": "string"}], "additionalItems": False}},
        "dependentRequired": {"a": ["b"]},
        "unevaluatedProperties": {"type": "integer"},
    },
    "draft 2020-12": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": {"small": {"type": "integer", "maximum": 5}},
        "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
        "properties": {"a": {"$ref": "#/$defs/small"}, "b": {"prefixItems": [{"type": "string"}], "items": False}},
        "not": {"required": ["zz"]},
        "unevaluatedProperties": False,
    },
    "no draft named": {"type": "object", "dependentRequired": {"a": ["b"]}, "minProperties": 1},
}
BODIES = st.dictionaries(
    st.sampled_from(["a", "b", "c", "zz", "long"]), ODD | st.sampled_from([1, 1.0, 2, 3]), max_size=4
)


@pytest.mark.parametrize("draft", DRAFTS)
def test_every_draft_is_read_as_the_reference_reads_it(draft: str) -> None:
    """Drafts 4 to 2020-12 by ``$schema``; formats and encodings are annotations in all of them."""
    ours, oracle = compiled(DRAFTS[draft]), reference(DRAFTS[draft])

    @settings(max_examples=150)
    @given(BODIES)
    def same(body: object) -> None:
        assert (not ours.violations(body)) == oracle.is_valid(body)

    same()


def test_a_good_body_costs_a_fraction_of_what_the_reference_takes() -> None:
    """The reference explains well and is slow: on the hot path we are at least ten times faster."""
    schema = json.loads(contracts()["deals.deal.close.v1"].contract.schema)
    body = EXAMPLES_BY_TYPE["deals.deal.close.v1"][0]
    ours, oracle = compiled(schema), jsonschema.Draft202012Validator(schema)
    assert _seconds(lambda: ours.violations(body)) * 10 < _seconds(lambda: list(oracle.iter_errors(body)))


def _seconds(work: Any) -> float:  # Any: whatever the work returns
    def once() -> float:
        start = time.perf_counter()
        for _ in range(50):
            work()
        return time.perf_counter() - start

    return min(once() for _ in range(5))
