"""Compares the topics of a Kafka with those the bus needs: which are missing, and which are not as they must be.

    create    it is missing: `apply_topics` makes it
    alter     a setting is wrong: `apply_topics` sets it
    lost      it is missing, yet decisions rest on it: an input made anew is another topic, a journal an empty one
    migrate   only a person can: other partitions move every key, other copies move every byte

A retention longer than the bus's own, and more copies, are the operator's choice and no difference. Governed topics
belong to their owners: only what the bus's promises rest on is looked at there.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # not exported by name, but public
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from bus.core.log import topics
from bus.core.policy.control import Registry
from bus.shell import kafka
from bus.shell.acls import ARBITER_GROUP, GATE_GROUP, governed_topics
from bus.shell.cluster import UNLIMITED, TopicPlan, bus_plan, create_topics, governed_plan, lane_plan
from bus.shell.errors import BusError, NotPermittedError, RetryableError

IN_SYNC_WANTED = 2  # of three copies one may be away, and what was acknowledged is on another one
RETENTION, RETENTION_BYTES, IN_SYNC, LARGEST = (
    "retention.ms",
    "retention.bytes",
    "min.insync.replicas",
    "max.message.bytes",
)
PARTITIONS, COPIES = "partitions", "replicas"
INPUTS, JOURNALS = topics.incoming(""), topics.gate_journal("")


class Mend(StrEnum):
    """What makes a difference go away."""

    CREATE = "create"
    ALTER = "alter"
    MIGRATE = "migrate"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class TopicDifference:
    """One thing about one topic; ``setting`` is Kafka's name, ``partitions``, ``replicas`` or "" for all of it."""

    topic: str
    setting: str
    found: str
    wanted: str
    mend: Mend


@dataclass(frozen=True, slots=True)
class TopicReport:
    """How the topics are: all that are ``needed``, and what differs."""

    needed: tuple[str, ...]
    differences: tuple[TopicDifference, ...]


@dataclass(frozen=True, slots=True)
class FoundTopic:
    """A topic as it is."""

    partitions: int
    replicas: int
    settings: Mapping[str, str]


def needed_topics(registry: Registry) -> tuple[TopicPlan, ...]:
    """The bus's own topics and those of the lanes in force, as they must be."""
    plans = bus_plan(registry.genesis.partitions) + [plan for lane in registry.lanes for plan in lane_plan(lane)]
    return tuple({plan.name: plan for plan in plans}.values())


def check_topics(config: kafka.ClientConfig, registry: Registry, *, replication: int) -> TopicReport:
    """How the topics on the Kafka at ``config`` are; ``replication`` is how many copies each must have at least.

    Raises `RetryableError`, `NotPermittedError` if whoever asks may not see a topic's settings.
    """
    plans, governed = needed_topics(registry), governed_topics(registry)
    names = sorted([*(plan.name for plan in plans), *governed])
    there = find_topics(config, names)
    counts = {name: found.partitions for name, found in there.items()}
    judged = _judged(config, set(names) - there.keys(), counts)
    differences = [one for plan in plans for one in compare_topic(plan, there.get(plan.name), replication=replication)]
    differences += [one for name in governed for one in compare_governed(name, there.get(name), replication)]
    told = [_lost(one.topic) if one.mend is Mend.CREATE and one.topic in judged else one for one in differences]
    return TopicReport(tuple(names), tuple(sorted(told, key=lambda one: (one.topic, one.setting))))


def compare_topic(plan: TopicPlan, found: FoundTopic | None, *, replication: int) -> Iterator[TopicDifference]:
    """What differs between a topic of the bus and its plan."""
    if found is None:
        yield _missing(plan.name, f"{plan.partitions} partition{'' if plan.partitions == 1 else 's'}")
        return
    if found.partitions != plan.partitions:
        yield TopicDifference(plan.name, PARTITIONS, str(found.partitions), str(plan.partitions), Mend.MIGRATE)
    yield from _too_few_copies(plan.name, found, replication)
    wanted = {**plan.settings(), RETENTION_BYTES: str(UNLIMITED), IN_SYNC: _in_sync(found, replication)}
    yield from _settings(plan.name, found, wanted, at_least={RETENTION, IN_SYNC})


def compare_governed(name: str, found: FoundTopic | None, replication: int) -> Iterator[TopicDifference]:
    """What a governed topic lacks; partitions, retention and clean-up are its owner's."""
    if found is None:
        yield _missing(name, "its owner's choice of partitions")
        return
    yield from _too_few_copies(name, found, replication)
    promised = ("message.timestamp.type", "unclean.leader.election.enable", LARGEST)
    settings = governed_plan(name, found.partitions).settings()
    wanted = {**{setting: settings[setting] for setting in promised}, IN_SYNC: _in_sync(found, replication)}
    yield from _settings(name, found, wanted, at_least={LARGEST, IN_SYNC})


def find_topics(config: kafka.ClientConfig, names: Sequence[str]) -> dict[str, FoundTopic]:
    """Those of the topics that are there; raises as `check_topics`."""
    client = kafka.admin(config)
    counts = kafka.partition_counts(client, config["bootstrap.servers"])
    there = [name for name in names if name in counts]
    try:
        metadata = client.list_topics(timeout=kafka.CALL_TIMEOUT_S).topics
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in there]
        futures = client.describe_configs(resources, request_timeout=kafka.CALL_TIMEOUT_S) if resources else {}
        settings = {
            one.name: {key: str(entry.value) for key, entry in future.result().items()}
            for one, future in futures.items()
        }
    except KafkaException as error:
        raise _error_of(error, "tell their settings", "DescribeConfigs") from error
    return {name: FoundTopic(counts[name], _fewest_copies(metadata[name]), settings[name]) for name in there}


def lost_of_lane(config: kafka.ClientConfig, lane: str) -> list[str]:
    """Topics of a lane that are gone and must not be made anew; raises `RetryableError`, `NotPermittedError`."""
    names = [plan.name for plan in lane_plan(lane)]
    there = kafka.partition_counts(kafka.admin(config), config["bootstrap.servers"])
    return sorted(_judged(config, set(names) - there.keys(), there))


def _judged(config: kafka.ClientConfig, missing: Collection[str], there: Mapping[str, int]) -> set[str]:
    """Those of the missing inputs and journals that decisions rest on: one of each pair, or an answer, tells."""
    inputs = {name for name in missing if name == topics.ARBITER or name.startswith(INPUTS)}
    journals = {name for name in missing if name == topics.JOURNAL or name.startswith(JOURNALS)}
    pairs = {*((name, _journal_of(name)) for name in inputs), *((_input_of(name), name) for name in journals)}
    if not pairs:
        return set()
    witnesses = {pair: (pair[1], _answers_of(pair[0])) for pair in pairs}
    names = {name for pair in witnesses.values() for name in pair}
    places = [(name, p) for name in names if name in there for p in range(there[name])]
    begun = {name for (name, _), end in kafka.next_offsets(kafka.admin(config), places).items() if end > 0}
    lost = {pair for pair, told in witnesses.items() if begun.intersection(told)}
    lost |= {pair for pair in pairs - lost if pair[0] in there and _has_progress(config, pair[0], there[pair[0]])}
    return {name for pair in lost for name in pair} & set(missing)


def _has_progress(config: kafka.ClientConfig, topic: str, partitions: int) -> bool:
    """Has a stage committed that it judged records of this input? Raises `NotPermittedError`, `RetryableError`."""
    consumer = kafka.reader(config, ARBITER_GROUP if topic == topics.ARBITER else GATE_GROUP)
    try:
        return any(kafka.committed(consumer, [(topic, p) for p in range(partitions)]).values())
    finally:
        consumer.close()


def _input_of(journal: str) -> str:
    return topics.ARBITER if journal == topics.JOURNAL else topics.incoming(journal.removeprefix(JOURNALS))


def _answers_of(topic: str) -> str:
    """Where a stage writes about this input and nobody else does; the arbiter writes to the lanes as well."""
    return topics.OUTCOMES if topic == topics.ARBITER else topics.answers(topic.removeprefix(INPUTS))


def _journal_of(topic: str) -> str:
    return topics.JOURNAL if topic == topics.ARBITER else topics.gate_journal(topic.removeprefix(INPUTS))


def _lost(topic: str) -> TopicDifference:
    is_journal = topic == topics.JOURNAL or topic.startswith(JOURNALS)
    if topic in (topics.JOURNAL, topics.ARBITER):
        wanted = "what was decided" if is_journal else "the records that were judged"
    else:
        what = "what its gate decided" if is_journal else "the records that were judged"
        wanted = f"{what}: a new lane needs a new name"
    return TopicDifference(topic, "", "missing", wanted, Mend.LOST)


def apply_topics(
    config: kafka.ClientConfig, registry: Registry, report: TopicReport, *, replication: int, governed_partitions: int
) -> list[TopicDifference]:
    """Create and alter what the report names; what was done. Nothing is migrated, no record is lost.

    A missing governed topic is created if ``governed_partitions`` is not 0. Raises `BusError`.
    """
    missing = {one.topic for one in report.differences if one.mend is Mend.CREATE}
    plans = [plan for plan in needed_topics(registry) if plan.name in missing]
    if governed_partitions:
        plans += [governed_plan(name, governed_partitions) for name in governed_topics(registry) if name in missing]
    client = kafka.admin(config)
    created = create_topics(client, plans, replication=replication)
    altered = [one for one in report.differences if one.mend is Mend.ALTER]
    _alter(client, altered)
    return [one for one in report.differences if one in altered or one.topic in created]


def _alter(client: AdminClient, wanted: Sequence[TopicDifference]) -> None:
    changes: dict[str, list[ConfigEntry]] = {}
    for one in wanted:
        entry = ConfigEntry(one.setting, one.wanted, incremental_operation=AlterConfigOpType.SET)
        changes.setdefault(one.topic, []).append(entry)
    resources = [
        ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries) for topic, entries in changes.items()
    ]
    if not resources:
        return
    try:
        for future in client.incremental_alter_configs(resources, request_timeout=kafka.CALL_TIMEOUT_S).values():
            future.result()
    except KafkaException as error:
        raise _error_of(error, "be altered", "AlterConfigs") from error


def _in_sync(found: FoundTopic, replication: int) -> str:
    """As many as there are copies at most: asking for more than there can be would stop every write."""
    return str(min(IN_SYNC_WANTED, replication, found.replicas))


def _settings(
    topic: str, found: FoundTopic, wanted: Mapping[str, str], *, at_least: set[str]
) -> Iterator[TopicDifference]:
    for setting, value in wanted.items():
        there = found.settings.get(setting, "")
        if not (_is_enough(there, value) if setting in at_least else there == value):
            yield TopicDifference(topic, setting, there or "unknown", value, Mend.ALTER)


def _is_enough(found: str, wanted: str) -> bool:
    """Of what is counted, -1 is without end."""
    if found == wanted or found == str(UNLIMITED):
        return True
    return wanted != str(UNLIMITED) and found.isdecimal() and int(found) >= int(wanted)


def _too_few_copies(topic: str, found: FoundTopic, replication: int) -> Iterator[TopicDifference]:
    if found.replicas < replication:
        yield TopicDifference(topic, COPIES, str(found.replicas), str(replication), Mend.MIGRATE)


def _missing(topic: str, wanted: str) -> TopicDifference:
    return TopicDifference(topic, "", "missing", wanted, Mend.CREATE)


def _fewest_copies(metadata: Any) -> int:  # Any: the client library's own type
    return min((len(one.replicas) for one in metadata.partitions.values()), default=0)


def _error_of(error: KafkaException, what: str, operation: str) -> BusError:
    refusal: KafkaError = error.args[0]
    if refusal.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
        step = f"log in as one who may ({operation} on them), with --kafka-config"
        return NotPermittedError(f"the topics do not {what} to this login", step)
    return RetryableError(f"the topics do not {what} ({refusal.str()})")
