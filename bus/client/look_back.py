"""Looks at what stood on a topic before: the first answer to a message, or what each source of the bus said last."""

import json
from collections.abc import Mapping

from confluent_kafka import TopicPartition

from bus.client.clock import elapsed_s
from bus.client.event import Event, event_of
from bus.client.kafka_links import answers_reader
from bus.client.pending import OF_CLAIMS, Request
from bus.core.log.records import Record
from bus.core.log.topics import answers, coordinates, incoming
from bus.shell.follow import TAIL_RECORDS, Follower
from bus.shell.kafka import CALL_TIMEOUT_S, record_of

LOOK_S = 0.2
# The bus remembers an id for this long after the first message, so the first answer is no older.
REMEMBERED_MS = 330_000


def first_answer(settings: Mapping[str, str], lane: str, offset: int, request: Request, *, at_ms: int) -> list[Event]:
    """The events about the message at ``offset`` of the lane, and about its claim; none if there are none yet.

    ``at_ms`` is when the bus said `duplicate`. Raises KafkaException.
    """
    consumer = answers_reader(settings, lambda _: None)
    topic, src = answers(lane), coordinates(incoming(lane), 0, offset)
    try:
        place = TopicPartition(topic, 0, max(0, at_ms - REMEMBERED_MS))
        low, end = consumer.get_watermark_offsets(place, timeout=CALL_TIMEOUT_S, cached=False)
        (found,) = consumer.offsets_for_times([place], timeout=CALL_TIMEOUT_S)
        position = max(low, found.offset) if found.offset >= 0 else end
        follower, events, until_s = Follower(end), [], elapsed_s() + request.remaining_s
        consumer.assign([TopicPartition(topic, 0, position)])
        while position < end and elapsed_s() < until_s:
            message = consumer.poll(LOOK_S)
            if message is None or message.error():
                continue
            record = record_of(message)
            position = record.offset + 1
            if follower.takes(record):
                event = event_of(json.loads(record.value or b""))
                is_decision = event.kind in OF_CLAIMS and (event.agent, event.text("claim")) == request.key
                events += [event] if event.src == src or is_decision else []
        return events
    finally:
        consumer.close()


def followed_until(settings: Mapping[str, str], record: Record) -> Follower:
    """A memory of what stands before a record: what another reader took, or this one before it was restarted.

    Raises KafkaException.
    """
    consumer = answers_reader(settings, lambda _: None)
    follower, until_s = Follower(0), elapsed_s() + CALL_TIMEOUT_S
    try:
        place = TopicPartition(record.topic, record.partition)
        low, _ = consumer.get_watermark_offsets(place, timeout=CALL_TIMEOUT_S, cached=False)
        place.offset = max(low, record.offset - TAIL_RECORDS)
        consumer.assign([place])
        while place.offset < record.offset and elapsed_s() < until_s:
            message = consumer.poll(LOOK_S)
            if message is None or message.error():
                continue
            found = record_of(message)
            if found.offset >= record.offset:
                break
            follower.takes(found)
        return follower
    finally:
        consumer.close()
