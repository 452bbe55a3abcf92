"""The messages broken on purpose, judged by the oracle before any broker is there: each is wrong in the way it says."""

from __future__ import annotations

import pytest

from tests.acceptance.broken import EDGES, EXPECTED, WAYS, broken_messages, named
from tests.acceptance.control_oracle import Registry
from tests.acceptance.gate_oracle import GateOracle, Row
from tests.acceptance.outgoing import VARIANT_HEADER, Author, Outgoing, now_ms
from tests.acceptance.setting import contracts, terms
from tests.acceptance.wire import Record

AGENT = "spiffe://acme/agent/p0-03"
OWNER = "spiffe://acme/person/ana"
# In order at the gate only for agents of the right role, or decided by the clock of the broker.
BY_CLOCK_OR_ROLE = {
    "300 s old, nearly": {"", "stale"},
    "30 s early, nearly": {"", "stale"},
    "expires just now": {"", "expired"},
    "stage by nobody allowed": {"not_allowed"},
}


@pytest.fixture
def gate() -> GateOracle:
    """A lane with one agent of sales and the run's contracts."""
    registry = Registry((OWNER,))
    values = [("agent", AGENT, {"lane": "alpha", "roles": ["sales"], "owner": OWNER}), ("terms", "lead", terms(5000))]
    values += [("contract", name, value) for name, value in contracts(OWNER, discount_cap_bp=5000).items()]
    for kind, name, value in values:
        body = {"kind": kind, "name": name, "value": value, "base": None}
        registry.accept(body, "bus.control.set.v1")
    return GateOracle("alpha", registry, 4)


def judged(gate: GateOracle, message: Outgoing) -> Row:
    """The row of a message that was appended now, on the lane it was sent to."""
    gate.lane = message.lane
    record = Record(f"bus.in.{message.lane}", 0, 0, now_ms(), message.key, message.headers, message.value)
    return gate.judge(record, gate.registry.last)


@pytest.mark.parametrize("variant", sorted(EXPECTED))
def test_a_broken_message_earns_its_reason(gate: GateOracle, variant: str) -> None:
    """Every variant is refused for exactly the reason it is listed under."""
    reason = EXPECTED[variant]
    message = named(WAYS[reason][variant](Author(AGENT, "alpha")), variant)
    assert judged(gate, message).reason == reason


@pytest.mark.parametrize("variant", sorted(EDGES))
def test_an_odd_message_is_in_order(gate: GateOracle, variant: str) -> None:
    """What only looks odd is forwarded."""
    message = named(EDGES[variant](Author(AGENT, "alpha")), variant)
    assert judged(gate, message).reason in BY_CLOCK_OR_ROLE.get(variant, {""})


def test_several_violations_are_all_found(gate: GateOracle) -> None:
    """The variant with several faults has one violation for each."""
    row = judged(gate, WAYS["schema_violation"]["several"](Author(AGENT, "alpha")))
    told = [(violation.path, violation.keyword) for violation in row.violations]
    assert told == [
        ("/currency", "dependentRequired"),
        ("/more", "additionalProperties"),
        ("/tags", "maxItems"),
        ("/tags/0", "pattern"),
        ("/tags/2", "type"),
        ("/text", "required"),
        ("/to", "minLength"),
    ]


def test_a_short_run_meets_every_reason() -> None:
    """The first rounds of the list hold every reason, and no variant has the name of another."""
    listed = broken_messages()
    assert {reason for reason, _, _ in listed[: len(WAYS)]} == set(WAYS)
    assert len({name for _, name, _ in listed}) == len(listed)


def test_the_name_of_a_variant_is_a_foreign_header() -> None:
    """The evidence header is none of the bus's."""
    assert not VARIANT_HEADER.startswith(("ce_", "bus-"))
