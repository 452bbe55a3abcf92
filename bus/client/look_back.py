"""Looks at what stood on a topic before: the first answer to a message, duties left, what each source said last."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from confluent_kafka import TopicPartition

from bus.client.clock import elapsed_s
from bus.client.duty import Duties
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
# Who was away for longer than a deployment takes is asked again by the next rung, or a person is.
DUTIES_MS = 900_000


def first_answer(settings: Mapping[str, str], lane: str, offset: int, request: Request, *, at_ms: int) -> list[Event]:
    """The events about the message at ``offset`` of the lane, and about its claim; none if there are none yet.

    ``at_ms`` is when the bus said `duplicate`. Raises KafkaException.
    """
    src = coordinates(incoming(lane), 0, offset)
    since = _Answers(settings, lane, since_ms=at_ms - REMEMBERED_MS, until_s=elapsed_s() + request.remaining_s)
    return [event for event in since if event.src == src or _is_decision(event, request)]


def duties_left(settings: Mapping[str, str], lane: str, agent: str, *, now_ms: int) -> list[Event]:
    """What the agent was asked for before it listened and has not done: the oldest first; raises KafkaException.

    What was asked more than `DUTIES_MS` ago is not looked for, nor what is found after `CALL_TIMEOUT_S`.
    """
    known, open_by_contest = Duties(agent), dict[str, Event]()
    began = now_ms - DUTIES_MS
    for event in _Answers(settings, lane, since_ms=began, until_s=elapsed_s() + CALL_TIMEOUT_S, naming=agent):
        contest = event.decision if event.kind == "contest_opened" else event.text("contest")
        if known.notice(event):
            open_by_contest[contest] = event
        elif event.kind in ("settled", "turn") or (event.kind in ("voted", "offered") and event.agent == agent):
            open_by_contest.pop(contest, None)
    return list(open_by_contest.values())


def _is_decision(event: Event, request: Request) -> bool:
    return event.kind in OF_CLAIMS and (event.agent, event.text("claim")) == request.key


@dataclass(frozen=True, slots=True)
class _Answers:
    """A lane's answers from a time (epoch ms) to the end as it is now, each once; fewer if the time is up before.

    ``naming``: only those whose bytes name this agent.
    """

    settings: Mapping[str, str]
    lane: str
    since_ms: int
    until_s: float
    naming: str = ""

    def __iter__(self) -> Iterator[Event]:
        consumer, topic, naming = (
            answers_reader(self.settings, lambda _: None),
            answers(self.lane),
            self.naming.encode(),
        )
        try:
            place = TopicPartition(topic, 0, max(0, self.since_ms))
            low, end = consumer.get_watermark_offsets(place, timeout=CALL_TIMEOUT_S, cached=False)
            (found,) = consumer.offsets_for_times([place], timeout=CALL_TIMEOUT_S)
            position = max(low, found.offset) if found.offset >= 0 else end
            follower = Follower(end)
            consumer.assign([TopicPartition(topic, 0, position)])
            while position < end and elapsed_s() < self.until_s:
                message = consumer.poll(LOOK_S)
                if message is None or message.error():
                    continue
                record = record_of(message)
                position = record.offset + 1
                if follower.takes(record) and naming in (record.value or b""):
                    yield event_of(json.loads(record.value or b""))
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
