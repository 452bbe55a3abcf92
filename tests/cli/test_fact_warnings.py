"""Terms that wait for what nobody can state are told from the schema of the fact's contract, as far as it tells."""

import json
from typing import Any

import pytest

from bus.cli.fact_warnings import fact_warnings
from bus.core.policy.contracts import Contract, FactSource
from bus.core.policy.terms import terms_from_json

YES_NO = {"enum": ["yes", "no"]}
SCHEMAS: dict[str, dict[str, Any]] = {
    "an enum": {"properties": {"clean": YES_NO}},
    "a reference": {"$defs": {"answer": YES_NO}, "properties": {"clean": {"$ref": "#/$defs/answer"}}},
    "a reference on the way": {"$ref": "#/$defs/body", "$defs": {"body": {"properties": {"clean": YES_NO}}}},
    "a type": {"properties": {"clean": {"type": "string"}}},
    "a constant": {"properties": {"clean": {"const": "yes"}}},
}


def _warnings(schema: dict[str, Any], *values: object, resource: str = "oven") -> list[str]:
    fact = FactSource("clean", "/clean", "cook")
    contract = Contract("bakery.oven.clean.v1", 1, "json", json.dumps(schema), resource=resource, fact=fact)
    terms = terms_from_json({"resource": "oven", "lease_ms": 60_000, "when": {"clean": list(values)}}, 1)
    return list(fact_warnings(terms, [contract]))


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_a_yes_that_yaml_made_true_is_warned_of(schema: dict[str, Any]) -> None:
    """The value, the type that cannot state it, and how YAML came to it."""
    (said,) = _warnings(schema, True)
    assert "the terms of oven wait for clean to be true, which bakery.oven.clean.v1 cannot state" in said
    assert 'write "yes" in quotes' in said


@pytest.mark.parametrize("schema", [*SCHEMAS.values(), {}, {"properties": {"clean": True}}])
def test_a_value_that_may_come_is_not(schema: dict[str, Any]) -> None:
    """Also where the schema does not tell: a warning that is wrong is worse than none."""
    assert _warnings(schema, "yes") == []


def test_each_value_is_judged_by_itself() -> None:
    """One that can come does not hide one that cannot."""
    (said,) = _warnings(SCHEMAS["an enum"], "yes", "spotless")
    assert 'to be "spotless", which bakery.oven.clean.v1 cannot state (only "yes", "no")' in said


def test_a_fact_of_another_resource_states_nothing_here() -> None:
    """Terms of ovens hear nothing of trucks."""
    (said,) = _warnings(SCHEMAS["an enum"], "yes", resource="truck")
    assert "wait for the fact clean, which no contract in force states" in said
