"""The bus's topics on a Kafka: what they must be, how they are made, and genesis."""

from collections.abc import Sequence
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.cimpl import NewTopic

from bus.core.log import topics
from bus.core.log.records import canonical
from bus.core.policy.control import Genesis
from bus.shell import kafka
from bus.shell.errors import BusError, ConflictError, FatalError, RetryableError

DAY_MS = 24 * 3600 * 1000
MEBIBYTE = 1024 * 1024
UNLIMITED = -1


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """A topic as it must be. ``retention_ms`` -1 keeps records for ever."""

    name: str
    partitions: int
    retention_ms: int
    bytes_max: int = 2 * MEBIBYTE
    is_compacted: bool = False

    def settings(self) -> dict[str, str]:
        """The topic's settings as Kafka names them."""
        return {
            "cleanup.policy": "compact" if self.is_compacted else "delete",
            "retention.ms": str(self.retention_ms),
            "max.message.bytes": str(self.bytes_max),
            "message.timestamp.type": "LogAppendTime",
            "unclean.leader.election.enable": "false",
        }


def lane_plan(lane: str) -> list[TopicPlan]:
    """The three topics of a lane."""
    incoming_ms = UNLIMITED if lane in topics.PERSON_LANES else 7 * DAY_MS
    return [
        TopicPlan(topics.incoming(lane), 1, incoming_ms, MEBIBYTE),
        TopicPlan(topics.answers(lane), 1, 7 * DAY_MS),
        TopicPlan(topics.gate_journal(lane), 1, UNLIMITED),
    ]


def bus_plan(partitions: int) -> list[TopicPlan]:
    """All topics that are there from genesis."""
    own = [
        TopicPlan(topics.CONTROL, 1, UNLIMITED),
        TopicPlan(topics.ARBITER, partitions, 30 * DAY_MS),
        TopicPlan(topics.JOURNAL, partitions, UNLIMITED),
        TopicPlan(topics.OUTCOMES, partitions, 30 * DAY_MS),
        TopicPlan(topics.ESCALATIONS, topics.ESCALATION_PARTITIONS, 183 * DAY_MS),
        TopicPlan(topics.REFUSED, topics.REFUSED_PARTITIONS, 30 * DAY_MS),
        TopicPlan(topics.SNAPSHOTS, 1, UNLIMITED),
        TopicPlan(topics.PUBLISHED, 1, UNLIMITED, is_compacted=True),
    ]
    return own + [plan for lane in topics.PERSON_LANES for plan in lane_plan(lane)]


def create_topics(admin: AdminClient, plans: Sequence[TopicPlan], *, replication: int) -> list[str]:
    """Create what is missing; the names created. Raises `ConflictError` if a count differs, `BusError` on a refusal."""
    there = kafka.partition_counts(admin)
    for plan in plans:
        if there.get(plan.name, plan.partitions) != plan.partitions:
            text = f"topic {plan.name} has {there[plan.name]} partitions, not {plan.partitions}"
            raise ConflictError(text, "another N is a migration: use a new cluster or the genesis that is there")
    missing = [plan for plan in plans if plan.name not in there]
    if missing:
        _create(admin, missing, replication)
    return [plan.name for plan in missing]


def _create(admin: AdminClient, plans: Sequence[TopicPlan], replication: int) -> None:
    in_sync = {"min.insync.replicas": str(min(2, replication))}
    new = [NewTopic(plan.name, plan.partitions, replication, config={**plan.settings(), **in_sync}) for plan in plans]
    for name, future in admin.create_topics(new, operation_timeout=kafka.CALL_TIMEOUT_S).items():
        try:
            future.result()
        except KafkaException as error:
            code = error.args[0].code()
            if code == KafkaError.TOPIC_ALREADY_EXISTS:
                continue
            if code == KafkaError.INVALID_REPLICATION_FACTOR:
                text = f"this Kafka has fewer than {replication} brokers"
                raise BusError(text, "use --single-node for development, or add brokers") from error
            raise BusError(f"topic {name} cannot be created ({error.args[0].str()})", "check the ACLs") from error


def governed_plan(name: str, partitions: int) -> TopicPlan:
    """A governed topic as development makes it; in production its owner decides."""
    return TopicPlan(name, partitions, 7 * DAY_MS)


def write_genesis(config: kafka.ClientConfig, genesis: Genesis) -> Genesis:
    """Write control number 0 if nothing is there; the genesis in force. Raises `ConflictError` if another one is."""
    before = read_genesis(config)
    if before is None:
        producer = kafka.plain_producer(config)  # what is there afterwards is read back anyway
        producer.produce(topics.CONTROL, partition=0, key=b"genesis", value=canonical(genesis.to_json()))
        if producer.flush(kafka.CALL_TIMEOUT_S):
            raise RetryableError("the genesis was not acknowledged", "try again")
        before = read_genesis(config)
        assert before is not None
    if before != genesis:
        text = f"this Kafka has a genesis already (domain {before.domain}, {before.partitions} partitions)"
        raise ConflictError(text, "nothing was changed; use it as it is, or another cluster")
    return before


def read_genesis(config: kafka.ClientConfig) -> Genesis | None:
    """The genesis in force, None if there is none yet."""
    from bus.shell.control_log import ControlLog
    from bus.shell.errors import NotInitialisedError

    log = ControlLog(config, {})
    try:
        log.open()
        return log.genesis
    except NotInitialisedError:
        return None
    finally:
        log.close()


def check_partitions(config: kafka.ClientConfig, genesis: Genesis) -> None:
    """Refuse to start on topics that are not as genesis says; raises `FatalError`."""
    there = kafka.partition_counts(kafka.admin(config))
    for plan in bus_plan(genesis.partitions):
        if there.get(plan.name) != plan.partitions:
            found = there.get(plan.name, "none")
            text = f"topic {plan.name} has {found} partitions, genesis says {plan.partitions}"
            raise FatalError("wrong_topics", text, "run `agentbus init` if it is missing; a change of N is a migration")


def has_append_time(config: kafka.ClientConfig, topic: str) -> bool:
    """Does the broker itself say when a record came? Raises `RetryableError`."""
    client = kafka.admin(config)
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    try:
        entries = client.describe_configs([resource], request_timeout=kafka.CALL_TIMEOUT_S)[resource].result()
    except KafkaException as error:
        raise RetryableError(f"topic {topic} does not tell its settings: {error.args[0].str()}") from error
    return bool(entries["message.timestamp.type"].value == "LogAppendTime")


def topic_ids(config: kafka.ClientConfig, names: Sequence[str]) -> dict[str, str]:
    """The id the broker gave each topic; one that does not exist has none. Raises `RetryableError`."""
    client = kafka.admin(config)  # kept until the answers are in: its end would end them
    futures = client.describe_topics(TopicCollection(list(names)), request_timeout=kafka.CALL_TIMEOUT_S)
    found = {}
    for name, future in futures.items():
        try:
            found[name] = str(future.result().topic_id)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise RetryableError(f"topic {name} does not tell its id: {error.args[0].str()}") from error
    return found
