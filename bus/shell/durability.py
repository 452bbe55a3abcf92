"""Refuses to run the bus on topics that could lose what was decided: too few copies, or too few of them in step."""

from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # not exported by name, but public
    AdminClient,
    ConfigResource,
    ResourceType,
)

from bus.core.log.topics import CONTROL
from bus.core.policy.control import Genesis, Registry
from bus.shell import kafka
from bus.shell.cluster import bus_plan, lane_plan
from bus.shell.errors import FatalError, RetryableError, UnreachableError

REPLICAS_MIN = 3
IN_SYNC_MIN = 2
NEXT_STEP = "give the topics three replicas and min.insync.replicas=2, or say --single-node for development"


def check_durable(client: AdminClient, registry: Registry) -> None:
    """Raise `FatalError` (``not_durable``) on the first topic of the bus that is not kept safely."""
    names = _topics(registry.genesis, sorted(registry.lanes))
    _check_replicas(client, names)
    for name, settings in _settings(client, names).items():
        in_sync = int(settings.get("min.insync.replicas", "1"))
        if in_sync < IN_SYNC_MIN:
            raise _not_durable(f"topic {name} needs only {in_sync} replica in step to take a record")
        if settings.get("unclean.leader.election.enable") == "true":
            raise _not_durable(f"topic {name} allows an unclean leader election")


def copies_of_bus(client: AdminClient) -> int:
    """How many copies the bus's own topics have, so that a new lane is kept as safely; raises `RetryableError`."""
    control = _list(client).get(CONTROL)
    if control is None:
        raise RetryableError("bus.control does not tell how many copies it has", "try again")
    return len(control.partitions[0].replicas)


def _topics(genesis: Genesis, lanes: Sequence[str]) -> list[str]:
    plans = bus_plan(genesis.partitions) + [plan for lane in lanes for plan in lane_plan(lane)]
    return sorted({plan.name for plan in plans})


def _check_replicas(client: AdminClient, names: Sequence[str]) -> None:
    there = _list(client)
    for name in (one for one in names if one in there):
        fewest = min(len(part.replicas) for part in there[name].partitions.values())
        if fewest < REPLICAS_MIN:
            raise _not_durable(f"topic {name} has {fewest} replica{'' if fewest == 1 else 's'}")


def _list(client: AdminClient) -> dict[str, Any]:  # Any: the client library's own metadata
    try:
        return dict(client.list_topics(timeout=kafka.CALL_TIMEOUT_S).topics)
    except KafkaException as error:
        text = f"Kafka does not answer ({error.args[0].str()})"
        raise UnreachableError(text, "check --bootstrap and that the broker runs") from error


def _settings(client: AdminClient, names: Sequence[str]) -> dict[str, Mapping[str, str]]:
    asked = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    found: dict[str, Mapping[str, str]] = {}
    for resource, future in client.describe_configs(asked, request_timeout=kafka.CALL_TIMEOUT_S).items():
        try:
            entries = future.result()
        except KafkaException as error:
            text = f"topic {resource.name} does not tell its settings ({error.args[0].str()})"
            raise RetryableError(text, "allow DescribeConfigs on it, or say --single-node") from error
        found[resource.name] = {name: str(entry.value) for name, entry in entries.items()}
    return found


def _not_durable(message: str) -> FatalError:
    return FatalError("not_durable", message, NEXT_STEP)
