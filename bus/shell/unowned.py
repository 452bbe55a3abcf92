"""Looks at a stage's group now and then: what is nobody's for two looks in a row must be dealt again.

A static member that comes back is given what it had, and a wish that changes while the group deals can be lost; in both
cases Kafka calls the group stable although a partition is in nobody's hands.
"""

from concurrent.futures import Future
from typing import Any

from confluent_kafka import ConsumerGroupState, KafkaException
from confluent_kafka.admin import AdminClient

from bus.shell import kafka
from bus.shell.errors import BusError
from bus.shell.surroundings import surroundings_of

LOOK_EVERY_S = 4.0  # a group deals within a second or two; a member that is killed is missed after six

Place = tuple[str, int]


class Unowned:
    """What the group leaves to nobody; asks Kafka without waiting for its answer."""

    def __init__(self, config: kafka.ClientConfig, group: str) -> None:
        self._group = group
        self._now_s = surroundings_of(config).now_s
        self._config = config
        self._client: AdminClient | None = None
        self._asked: Future[Any] | None = None  # Any: the client library's own description
        self._before: set[Place] = set()
        self._looked_s = self._now_s()

    def look(self, topics: list[str]) -> list[Place]:
        """The partitions of these topics that were nobody's at this look and at the one before; [] between looks."""
        if self._asked is not None:
            return self._hear(self._asked, topics) if self._asked.done() else []
        if self._now_s() - self._looked_s >= LOOK_EVERY_S:
            self._client = self._client or kafka.admin(self._config)
            self._asked = self._client.describe_consumer_groups([self._group])[self._group]
        return []

    def _hear(self, asked: "Future[Any]", topics: list[str]) -> list[Place]:
        self._asked, self._looked_s = None, self._now_s()
        try:
            told = asked.result()
            counts = kafka.partition_counts(self._client) if self._client is not None else {}
        except (KafkaException, BusError):
            return []  # what is wrong with Kafka is said by whoever needs it
        if told.state != ConsumerGroupState.STABLE:
            self._before = set()
            return []
        owned = {(p.topic, p.partition) for one in told.members for p in one.assignment.topic_partitions}
        missing = {(topic, p) for topic in topics for p in range(counts.get(topic, 0))} - owned
        still, self._before = sorted(missing & self._before), missing
        return still
