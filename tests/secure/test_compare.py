"""What a broker's ACLs differ from the table: missing, too much, in the way, and what is nobody's concern."""

import dataclasses

import pytest

from bus.shell.acl_compare import AclDifference, FoundAcl, compare
from bus.shell.acls import Grant, Holders, Operation, Pattern, Resource, table

HOLDERS = Holders({"sales": "User:sales"}, ("leads",))
WANTED = table(HOLDERS)
AS_WANTED = tuple(FoundAcl(grant) for allowance in WANTED for grant in allowance.grants)
WRITES_IN = Grant("User:sales", Resource.TOPIC, "bus.in.sales", Pattern.LITERAL, Operation.WRITE)


def _compare(*found: FoundAcl, ignored: tuple[str, ...] = ()) -> AclDifference:
    return compare(WANTED, found, HOLDERS.governed, ignored=ignored)


def _acl(
    who: str, operation: Operation, name: str, *, resource: Resource = Resource.TOPIC, prefixed: str = ""
) -> FoundAcl:
    pattern = Pattern.PREFIXED if prefixed else Pattern.LITERAL
    return FoundAcl(Grant(who, resource, prefixed or name, pattern, operation))


def test_the_table_itself_differs_in_nothing() -> None:
    """What was applied as it stands is as it must be."""
    found = _compare(*AS_WANTED)
    assert found.is_none
    assert found.granted == len(AS_WANTED)


def test_an_empty_broker_misses_everything() -> None:
    """Each grant is named."""
    assert set(_compare().missing) == {acl.grant for acl in AS_WANTED}


@pytest.mark.parametrize("lost", AS_WANTED, ids=lambda acl: f"{acl.grant.operation}-{acl.grant.name}")
def test_each_missing_grant_is_seen_unless_another_includes_it(lost: FoundAcl) -> None:
    """Taking any one away shows, except where what is left allows the same."""
    left = [acl for acl in AS_WANTED if acl != lost]
    included = lost.grant.operation is Operation.DESCRIBE and lost.grant.name in {"leads", "bus-gate"}
    by_another = included and lost.grant.principal == "User:agentbus"
    assert (lost.grant in _compare(*left).missing) is not by_another


@pytest.mark.parametrize(
    "extra",
    [
        _acl("User:sales", Operation.READ, "bus.journal"),
        _acl("User:sales", Operation.WRITE, "bus.in.support"),
        _acl("User:sales", Operation.WRITE, "leads"),
        _acl("User:sales", Operation.DELETE, "bus.in.sales"),
        _acl("User:sales", Operation.ALL, "bus.in.sales"),
        _acl("User:stranger", Operation.READ, "", prefixed="bus."),
        _acl("User:stranger", Operation.READ, "", prefixed="b"),
        _acl("User:stranger", Operation.READ, "*"),
        _acl("User:*", Operation.READ, "bus.control"),
        _acl("User:sales", Operation.READ, "bus-gate", resource=Resource.GROUP),
        _acl("User:sales", Operation.READ, "*", resource=Resource.GROUP),
        _acl("User:sales", Operation.READ, "", resource=Resource.GROUP, prefixed="bus"),
        _acl("User:sales", Operation.READ, "bus.support.app", resource=Resource.GROUP),
        _acl("User:sales", Operation.WRITE, "own", resource=Resource.TRANSACTIONAL_ID),
        _acl("User:stranger", Operation.WRITE, "bus-publisher-1-0", resource=Resource.TRANSACTIONAL_ID),
        _acl("User:sales", Operation.ALTER, "kafka-cluster", resource=Resource.CLUSTER),
        _acl("User:*", Operation.ALTER, "kafka-cluster", resource=Resource.CLUSTER),
        _acl("User:*", Operation.WRITE, "mine", resource=Resource.TRANSACTIONAL_ID),
        _acl("User:billing", Operation.READ, "bus-read.", resource=Resource.GROUP),
    ],
    ids=str,
)
def test_what_touches_the_bus_and_is_not_in_the_table_is_too_much(extra: FoundAcl) -> None:
    """Whoever has it, and however wide its name is."""
    assert _compare(*AS_WANTED, extra).extra == (extra,)


@pytest.mark.parametrize(
    "other",
    [
        _acl("User:billing", Operation.READ, "leads"),
        _acl("User:billing", Operation.READ, "", prefixed="lead"),
        _acl("User:billing", Operation.READ, "bus.outcomes"),
        _acl("User:billing", Operation.ALL, "invoices"),
        _acl("User:billing", Operation.READ, "billing", resource=Resource.GROUP),
        _acl("User:billing", Operation.WRITE, "billing", resource=Resource.TRANSACTIONAL_ID),
        _acl("User:platform", Operation.ALL, "kafka-cluster", resource=Resource.CLUSTER),
        _acl("User:*", Operation.DESCRIBE, "kafka-cluster", resource=Resource.CLUSTER),
        _acl("User:billing", Operation.READ, "", resource=Resource.GROUP, prefixed="bus-read.billing."),
        _acl("User:sales", Operation.DESCRIBE, "bus.in.sales"),
        _acl("User:sales", Operation.READ, "bus.sales.app", resource=Resource.GROUP),
    ],
    ids=str,
)
def test_what_others_have_on_the_same_kafka_is_no_difference(other: FoundAcl) -> None:
    """Readers of governed topics, other teams' own things, administrators, and what a grant includes anyway."""
    assert _compare(*AS_WANTED, other).is_none


def test_ignored_principals_may_have_what_they_have() -> None:
    """A monitoring user that reads everything is named once and never again."""
    monitoring = _acl("User:monitoring", Operation.DESCRIBE, "*")
    assert _compare(*AS_WANTED, monitoring).extra == (monitoring,)
    assert _compare(*AS_WANTED, monitoring, ignored=("User:monitoring",)).is_none


def test_something_wider_stands_for_what_it_includes_until_it_is_removed() -> None:
    """A lane with ALL on its topic misses nothing; with the wide ACL gone it would, so that is made first."""
    wide = _acl("User:sales", Operation.ALL, "bus.in.sales")
    found = _compare(*(acl for acl in AS_WANTED if acl.grant != WRITES_IN), wide)
    assert (found.missing, found.extra, found.replacing) == ((), (wide,), (WRITES_IN,))


def test_a_grant_for_one_host_is_not_the_grant() -> None:
    """The table grants from any host."""
    elsewhere = FoundAcl(WRITES_IN, host="10.0.0.1")
    assert _compare(*(acl for acl in AS_WANTED if acl.grant != WRITES_IN), elsewhere).missing == (WRITES_IN,)


@pytest.mark.parametrize("who", ["User:sales", "User:*"])
@pytest.mark.parametrize("operation", [Operation.WRITE, Operation.ALL, Operation.DESCRIBE])
def test_a_denial_of_what_the_table_grants_is_in_the_way(who: str, operation: Operation) -> None:
    """It wins over every grant, so it is told."""
    denial = dataclasses.replace(_acl(who, operation, "bus.in.sales"), is_denial=True)
    assert denial in _compare(*AS_WANTED, denial).denied


def test_a_denial_of_something_else_is_nobodys_concern() -> None:
    """Denying deletion, or another principal, takes nothing away."""
    deletion = dataclasses.replace(_acl("User:sales", Operation.DELETE, "bus.in.sales"), is_denial=True)
    stranger = dataclasses.replace(_acl("User:stranger", Operation.ALL, "*"), is_denial=True)
    assert _compare(*AS_WANTED, deletion, stranger).is_none
