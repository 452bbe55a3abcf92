"""Asks Kafka, before any stage starts, whether this login may do what the stages do: else they would try for ever."""

from collections.abc import Iterator, Mapping, Sequence

from confluent_kafka import KafkaException, TopicCollection

from bus.core.log.topics import OPERATORS_LANE, SNAPSHOTS
from bus.shell import kafka
from bus.shell.acls import Holders, Operation, Pattern, Resource, table
from bus.shell.errors import NotPermittedError

NAMED_MAX = 4  # the first few say which login it is; `acls check` says them all
STEP = "use the login of the stages, with --kafka-config; `agentbus acls check` says which ACLs are missing"

Need = tuple[Resource, str, Operation]


def check_login(config: kafka.ClientConfig, stages: Sequence[str]) -> None:
    """Raise `NotPermittedError` if Kafka says that this login lacks what these stages need; else it is let pass.

    Only what is there on every bus is asked for: a new lane or governed topic without its ACLs must not keep the
    others from working. What Kafka does not tell is no reason to refuse.
    """
    needs = sorted(needed(stages), key=lambda need: need[0] is Resource.GROUP)
    topics = _topics(config, [name for resource, name, _ in needs if resource is Resource.TOPIC])
    groups = _groups(config, [name for resource, name, _ in needs if resource is Resource.GROUP])
    may = {**{(Resource.TOPIC, name): one for name, one in topics.items()}, **groups}
    lacks = [_named(*need) for need in needs if _lacks(may.get(need[:2]), need[2])]
    if lacks:
        more = f" and {len(lacks) - NAMED_MAX} more" if len(lacks) > NAMED_MAX else ""
        raise NotPermittedError(f"this login may not {', '.join(lacks[:NAMED_MAX])}{more}", STEP)


def needed(stages: Sequence[str]) -> Iterator[Need]:
    """What these stages read and write on every bus; of lanes the topics of the operators, whom each bus has."""
    holders = Holders({}, gate="stage:gate", arbiter="stage:arbiter", publisher="stage:publisher")
    wanted = {f"stage:{stage}" for stage in stages}
    for allowance in table(holders):
        for grant in allowance.grants if allowance.principal in wanted else ():
            is_use = grant.operation in (Operation.READ, Operation.WRITE) and grant.name != SNAPSHOTS
            if is_use and grant.resource in (Resource.TOPIC, Resource.GROUP):
                name = grant.name + (OPERATORS_LANE if grant.pattern is Pattern.PREFIXED else "")
                yield grant.resource, name, grant.operation


def _named(resource: Resource, name: str, operation: Operation) -> str:
    return f"{operation} {name}" if resource is Resource.TOPIC else f"use group {name}"


def _lacks(allowed: set[str] | None, operation: Operation) -> bool:
    return allowed is not None and operation.name not in allowed


def _topics(config: kafka.ClientConfig, names: Sequence[str]) -> dict[str, set[str]]:
    """What may be done to each topic of which Kafka tells it."""
    client = kafka.admin(config)  # kept until the answers are in: its end would end them
    asked = TopicCollection(list(dict.fromkeys(names)))
    futures = client.describe_topics(asked, include_authorized_operations=True, request_timeout=kafka.CALL_TIMEOUT_S)
    return {name: may for name, future in futures.items() if (may := _may(future)) is not None}


def _groups(config: kafka.ClientConfig, names: Sequence[str]) -> Mapping[tuple[Resource, str], set[str]]:
    """The same of groups."""
    client = kafka.admin(config)
    asked = list(dict.fromkeys(names))
    futures = client.describe_consumer_groups(
        asked, include_authorized_operations=True, request_timeout=kafka.CALL_TIMEOUT_S
    )
    return {(Resource.GROUP, name): may for name, future in futures.items() if (may := _may(future)) is not None}


def _may(future: object) -> set[str] | None:
    """Names of the operations that are allowed; none if even to look is not, None if Kafka does not tell."""
    try:
        told = future.result(kafka.CALL_TIMEOUT_S + 1).authorized_operations  # type: ignore[attr-defined]
    except KafkaException as error:
        return set() if error.args[0].code() in kafka.NOT_ALLOWED else None
    return {one.name for one in told} if told else None
