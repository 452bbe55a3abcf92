"""Tries, with a stock Kafka client, to write and to read many topics as one user, and tells what the broker said."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

DONE = "done"
WITHIN_S = 20.0
Settings = dict[str, Any]  # Any: librdkafka takes numbers and texts


def name_of(error: KafkaError) -> str:
    """Kafka's name of an error."""
    return str(error.name())


def write(login: Settings, topics: Sequence[str]) -> dict[str, str]:
    """Try to write one record to each topic; `done` or the error's name."""
    said: dict[str, str] = {}

    def noted(topic: str) -> Callable[[KafkaError | None, Message], None]:
        def note(error: KafkaError | None, _: Message) -> None:
            said[topic] = DONE if error is None else name_of(error)

        return note

    producer = Producer({**login, "message.timeout.ms": 15_000})
    for topic in topics:
        producer.produce(topic, b"{}", partition=0, on_delivery=noted(topic))
    producer.flush(WITHIN_S)
    return said


def read(login: Settings, topics: Sequence[str], group: str) -> dict[str, str]:
    """Try to read each topic from its beginning; `done` (a record, or the end) or the error's name."""
    said = _hidden(login, topics)
    seen = [topic for topic in topics if topic not in said]
    consumer = Consumer(
        {**login, "group.id": group, "enable.partition.eof": True, "auto.offset.reset": "earliest"},
    )
    consumer.assign([TopicPartition(topic, 0, 0) for topic in seen])
    until_s = time.monotonic() + WITHIN_S
    while not said.keys() >= set(seen) and time.monotonic() < until_s:
        message = consumer.poll(0.2)
        if message is not None:
            said[message.topic() or ""] = _outcome(message)
    consumer.close()
    return said


def _outcome(message: Message) -> str:
    error = message.error()
    return DONE if error is None or error.code() == KafkaError._PARTITION_EOF else name_of(error)


def _hidden(login: Settings, topics: Sequence[str]) -> dict[str, str]:
    """The topics whose very existence the broker keeps from this user."""
    client = AdminClient(login)
    found = {topic: client.list_topics(topic, timeout=10).topics[topic].error for topic in topics}
    return {topic: name_of(error) for topic, error in found.items() if error is not None}
