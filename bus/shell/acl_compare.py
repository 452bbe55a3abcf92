"""Compares the ACLs of a broker with the table of the bus: what is missing, what is too much, what stands in the way.

    missing   nothing that is there allows it
    extra     it is there, touches something of the bus, and the table does not have it
    denied    a DENY that takes away what the table grants

What the owners of governed topics let others read is their own affair, and bus.outcomes is for everyone.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bus.core.log import topics
from bus.shell.acls import (
    ARBITER_GROUP,
    ARBITER_MARKS,
    GATE_GROUP,
    GATE_MARKS,
    PUBLISHER_GROUP,
    READERS_PREFIX,
    TOPICS_PREFIX,
    TRANSACTIONS_PREFIX,
    Allowance,
    Grant,
    Operation,
    Pattern,
    Resource,
    reader_groups,
)

ANY_HOST = "*"
ANY_NAME = "*"
ANYBODY = "User:*"
STAGE_GROUPS = (GATE_GROUP, GATE_MARKS, ARBITER_GROUP, ARBITER_MARKS, PUBLISHER_GROUP)
# What each operation lets one do besides, as Kafka has it.
_INCLUDED = {
    Operation.DESCRIBE: {Operation.READ, Operation.WRITE, Operation.DELETE, Operation.ALTER},
    Operation.DESCRIBE_CONFIGS: {Operation.ALTER_CONFIGS},
}
_LOOKING = {Operation.READ, Operation.DESCRIBE, Operation.DESCRIBE_CONFIGS}
# What everybody on a cluster may do without getting at the bus; whoever may ALTER it can grant itself everything.
_HARMLESS_ON_CLUSTER = {Operation.DESCRIBE, Operation.DESCRIBE_CONFIGS, Operation.IDEMPOTENT_WRITE}


@dataclass(frozen=True, slots=True, order=True)
class FoundAcl:
    """An ACL as a broker has it."""

    grant: Grant
    host: str = ANY_HOST
    is_denial: bool = False


@dataclass(frozen=True, slots=True)
class AclDifference:
    """What a broker's ACLs differ from the table; ``replacing`` are to be made before ``extra`` ones are removed."""

    missing: tuple[Grant, ...]
    extra: tuple[FoundAcl, ...]
    denied: tuple[FoundAcl, ...]
    replacing: tuple[Grant, ...]
    granted: int

    @property
    def is_none(self) -> bool:
        """Is everything as it must be?"""
        return not (self.missing or self.extra or self.denied)


def compare(
    wanted: Sequence[Allowance],
    found: Sequence[FoundAcl],
    governed: Collection[str],
    *,
    ignored: Collection[str] = (),
) -> AclDifference:
    """What ``found`` differs from ``wanted``; the principals in ``ignored`` may have what they have."""
    grants = [grant for allowance in wanted for grant in allowance.grants]
    ours = {allowance.principal for allowance in wanted}
    allowed = [acl for acl in found if not acl.is_denial]
    extra = [
        acl
        for acl in allowed
        if acl.grant.principal not in ignored
        and _touches_bus(acl.grant, governed, ours)
        and not _is_open(acl.grant, governed)
        and not any(_covers(grant, acl.grant) for grant in grants)
    ]
    staying = [acl for acl in allowed if acl not in extra]
    missing = [grant for grant in grants if not _is_granted(grant, allowed)]
    replacing = [grant for grant in grants if grant not in missing and not _is_granted(grant, staying)]
    denied = [acl for acl in found if acl.is_denial and any(_takes_away(acl, grant) for grant in grants)]
    return AclDifference(
        tuple(sorted(missing)), tuple(sorted(extra)), tuple(sorted(denied)), tuple(sorted(replacing)), len(grants)
    )


def _is_granted(wanted: Grant, found: Sequence[FoundAcl]) -> bool:
    return any(acl.host == ANY_HOST and _covers(acl.grant, wanted) for acl in found)


def _covers(wide: Grant, narrow: Grant) -> bool:
    """Does whoever has the first have the second as well?"""
    is_same = wide.principal in (narrow.principal, ANYBODY) and wide.resource is narrow.resource
    is_done = wide.operation in {Operation.ALL, narrow.operation, *_INCLUDED.get(narrow.operation, ())}
    return is_same and is_done and _has_names_of(wide, narrow)


def _has_names_of(wide: Grant, narrow: Grant) -> bool:
    if wide.pattern is Pattern.PREFIXED:
        return narrow.name.startswith(wide.name) and (narrow.name, narrow.pattern) != (ANY_NAME, Pattern.LITERAL)
    return wide.name == ANY_NAME or (wide.name, wide.pattern) == (narrow.name, narrow.pattern)


def _takes_away(denial: FoundAcl, wanted: Grant) -> bool:
    """A denial of any part of a prefix takes that part; what may not be seen can be neither read nor written."""
    what = denial.grant
    is_about = what.principal in (wanted.principal, ANYBODY) and what.resource is wanted.resource
    is_needed = wanted.operation in _INCLUDED.get(what.operation, ()) or what.operation in (
        Operation.ALL,
        wanted.operation,
    )
    return is_about and is_needed and _share_names(what, wanted)


def _share_names(one: Grant, other: Grant) -> bool:
    return _has_names_of(one, other) or _has_names_of(other, one)


def _touches_bus(grant: Grant, governed: Collection[str], ours: Collection[str]) -> bool:
    """Is this about anything of the bus, or about more than a principal of the bus needs?"""
    match grant.resource:
        case Resource.TOPIC:
            return _touches_prefix(grant, TOPICS_PREFIX) or any(_touches_name(grant, name) for name in governed)
        case Resource.GROUP:
            prefixes = any(_touches_prefix(grant, prefix) for prefix in (TOPICS_PREFIX, READERS_PREFIX))
            return prefixes or any(_touches_name(grant, name) for name in STAGE_GROUPS)
        case Resource.TRANSACTIONAL_ID:
            return grant.principal in (*ours, ANYBODY) or _touches_prefix(grant, TRANSACTIONS_PREFIX)
        case Resource.CLUSTER:
            is_everybodys = grant.principal == ANYBODY and grant.operation not in _HARMLESS_ON_CLUSTER
            return is_everybodys or grant.principal in ours


def _touches_name(grant: Grant, name: str) -> bool:
    return _share_names(grant, Grant("", grant.resource, name, Pattern.LITERAL, grant.operation))


def _touches_prefix(grant: Grant, prefix: str) -> bool:
    return _share_names(grant, Grant("", grant.resource, prefix, Pattern.PREFIXED, grant.operation))


def _is_open(grant: Grant, governed: Collection[str]) -> bool:
    """May anybody be given this without asking the bus?"""
    if grant.resource is Resource.GROUP:  # a reader's own groups: only its owner knows what it reads
        return grant.operation in _LOOKING and grant.name.startswith(reader_groups(grant.principal))
    if grant.resource is not Resource.TOPIC or grant.operation not in _LOOKING:
        return False
    is_outcomes = (grant.name, grant.pattern) == (topics.OUTCOMES, Pattern.LITERAL)
    is_governed = grant.name != ANY_NAME and not _touches_prefix(grant, TOPICS_PREFIX)
    return is_outcomes or (is_governed and any(_touches_name(grant, name) for name in governed))
