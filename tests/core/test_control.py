"""What is in force: changes apply one after the other, count their revisions, and are set by compare-and-set."""

from typing import Any

import pytest

from bus.core.log.records import canonical, digest
from bus.core.message.arrivals import ControlWish, control_wish
from bus.core.policy.control import Change, Genesis, Registry, genesis_from_json, suspension_name
from bus.core.policy.terms import terms_from_json
from bus.shell.catalogue import built_in_contracts

ANA = "spiffe://acme/person/ana"
BOB = "spiffe://acme/person/bob"
SALES = "spiffe://acme/agent/sales"
GENESIS = Genesis(1, "acme", 4, (ANA,))
MAIL: dict[str, Any] = {"contract": {"type": "leads.email.send.v1", "topic": "leads"}, "schema": "{}"}


def _registry(*wishes: tuple[str, str, Any]) -> Registry:
    registry = Registry(GENESIS, built_in_contracts())
    for kind, name, value in wishes:
        registry = registry.apply(registry.next_change(kind, name, value))
    return registry


def _agent(lane: str = "sales", roles: tuple[str, ...] = ("sales",)) -> dict[str, Any]:
    return {"lane": lane, "roles": list(roles), "owner": ANA}


def test_changes_are_numbered_without_a_hole() -> None:
    """The next change is one more than the last, whatever its kind."""
    registry = _registry(("lane", "sales", {"principal": "s"}), ("agent", SALES, _agent()))
    assert registry.number == 2
    assert registry.next_change("lane", "ops", None).number == 3


@pytest.mark.parametrize("number", [0, 1, 3, 99])
def test_a_change_out_of_turn_is_not_applied(number: int) -> None:
    """A reader applies n only after n - 1, and a repeat not at all."""
    registry = _registry(("lane", "sales", {"principal": "s"}))
    assert registry.apply(Change(number, "lane", "ops", 1, {"principal": "o"})) is registry


def test_an_old_registry_stays_what_it_was() -> None:
    """A registry never changes: lanes and partitions stand at their own numbers."""
    before = _registry()
    after = before.apply(before.next_change("lane", "sales", {"principal": "s"}))
    assert "sales" not in before.lanes
    assert "sales" in after.lanes


def test_revisions_count_per_name_and_through_null() -> None:
    """Every value of a name counts, null as well, and other names do not."""
    registry = _registry(
        ("contract", "leads.email.send.v1", MAIL),
        ("contract", "leads.note.add.v1", {**MAIL, "contract": {"type": "leads.note.add.v1"}}),
        ("contract", "leads.email.send.v1", None),
        ("contract", "leads.email.send.v1", MAIL),
    )
    found = registry.contract("leads.email.send.v1")
    assert found is not None
    assert found.ref == "leads.email.send.v1@3"


def test_a_contract_taken_away_can_still_be_read_by_its_revision() -> None:
    """A message judged under an older revision is read by that one."""
    registry = _registry(("contract", "leads.email.send.v1", MAIL), ("contract", "leads.email.send.v1", None))
    assert registry.contract("leads.email.send.v1") is None
    assert registry.contract_by_ref("leads.email.send.v1@1") is not None
    assert registry.contract_by_ref("leads.email.send.v1@2") is None


def test_built_in_contracts_have_one_revision() -> None:
    """A built-in type is known at revision 1 and at no other."""
    registry = _registry()
    assert registry.contract_by_ref("bus.resource.claim.v1@1") is not None
    assert registry.contract_by_ref("bus.resource.claim.v1@2") is None


def test_the_base_is_the_hash_of_the_canonical_value() -> None:
    """Whoever changes a name gives the hash of what stands there; where nothing stands, nothing."""
    value = {"principal": "ä"}
    registry = _registry(("lane", "sales", value))
    assert registry.hashes["lane", "sales"] == digest(canonical(value))
    gone = registry.apply(registry.next_change("lane", "sales", None))
    assert ("lane", "sales") not in gone.hashes


def test_a_genesis_steward_has_both_roles_until_it_is_set() -> None:
    """A person named in genesis is steward and operator until its own record is set, and not again after."""
    registry = _registry()
    assert registry.roles(ANA) == {"steward", "operator"}
    changed = registry.apply(registry.next_change("person", ANA, {"roles": ["guest"]}))
    assert changed.roles(ANA) == {"guest"}
    gone = changed.apply(changed.next_change("person", ANA, None))
    assert not gone.is_registered(ANA)


def test_who_is_not_registered_has_no_role() -> None:
    """Nobody has a role by being unknown."""
    assert not _registry().roles(BOB)
    assert not _registry().is_registered(BOB)


def test_the_lane_of_an_agent_taken_away_is_its_last() -> None:
    """What is still to be answered goes to the lane the agent had last."""
    registry = _registry(("agent", SALES, _agent("a")), ("agent", SALES, _agent("b")), ("agent", SALES, None))
    assert not registry.is_registered(SALES)
    assert registry.lane_of(SALES) == "b"


def test_a_lane_taken_away_is_remembered_for_ticks() -> None:
    """A lane set to null is none any more, yet it was one."""
    registry = _registry(("lane", "sales", {"principal": "s"}), ("lane", "sales", None))
    assert "sales" not in registry.lanes
    assert "sales" in registry.lanes_ever


@pytest.mark.parametrize(
    ("select", "name"),
    [({"agent": SALES}, f"agent/{SALES}"), ({"role": "sales"}, "role/sales"), ({"all": True}, "all")],
)
def test_a_suspension_stops_agents_and_no_person(select: dict[str, Any], name: str) -> None:
    """Each of the three selections stops the agent; persons are never touched."""
    agent = ("agent", SALES, _agent())
    person = ("person", BOB, {"roles": ["sales"]})
    registry = _registry(agent, person, ("suspended", suspension_name(select), {"select": select}))
    assert registry.suspension_of(SALES) == name
    assert not registry.suspension_of(BOB)
    lifted = registry.apply(registry.next_change("suspended", name, None))
    assert not lifted.suspension_of(SALES)


def test_a_control_message_is_read_as_what_it_asks_for() -> None:
    """Set, suspend and resume become the change of one name."""
    body = {"kind": "lane", "name": "ops", "value": None, "base": "00"}
    assert control_wish("bus.control.set.v1", body) == ControlWish("lane", "ops", None, "00")
    select = {"select": {"role": "sales"}, "reason": "x"}
    assert control_wish("bus.control.suspend.v1", select) == ControlWish(
        "suspended", "role/sales", {"select": {"role": "sales"}}
    )
    assert control_wish("bus.control.resume.v1", select) == ControlWish("suspended", "role/sales", None)


def test_answers_show_a_contract_without_its_schema() -> None:
    """The text of a schema stays on `bus.control`; its hash is that of the whole value."""
    change = Change(1, "contract", "leads.email.send.v1", 1, MAIL)
    assert change.shown_value == {"contract": MAIL["contract"]}
    assert change.value_hash == digest(canonical(MAIL))


def test_a_genesis_is_read_as_it_was_written() -> None:
    """Control number 0 survives the topic."""
    assert genesis_from_json(GENESIS.to_json()) == GENESIS


@pytest.mark.parametrize("missing", ["gen", "partitions", "stewards", "skew_ms"])
def test_what_lacks_a_field_is_no_genesis(missing: str) -> None:
    """A genesis that lacks what it fixes for good is none."""
    value = GENESIS.to_json()
    del value[missing]
    with pytest.raises(KeyError):
        genesis_from_json(value)


def test_terms_are_read_with_their_defaults() -> None:
    """What terms leave out is as the reference says; a whole number may come as 1000.0."""
    terms = terms_from_json({"resource": "lead", "lease_ms": 1000.0}, 3)
    assert (terms.ref, terms.lease_ms, terms.lock_delay_ms, terms.claimants) == ("lead@3", 1000, 0, None)
    assert isinstance(terms.lease_ms, int)


def test_terms_that_name_no_claimant_let_nobody_claim() -> None:
    """An empty list of roles is not the same as no list."""
    assert terms_from_json({"resource": "lead", "claimants": []}, 1).claimants == ()


def test_what_control_writes_has_no_floats() -> None:
    """A whole number that came as 60000.0 is written as 60000: nothing the bus writes has a float."""
    value = {"resource": "lead", "lease_ms": 60_000.0, "escalate": {"tiers_ms": [1.0]}}
    wish = control_wish("bus.control.set.v1", {"kind": "terms", "name": "lead", "value": value, "base": None})
    change = _registry().next_change(wish.kind, wish.name, wish.value)
    assert b"." not in canonical(change.shown_value)
    assert change.value_hash == digest(b'{"escalate":{"tiers_ms":[1]},"lease_ms":60000,"resource":"lead"}')
