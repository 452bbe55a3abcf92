"""Rules over several fields: all broken ones are told, shadows only count, and what cannot be checked is refused."""

import time
from typing import Any, Literal

import pytest

from bus.core.policy.contracts import Rule
from bus.shell.rules import Judgement, compile_rules
from bus.shell.validation import Accepted, ContractError, compile_contract
from tests.contracts.examples import ARRIVAL_MS, SALES, contract_of, judge_with, reason_of, violations_of

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["amount"],
    "properties": {"amount": {"type": "integer"}, "discount_bp": {"type": "integer"}, "lines": {"type": "array"}},
}


def rule(when: str, identifier: str = "r", do: Literal["refuse", "shadow"] = "refuse") -> Rule:
    """A rule of these tests."""
    return Rule(identifier, when, do, f"say {identifier}")


def _broken(when: str, body: object) -> bool:
    answer = judge_with(contract_of(SCHEMA, rules=(rule(when),)), body)
    assert reason_of(answer) in ("", "rule_violation")
    return bool(violations_of(answer))


@pytest.mark.parametrize(
    ("when", "body", "broken"),
    [
        ("amount > 5", {"amount": 6}, True),
        ("amount > 5", {"amount": 5}, False),
        ("amount > 5", {"amount": 5.0}, False),
        ("discount_bp != null && discount_bp > 5", {"amount": 1}, False),
        ("discount_bp != null && discount_bp > 5", {"amount": 1, "discount_bp": 6}, True),
        ("has(body.discount_bp)", {"amount": 1}, False),
        ("has(body.extra) && body.extra == 'x'", {"amount": 1, "extra": "x"}, True),
        (f"bus.at < {ARRIVAL_MS + 1}", {"amount": 1}, True),
        ("bus.subject == 'lead/L-1'", {"amount": 1}, True),
        (f"bus.source == '{SALES}'", {"amount": 1}, True),
        ("lines.exists(l, l.price > amount)", {"amount": 1, "lines": [{"price": 1}, {"price": 2}]}, True),
        ("lines.filter(l, l > 1).exists(l, l > 2)", {"amount": 1, "lines": [1, 2]}, False),
        ("'map(x' == '(' || lines.all(l, l > 0)", {"amount": 1, "lines": [1]}, True),
    ],
)
def test_a_rule_sees_fields_the_body_and_the_bus(when: str, body: object, *, broken: bool) -> None:
    """Fields by name, absent ones null; the whole body; time, subject and source of the message."""
    assert _broken(when, body) is broken


@pytest.mark.parametrize(
    "when", ["discount_bp > 5", "body.discount_bp > 5", "amount / 0 > 1", "amount", "lines[3] == 1"]
)
def test_what_cannot_be_checked_is_not_let_through(when: str) -> None:
    """A rule that fails on a body, or that answers neither yes nor no, refuses and says its sentence."""
    answer = judge_with(contract_of(SCHEMA, rules=(rule(when),)), {"amount": 1, "lines": []})
    (one,) = violations_of(answer)
    assert (one.path, one.keyword, one.rule) == ("", "rule", "r")
    assert "say r" in one.message


def test_all_broken_rules_are_told_and_shadows_count() -> None:
    """Two broken rules make two violations; a broken shadow rule makes none, and is counted when the body passes."""
    shadow = rule("amount > 0", "s", "shadow")
    both = contract_of(SCHEMA, rules=(rule("amount > 1", "b"), shadow, rule("amount > 2", "a")))
    assert [one.rule for one in violations_of(judge_with(both, {"amount": 3}))] == ["a", "b"]
    assert judge_with(both, {"amount": 1}) == Accepted({"amount": 1}, ("s",))


def test_the_schema_comes_first() -> None:
    """A body that violates the schema is not asked about rules."""
    answer = judge_with(contract_of(SCHEMA, rules=(rule("amount > 1"),)), {"amount": "9"})
    assert reason_of(answer) == "schema_violation"


@pytest.mark.parametrize(
    ("when", "part"),
    [
        ("amount >", "not CEL"),
        ("", "not CEL"),
        ("amout > 1", "unknown variable: amout"),
        ("now() > 1", "no such function: now"),
        ("amount.fold(1)", "no such function: fold"),
        ("lines.map(l, l).size() > 1", "map is not taken"),
        ("lines.exists(a, lines.exists(b, a == b))", "inside another walk"),
        ('"""x""" == "x"', "triple quotes"),
        ("amount > 1 || " * 80 + "true", "longer than 1000"),
        ("(" * 400 + "1" + ")" * 400 + " > 0", "not CEL"),
    ],
)
def test_an_unfit_rule_is_refused_when_it_is_registered(when: str, part: str) -> None:
    """A rule nobody could evaluate, or whose time is not bounded by the body, never comes into force."""
    with pytest.raises(ContractError, match="cannot be used") as caught:
        compile_contract(contract_of(SCHEMA, rules=(rule(when),)))
    (one,) = caught.value.violations
    assert one.path == "/contract/rules/0/when"
    assert part in one.message
    assert one.hint


def test_two_rules_have_two_ids() -> None:
    """A sender must be able to tell which rule it broke."""
    with pytest.raises(ContractError, match="used twice"):
        compile_contract(contract_of(SCHEMA, rules=(rule("amount > 1"), rule("amount > 2"))))


def test_a_hostile_body_cannot_stall_a_rule() -> None:
    """The largest list a message can carry is walked, and a hostile pattern matched, in well under a second."""
    compiled = compile_rules([rule("lines.exists(l, l > 9) || text.matches('^(a+)+$')")], ["lines", "text"])
    assert not isinstance(compiled, list)
    start = time.perf_counter()
    judgement = compiled.judge({"lines": [1] * 16_000, "text": "a" * 32_000 + "b"}, at=1, subject="", source="")
    assert judgement == Judgement()
    assert time.perf_counter() - start < 5
