"""Speaks on a lane as any stranger would, and hears what the bus answers: the client's side of the wire."""

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from confluent_kafka import KafkaError, Message, Producer

from bus.core.log.records import Headers
from bus.core.log.topics import answers, incoming
from bus.core.policy.contracts import JsonObject
from bus.shell import kafka
from bus.shell.errors import BusError, NotPermittedError, RetryableError, UnreachableError
from bus.shell.follow import Reading

POLL_S = 0.05
# The events of one decision are sent together; what has not followed the first answer by then is no part of it.
TOGETHER_S = 0.25
NOT_ALLOWED = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED)
GATE_GROUP = "bus-gate"  # its committed offset on a lane says how far the gate has judged


@dataclass(frozen=True, slots=True)
class Saying:
    """One message before it is sent. ``expires_ms`` is an epoch time, None for never; "" and None are left out."""

    type: str
    source: str
    body: bytes
    subject: str = ""
    token: int | None = None
    id: str = ""
    expires_ms: int | None = None
    content_type: str = "application/json"

    def headers(self, identifier: str, now_ms: int) -> Headers:
        """The envelope of docs/wire.md; ``now_ms`` in epoch milliseconds."""
        pairs = {
            "ce_specversion": "1.0",
            "ce_id": identifier,
            "ce_source": self.source,
            "ce_type": self.type,
            "ce_time": wire_time(now_ms),
            "content-type": self.content_type,
            "ce_subject": self.subject,
            "ce_bustoken": "" if self.token is None else str(self.token),
            "ce_expirytime": "" if self.expires_ms is None else wire_time(self.expires_ms),
        }
        return tuple((name, text.encode()) for name, text in pairs.items() if text)


@dataclass(frozen=True, slots=True)
class Sent:
    """A message the broker has: its id, its lane, and its offset there."""

    id: str
    lane: str
    offset: int


class LaneTalk:
    """One lane, both ways. Named steps: ``open``, then ``send`` and ``hear`` as often as wanted, ``close``."""

    def __init__(self, config: kafka.ClientConfig, lane: str) -> None:
        self._config = config
        self.lane = lane
        self._reading = Reading(config)
        self._producer: Producer | None = None
        self._answers: dict[str, list[JsonObject]] = {}

    def open(self) -> None:
        """Get ready to hear; raises `UnreachableError`, and `BusError` if there is no such lane."""
        producer = kafka.plain_producer(self._config)  # a repeat does no harm: the bus knows ids it has seen
        there = kafka.partition_counts(producer)
        if incoming(self.lane) not in there:
            step = f"`agentbus topics plan` says what to do; a lane that never was: `agentbus lanes set {self.lane}`"
            raise BusError(f"lane {self.lane} has no {incoming(self.lane)}", step)
        self._producer = producer
        self._reading.open([answers(self.lane)])
        for record in self._reading.catch_up():
            self._reading.followers[record.topic, record.partition].takes(record)

    def send(self, sayings: list[Saying]) -> list[Sent]:
        """Send them in this order; raises `NotPermittedError`, `RetryableError` if the broker does not take one."""
        assert self._producer is not None, "open() comes first"
        sent: dict[str, int] = {}
        ids = [saying.id or f"m-{uuid.uuid4().hex[:20]}" for saying in sayings]
        failed: list[KafkaError] = []

        def reporter(identifier: str) -> Callable[[KafkaError | None, Message], None]:
            def on_delivery(error: KafkaError | None, message: Message) -> None:
                if error is not None:
                    failed.append(error)
                sent[identifier] = message.offset() or 0

            return on_delivery

        for identifier, saying in zip(ids, sayings, strict=True):
            self._producer.produce(
                incoming(self.lane),
                value=saying.body,
                headers=list(saying.headers(identifier, time.time_ns() // 1_000_000)),
                partition=0,
                on_delivery=reporter(identifier),
            )
        if self._producer.flush(kafka.CALL_TIMEOUT_S) or failed:
            raise _not_taken(incoming(self.lane), failed)
        return [Sent(identifier, self.lane, sent[identifier]) for identifier in ids]

    def hear(self, sent: Sent, timeout_s: float, *, together_s: float = TOGETHER_S) -> list[JsonObject]:
        """The answers to one message, as soon as the first is there and no other follows; raises `UnreachableError`."""
        until_s = time.monotonic() + timeout_s
        while not self._answers.get(sent.id):
            if time.monotonic() > until_s:
                text = f"no answer to {sent.id} on {answers(self.lane)} within {timeout_s:g} s"
                step = "see that the stages run (`agentbus run`): what was sent stays in the log and takes effect"
                raise UnreachableError(text, step)
            self._take(POLL_S)
        last_s = time.monotonic() + together_s
        while time.monotonic() < last_s:
            self._take(POLL_S)
        return self._answers.pop(sent.id)

    def has_passed(self, sent: Sent) -> bool:
        """Has the gate judged this message and sent all it had to say about it? Raises `RetryableError`."""
        consumer = kafka.reader(self._config, GATE_GROUP)
        try:
            place = (incoming(self.lane), 0)
            return kafka.committed(consumer, [place]).get(place, 0) > sent.offset
        finally:
            consumer.close()

    def heard(self, sent: Sent) -> list[JsonObject]:
        """What has been answered so far, without waiting for more."""
        self._take(0)
        return self._answers.get(sent.id, [])

    def close(self) -> None:
        """Close both ways."""
        self._reading.close()
        self._producer = None

    def _take(self, timeout_s: float) -> None:
        for record in self._reading.poll(timeout_s):
            if self._reading.followers[record.topic, record.partition].takes(record):
                answer = json.loads(record.value or b"{}")
                self._answers.setdefault(answer.get("id", ""), []).append(answer)


def _not_taken(topic: str, failed: list[KafkaError]) -> RetryableError:
    if failed and failed[0].code() in NOT_ALLOWED:
        step = "log in as the lane's principal, with --kafka-config; `agentbus acls print` says who may"
        return NotPermittedError(f"this login may not write to {topic}", step)
    why = failed[0].str() if failed else "no acknowledgement"
    return RetryableError(f"{topic} did not take the message ({why})", "check the ACLs, try again")


def wire_time(at_ms: int) -> str:
    """An epoch time in milliseconds as ``ce_time`` and ``ce_expirytime`` write it."""
    seconds, milliseconds = divmod(at_ms, 1_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{milliseconds:03d}Z"
