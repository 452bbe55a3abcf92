"""The topics of the wire page: how they must be set, how a lane's three are made, how all records of one are read."""

from __future__ import annotations

import time
from collections.abc import Iterable

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Message,
    TopicCollection,
    TopicPartition,
)

# The client's stubs do not re-export these names, its documentation does.
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    ConfigResource,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from tests.acceptance.wire import Record

Log = list[list[Record]]

MEBIBYTE = 1_048_576
DAY_MS = 86_400_000
ANSWER_S = 20.0
READ_ALL_S = 90.0
READ_AT_ONCE = 500
APPEND_TIME = {"message.timestamp.type": "LogAppendTime"}
LANE_TOPICS = {
    "in": {"retention.ms": 7 * DAY_MS, "max.message.bytes": MEBIBYTE},
    "out": {"retention.ms": 7 * DAY_MS, "max.message.bytes": 2 * MEBIBYTE},
    "gate": {"retention.ms": -1, "max.message.bytes": 2 * MEBIBYTE},
}
# Retention of the bus's own topics in days (-1: unlimited), by wire.md section 1.
OWN_TOPICS_DAYS = {
    "bus.control": -1,
    "bus.arbiter": 30,
    "bus.journal": -1,
    "bus.outcomes": 30,
    "bus.escalations": 183,
    "bus.refused": 30,
    "bus.snapshots": -1,
}


class TestsStopError(Exception):
    """The run cannot go on; the text says in one sentence what was waited for or missing."""


class Cluster:
    """A Kafka cluster as a stock client sees it."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})

    def partitions(self) -> dict[str, int]:
        """Every topic with its number of partitions."""
        topics = self._admin.list_topics(timeout=ANSWER_S).topics
        return {name: len(topic.partitions) for name, topic in topics.items()}

    def create(self, name: str, partitions: int, settings: dict[str, str]) -> None:
        """Make one topic, with as many copies as the broker makes by itself; it is there when this returns."""
        topic = NewTopic(name, num_partitions=partitions, replication_factor=-1, config=settings)
        self._admin.create_topics([topic], request_timeout=ANSWER_S)[name].result(ANSWER_S)

    def create_lane(self, lane: str) -> None:
        """The three topics of a lane."""
        for kind, settings in LANE_TOPICS.items():
            held = {name: str(value) for name, value in settings.items()} | APPEND_TIME | {"cleanup.policy": "delete"}
            self.create(f"bus.{kind}.{lane}", 1, held)

    def settings(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        """The settings in force of these topics."""
        asked = [ConfigResource(ResourceType.TOPIC, name) for name in names]
        answers = self._admin.describe_configs(asked, request_timeout=ANSWER_S)
        told: dict[str, dict[str, str]] = {}
        for resource, answer in answers.items():
            told[resource.name] = {name: str(entry.value) for name, entry in answer.result(ANSWER_S).items()}
        return told

    def topic_ids(self, names: list[str]) -> dict[str, str]:
        """Kafka's own id of each topic."""
        answers = self._admin.describe_topics(TopicCollection(names), request_timeout=ANSWER_S)
        return {name: str(answer.result(ANSWER_S).topic_id) for name, answer in answers.items()}

    def ends(self, topics: dict[str, int]) -> dict[tuple[str, int], int]:
        """The end offset of every partition of these topics (a record still in a transaction counts)."""
        asked = {
            TopicPartition(name, partition): OffsetSpec.latest()  # type: ignore[no-untyped-call]  # an untyped client call
            for name, count in topics.items()
            for partition in range(count)
        }
        if not asked:
            return {}
        answers = self._admin.list_offsets(asked, request_timeout=ANSWER_S)
        return {(tp.topic, tp.partition): answer.result(ANSWER_S).offset for tp, answer in answers.items()}

    def committed(self, group: str) -> dict[tuple[str, int], int]:
        """What a consumer group has committed; nothing when there is no such group."""
        asked = [ConsumerGroupTopicPartitions(group)]
        try:
            answer = self._admin.list_consumer_group_offsets(asked, request_timeout=ANSWER_S)[group].result(ANSWER_S)
        except KafkaException:
            return {}
        return {(tp.topic, tp.partition): tp.offset for tp in answer.topic_partitions if tp.offset >= 0}

    def read(self, topic: str, *, isolation: str = "read_uncommitted") -> Log:
        """All records of one topic from its beginning to its present end, partition by partition."""
        return self.read_all([topic], isolation=isolation).get(topic, [])

    def read_all(self, topics: Iterable[str], *, isolation: str) -> dict[str, Log]:
        """All records of these topics (of those that are there), each from its beginning to its present end."""
        counts = self.partitions()
        held: dict[str, Log] = {name: [[] for _ in range(counts[name])] for name in topics if name in counts}
        still_open = {(name, partition) for name, log in held.items() for partition in range(len(log))}
        consumer = self.consumer(isolation)
        consumer.assign([TopicPartition(name, partition, OFFSET_BEGINNING) for name, partition in still_open])
        until = time.monotonic() + READ_ALL_S
        try:
            while still_open:
                if time.monotonic() > until:
                    raise TestsStopError(f"{min(still_open)} could not be read: nothing came for {READ_ALL_S:.0f} s")
                for message in consumer.consume(READ_AT_ONCE, 0.05):
                    error = message.error()
                    if error is None:
                        record = as_record(message)
                        held[record.topic][record.partition].append(record)
                        until = time.monotonic() + READ_ALL_S
                    elif error.code() == KafkaError._PARTITION_EOF:
                        still_open.discard((str(message.topic()), int(message.partition() or 0)))
        finally:
            consumer.close()
        return held

    def consumer(self, isolation: str = "read_uncommitted") -> Consumer:
        """A consumer without a group, from wherever it is told to begin."""
        return Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": "acceptance-never-committed",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": isolation,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 100,
                "log_level": 2,
            }
        )


def as_record(message: object) -> Record:
    """A stock client's message as a record of these tests."""
    assert isinstance(message, Message)
    pairs = message.headers() or []
    headers = tuple((str(pair[0]), _bytes(pair[1])) for pair in pairs)
    key, value = message.key(), message.value()
    return Record(
        str(message.topic()),
        int(message.partition() or 0),
        int(message.offset() or 0),
        int(message.timestamp()[1]),
        _bytes(key),
        headers,
        _bytes(value),
    )


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
