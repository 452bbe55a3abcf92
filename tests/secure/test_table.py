"""The table of who may do what: nothing shared, nothing that forges, and every principal once."""

import itertools

import pytest

from bus.core.policy.control import Genesis, Registry
from bus.shell.acls import (
    Allowance,
    Grant,
    Holders,
    Operation,
    Pattern,
    Reader,
    Resource,
    holders_of,
    lane_groups,
    reader_groups,
    table,
)
from bus.shell.catalogue import built_in_contracts
from bus.shell.settings import Settings

LANES = {"operators": "User:operators", "desk": "User:desk", "sales": "User:sales", "sales-eu": "User:sales-eu"}
HOLDERS = Holders(LANES, ("leads", "deals"), (Reader("User:billing", ("deals",)), Reader("User:sales", ("leads",))))
OF_THE_BUS = {"User:agentbus", "User:auditor"}


def _by_principal(holders: Holders) -> dict[str, Allowance]:
    return {allowance.principal: allowance for allowance in table(holders)}


def _grants(holders: Holders, principal: str) -> set[tuple[str, str, str]]:
    return {
        (grant.operation.value, grant.resource.value, grant.name + ("*" if grant.pattern is Pattern.PREFIXED else ""))
        for grant in _by_principal(holders)[principal].grants
    }


def test_a_lane_has_its_two_topics_the_public_answers_and_groups_of_its_own() -> None:
    """This is all that an agent's principal may do, and what its owner lets it read besides."""
    assert _grants(HOLDERS, "User:sales") == {
        ("write", "topic", "bus.in.sales"),
        ("read", "topic", "bus.out.sales"),
        ("read", "topic", "bus.outcomes"),
        ("read", "topic", "leads"),
        ("read", "group", "bus.sales.*"),
        ("describe", "group", "bus-reader"),
        ("describe", "group", "bus-client"),
    }


def test_nobody_may_create_delete_or_alter_anything() -> None:
    """Reading, writing and looking is all that the table has; nothing is about the cluster."""
    operations = {grant.operation for one in table(HOLDERS) for grant in one.grants}
    assert operations == {Operation.READ, Operation.WRITE, Operation.DESCRIBE, Operation.DESCRIBE_CONFIGS}
    assert not [grant for one in table(HOLDERS) for grant in one.grants if grant.resource is Resource.CLUSTER]


def test_only_the_publisher_has_transactions() -> None:
    """No other principal has a grant about transactional ids."""
    split = Holders(LANES, gate="User:gate", arbiter="User:arbiter", publisher="User:publisher")
    found = {
        one.principal for one in table(split) for grant in one.grants if grant.resource is Resource.TRANSACTIONAL_ID
    }
    assert found == {"User:publisher"}


def test_stages_with_principals_of_their_own_may_do_together_what_one_may_do() -> None:
    """Splitting the stages widens nothing."""
    split = Holders(LANES, ("leads",), gate="User:gate", arbiter="User:arbiter", publisher="User:publisher")
    together = set().union(*(_grants(split, f"User:{stage}") for stage in ("gate", "arbiter", "publisher")))
    assert together == _grants(Holders(LANES, ("leads",)), "User:agentbus")
    assert ("write", "topic", "bus.journal") not in _grants(split, "User:gate")
    assert ("write", "topic", "bus.control") not in _grants(split, "User:arbiter")
    assert ("write", "topic", "bus.gate.*") not in _grants(split, "User:publisher")


def test_no_stage_may_speak_on_a_lane() -> None:
    """Whoever runs the stages cannot say anything in an agent's name."""
    writes = {name for operation, _, name in _grants(HOLDERS, "User:agentbus") if operation == "write"}
    assert not [name for name in writes if name.startswith("bus.in")]


def test_no_two_principals_share_a_group_they_may_join() -> None:
    """No group name that one principal may join can be joined by another, whatever the lanes are called."""
    joins = [
        grant
        for one in table(HOLDERS)
        for grant in one.grants
        if grant.resource is Resource.GROUP and grant.operation is Operation.READ
    ]
    for one, other in itertools.combinations(joins, 2):
        if one.principal != other.principal:
            assert not _overlap(one, other)


def _overlap(one: Grant, other: Grant) -> bool:
    if one.pattern is Pattern.LITERAL and other.pattern is Pattern.LITERAL:
        return one.name == other.name
    short, long = sorted((one, other), key=lambda grant: len(grant.name))
    return long.name.startswith(short.name) and short.pattern is Pattern.PREFIXED


@pytest.mark.parametrize("lane", ["gate", "arbiter", "bus-gate", "reader", "read"])
def test_a_lane_named_like_a_stage_gets_no_group_of_a_stage(lane: str) -> None:
    """The prefix of any lane's groups begins none of the stages' or readers' groups."""
    prefix = lane_groups(lane)
    others = ("bus-gate", "bus-gate-published", "bus-arbiter", "bus-publisher", reader_groups("User:billing"))
    assert not [name for name in others if name.startswith(prefix) or prefix.startswith(name)]


def test_a_reader_whose_name_has_a_dot_is_kept_apart() -> None:
    """The groups of `User:a` do not take in those of `User:a.b`."""
    assert not reader_groups("User:a.b").startswith(reader_groups("User:a"))


def test_a_principal_of_two_lanes_may_do_what_each_may() -> None:
    """Roles add up and are both named."""
    both = _by_principal(Holders({"sales": "User:team", "support": "User:team"}))["User:team"]
    assert both.roles == ("lane sales", "lane support")
    assert {("write", "topic", "bus.in.sales"), ("write", "topic", "bus.in.support")} <= _grants(
        Holders({"sales": "User:team", "support": "User:team"}), "User:team"
    )


def test_reserved_lanes_belong_to_users_of_their_name() -> None:
    """A new bus has two lanes, whose principals nobody has named."""
    genesis = Genesis(gen=1, domain="acme", partitions=4, stewards=("spiffe://acme/person/ana",))
    holders = holders_of(Registry(genesis, built_in_contracts()))
    assert dict(holders.lanes) == {"desk": "User:desk", "operators": "User:operators"}


def test_the_usual_principals_can_be_named_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """AGENTBUS_STAGES_PRINCIPAL and AGENTBUS_AUDITOR_PRINCIPAL, for `acls` and `doctor`."""
    monkeypatch.setenv("AGENTBUS_STAGES_PRINCIPAL", "User:CN=stages")
    monkeypatch.setenv("AGENTBUS_AUDITOR_PRINCIPAL", "User:revision")
    settings = Settings()
    assert (settings.stages_principal, settings.auditor_principal) == ("User:CN=stages", "User:revision")
    assert {allowance.principal for allowance in table(Holders(LANES))} >= OF_THE_BUS
