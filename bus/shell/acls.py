"""Who may do what on the bus's Kafka: the table of docs/wire.md as data, and what a broker's ACLs differ from it.

    lane          writes bus.in.<lane>, reads bus.out.<lane> and bus.outcomes, and is nothing else's
    operators     a lane that also reads bus.control and bus.refused
    desk          a lane that also reads bus.control, bus.journal and bus.escalations
    gate, arbiter, publisher    what their stage reads and writes; one principal for all three unless split
    auditor       reads everything, writes nothing
    reader        reads the topics it is given

No group is shared: each principal has a prefix of group names of its own. In a stage's group an agent could commit
progress that nobody made, and lose messages for others. WRITE and READ include DESCRIBE; nobody is granted more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bus.core.log import topics
from bus.core.policy.control import Registry

TOPICS_PREFIX = "bus."
GATE_GROUP, GATE_MARKS = "bus-gate", "bus-gate-published"
ARBITER_GROUP, ARBITER_MARKS = "bus-arbiter", "bus-arbiter-published"
PUBLISHER_GROUP = "bus-publisher"
STAGE_GROUPS_PREFIX = "bus-"
# Readers that are assigned by hand name one of these and never join it; Kafka wants them to be allowed to ask for it.
NAMED_GROUPS = ("bus-reader", "bus-client")
TRANSACTIONS_PREFIX = "bus-publisher-"
READERS_PREFIX = "bus-read."
STAGES_PRINCIPAL, AUDITOR_PRINCIPAL = "User:agentbus", "User:auditor"
# What anybody may be given to read: answers are for everyone, case files for the tools of people.
OPEN_TOPICS = frozenset({topics.OUTCOMES, topics.ESCALATIONS})


class Resource(StrEnum):
    """What an ACL can be about."""

    TOPIC = "topic"
    GROUP = "group"
    TRANSACTIONAL_ID = "transactional-id"
    CLUSTER = "cluster"


class Pattern(StrEnum):
    """Is a name meant as it stands, or everything that begins with it?"""

    LITERAL = "literal"
    PREFIXED = "prefixed"


class Operation(StrEnum):
    """What can be done to a resource; Kafka's words."""

    ALL = "all"
    READ = "read"
    WRITE = "write"
    CREATE = "create"
    DELETE = "delete"
    ALTER = "alter"
    DESCRIBE = "describe"
    CLUSTER_ACTION = "cluster-action"
    DESCRIBE_CONFIGS = "describe-configs"
    ALTER_CONFIGS = "alter-configs"
    IDEMPOTENT_WRITE = "idempotent-write"
    OTHER = "other"  # one that only newer brokers know


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One thing that one principal may do, from any host."""

    principal: str
    resource: Resource
    name: str
    pattern: Pattern
    operation: Operation


@dataclass(frozen=True, slots=True)
class Reader:
    """A principal that the owner of these topics lets read them."""

    principal: str
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Holders:
    """Who is who. ``lanes`` maps a lane to its principal; ``governed`` are the topics that the publisher writes."""

    lanes: Mapping[str, str]
    governed: tuple[str, ...] = ()
    readers: tuple[Reader, ...] = ()
    gate: str = STAGES_PRINCIPAL
    arbiter: str = STAGES_PRINCIPAL
    publisher: str = STAGES_PRINCIPAL
    auditor: str = AUDITOR_PRINCIPAL


@dataclass(frozen=True, slots=True)
class Allowance:
    """All that one principal may do, and what it is: ``lane sales``, ``gate``, ``auditor``, ``reads leads``."""

    principal: str
    roles: tuple[str, ...]
    grants: tuple[Grant, ...]


def holders_of(registry: Registry, *, stages: str = STAGES_PRINCIPAL, auditor: str = AUDITOR_PRINCIPAL) -> Holders:
    """Who is who on a bus: the lanes and governed topics in force, one principal for all stages."""
    lanes, governed = lane_principals(registry), governed_topics(registry)
    return Holders(lanes, governed, gate=stages, arbiter=stages, publisher=stages, auditor=auditor)


def governed_topics(registry: Registry) -> tuple[str, ...]:
    """The governed topics that contracts in force name."""
    return tuple(sorted({contract.topic for contract in registry.contracts.values()} - {""}))


def lane_principals(registry: Registry) -> dict[str, str]:
    """The principal of each lane in force; a reserved lane that has none named belongs to ``User:<lane>``."""
    return {lane: principal or f"User:{lane}" for lane, principal in sorted(registry.lanes.items())}


def lane_groups(lane: str) -> str:
    """What every consumer group of a lane begins with; no lane's name has a dot, so no prefix is another's."""
    return f"{TOPICS_PREFIX}{lane}."


def reader_groups(principal: str) -> str:
    """What every consumer group of a reader or auditor begins with; dots in its name are written %2E."""
    name = principal.partition(":")[2] or principal
    return f"{READERS_PREFIX}{name.replace('%', '%25').replace('.', '%2E')}."


def shared(holders: Holders) -> tuple[tuple[str, str], ...]:
    """Lanes of agents whose principal is a stage's or the auditor's as well, each with that principal.

    A stage could speak in an agent's name there, or an agent read sealed ballots.
    """
    others = {holders.gate, holders.arbiter, holders.publisher, holders.auditor}
    return tuple(
        (lane, principal)
        for lane, principal in holders.lanes.items()
        if principal in others and lane not in topics.PERSON_LANES
    )


def table(holders: Holders) -> tuple[Allowance, ...]:
    """What each principal may do, and nothing else; a principal with several roles may do what each of them may."""
    roles: dict[str, list[str]] = {}
    grants: dict[str, set[Grant]] = {}
    for principal, role, granted in _by_role(holders):
        said = roles.setdefault(principal, [])
        if role not in said:
            said.append(role)
        grants.setdefault(principal, set()).update(granted)
    return tuple(Allowance(principal, tuple(roles[principal]), tuple(sorted(grants[principal]))) for principal in roles)


def _by_role(holders: Holders) -> Iterable[tuple[str, str, list[Grant]]]:
    yield holders.gate, "gate", _gate(holders)
    yield holders.arbiter, "arbiter", _arbiter(holders)
    yield holders.publisher, "publisher", _publisher(holders)
    yield holders.auditor, "auditor", _auditor(holders)
    for lane, principal in holders.lanes.items():
        yield principal, f"lane {lane}", _lane(lane, principal)
    for reader in holders.readers:
        yield reader.principal, f"reads {', '.join(reader.topics)}", _reader(reader, holders)


def _lane(lane: str, principal: str) -> list[Grant]:
    may = _May(principal)
    may.topic(Operation.WRITE, topics.incoming(lane))
    may.topic(Operation.READ, topics.answers(lane), topics.OUTCOMES)
    may.groups(Operation.READ, lane_groups(lane))
    # No stage's group: whoever may see one learns of every lane, and where the stages run.
    may.group(Operation.DESCRIBE, *NAMED_GROUPS)
    if lane == topics.OPERATORS_LANE:
        may.topic(Operation.READ, topics.CONTROL, topics.REFUSED)
    if lane == topics.DESK_LANE:
        may.topic(Operation.READ, topics.CONTROL, topics.JOURNAL, topics.ESCALATIONS)
    return may.grants


def _gate(holders: Holders) -> list[Grant]:
    may = _stage(holders.gate)
    may.topic(Operation.READ, topics.CONTROL)
    may.topic(Operation.WRITE, topics.CONTROL, topics.ARBITER, topics.REFUSED)
    may.topics(Operation.READ, topics.incoming(""), topics.gate_journal(""))
    may.topics(Operation.WRITE, topics.gate_journal(""), topics.answers(""))
    may.topic(Operation.DESCRIBE, *holders.governed)  # a contract may name only a topic that is there
    may.group(Operation.READ, GATE_GROUP, GATE_MARKS)
    return may.grants


def _arbiter(holders: Holders) -> list[Grant]:
    may = _stage(holders.arbiter)
    may.topic(Operation.READ, topics.CONTROL, topics.ARBITER, topics.JOURNAL)
    may.topic(Operation.WRITE, topics.ARBITER, topics.JOURNAL, topics.OUTCOMES, topics.ESCALATIONS, topics.REFUSED)
    may.topics(Operation.READ, topics.incoming(""))  # its clock looks at what no gate has forwarded yet
    may.topics(Operation.WRITE, topics.answers(""))
    may.group(Operation.READ, ARBITER_GROUP, ARBITER_MARKS)
    may.group(Operation.DESCRIBE, GATE_GROUP)
    return may.grants


def _publisher(holders: Holders) -> list[Grant]:
    may = _stage(holders.publisher)
    may.topic(Operation.READ, topics.CONTROL, topics.ARBITER, topics.JOURNAL, topics.PUBLISHED)
    may.topic(Operation.WRITE, topics.PUBLISHED, *holders.governed)
    may.group(Operation.READ, PUBLISHER_GROUP)
    may.transactions(Operation.WRITE, TRANSACTIONS_PREFIX)
    return may.grants


def _stage(principal: str) -> "_May":
    """What every stage may: see that the topics are as they must be, and keep its snapshots."""
    may = _May(principal)
    may.topics(Operation.DESCRIBE, TOPICS_PREFIX)
    may.topics(Operation.DESCRIBE_CONFIGS, TOPICS_PREFIX)
    may.topic(Operation.READ, topics.SNAPSHOTS)
    may.topic(Operation.WRITE, topics.SNAPSHOTS)
    may.group(Operation.DESCRIBE, *NAMED_GROUPS)
    return may


def _auditor(holders: Holders) -> list[Grant]:
    may = _May(holders.auditor)
    may.topics(Operation.READ, TOPICS_PREFIX)
    may.topics(Operation.DESCRIBE_CONFIGS, TOPICS_PREFIX)
    may.topic(Operation.READ, *holders.governed)
    may.topic(Operation.DESCRIBE_CONFIGS, *holders.governed)
    may.groups(Operation.DESCRIBE, STAGE_GROUPS_PREFIX)
    may.groups(Operation.READ, reader_groups(holders.auditor))
    return may.grants


def _reader(reader: Reader, holders: Holders) -> list[Grant]:
    may = _May(reader.principal)
    may.topic(Operation.READ, *reader.topics)
    may.group(Operation.DESCRIBE, *NAMED_GROUPS)
    if reader.principal not in holders.lanes.values():  # a lane has groups of its own
        may.groups(Operation.READ, reader_groups(reader.principal))
    return may.grants


class _May:
    """Collects the grants of one principal, a line for each kind of thing."""

    def __init__(self, principal: str) -> None:
        self._principal = principal
        self.grants: list[Grant] = []

    def topic(self, operation: Operation, *names: str) -> None:
        self._add(Resource.TOPIC, Pattern.LITERAL, operation, names)

    def topics(self, operation: Operation, *prefixes: str) -> None:
        self._add(Resource.TOPIC, Pattern.PREFIXED, operation, prefixes)

    def group(self, operation: Operation, *names: str) -> None:
        self._add(Resource.GROUP, Pattern.LITERAL, operation, names)

    def groups(self, operation: Operation, *prefixes: str) -> None:
        self._add(Resource.GROUP, Pattern.PREFIXED, operation, prefixes)

    def transactions(self, operation: Operation, *prefixes: str) -> None:
        self._add(Resource.TRANSACTIONAL_ID, Pattern.PREFIXED, operation, prefixes)

    def _add(self, resource: Resource, pattern: Pattern, operation: Operation, names: Sequence[str]) -> None:
        self.grants += [Grant(self._principal, resource, name, pattern, operation) for name in names]
