"""A stranger's Kafka client: says messages on a lane, reads the answers, by wire.md and the stock client alone."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, Producer, TopicPartition

Json = dict[str, Any]  # Any: JSON

# A lone message is answered within tens of milliseconds; a machine busy with other tests may need a hundred times that.
WAIT_S = 20.0
LOOK_S = 0.02
# Long enough for anything that is on its way by mistake to arrive: answers come some hundred times sooner.
QUIET_S = 1.0


@dataclass(frozen=True, slots=True)
class Record:
    """What a reader finds on a topic."""

    topic: str
    partition: int
    offset: int
    value: bytes
    headers: tuple[tuple[str, bytes], ...]

    def header(self, name: str) -> str:
        """The last header of that name, "" if there is none."""
        return next((value.decode() for held, value in reversed(self.headers) if held == name), "")

    @property
    def json(self) -> Json:
        """The value, which the bus writes as JSON."""
        return dict(json.loads(self.value))


class Topic:
    """Everything on one topic, in order of arrival; what the bus sends again is left out by the predecessor rule."""

    def __init__(self, bootstrap: str, name: str, *, isolation: str = "read_uncommitted") -> None:
        settings: dict[str, str | int | float | bool] = {
            "bootstrap.servers": bootstrap,
            "group.id": "stories",
            "enable.auto.commit": False,
            "isolation.level": isolation,
            "log_level": 2,
        }
        self.name = name
        self.records: list[Record] = []
        self._last: dict[tuple[str, int], tuple[int, ...]] = {}
        self._consumer = Consumer(settings)
        self.partitions = sorted(self._consumer.list_topics(name, timeout=WAIT_S).topics[name].partitions)
        self._consumer.assign([TopicPartition(name, number, OFFSET_BEGINNING) for number in self.partitions])

    def close(self) -> None:
        """Give the connection back."""
        self._consumer.close()

    def find(self, wanted: Callable[[Record], bool], sentence: str, within_s: float = WAIT_S) -> Record:
        """The first record that is wanted; fails with the sentence if none comes in time."""
        until_s, seen = time.monotonic() + within_s, 0
        while True:
            for record in self.records[seen:]:
                if wanted(record):
                    return record
            seen = len(self.records)
            if time.monotonic() > until_s:
                last = [record.value[:200] for record in self.records[-2:]]
                raise AssertionError(f"{sentence}: not on {self.name} within {within_s:.0f} s; the last there: {last}")
            self._read(LOOK_S)

    def all(self, wanted: Callable[[Record], bool] = lambda _: True, *, quiet_s: float = QUIET_S) -> list[Record]:
        """All records that are wanted, once nothing has come for a while."""
        until_s = time.monotonic() + quiet_s
        while time.monotonic() < until_s:
            if self._read(LOOK_S):
                until_s = time.monotonic() + quiet_s
        return [record for record in self.records if wanted(record)]

    def _read(self, wait_s: float) -> int:
        messages = self._consumer.consume(500, wait_s)
        for message in messages:
            if message.error() is None and self._is_next(record := _as_record(message)):
                self.records.append(record)
        return len(messages)

    def _is_next(self, record: Record) -> bool:
        """Does it continue what its source sent here before? Ids compare as numbers (wire.md section 6)."""
        source, decision = record.header("bus-from"), record.header("bus-decision")
        if not source:
            return True
        here = (source, record.partition)
        if _numbers(decision) <= self._last.get(here, ()) or _numbers(record.header("bus-prev")) != self._last.get(
            here, ()
        ):
            return False
        self._last[here] = _numbers(decision)
        return True


@dataclass(slots=True)
class Sender:
    """An agent or a person with a lane: says things, and hears what the bus answers."""

    source: str
    lane: str
    producer: Producer
    answers: Topic
    count: int = 0

    def say(
        self, message_type: str, body: Json, *, subject: str = "", token: int | None = None, expires: str = ""
    ) -> str:
        """Send a message; returns its id. `expires` is its `ce_expirytime`."""
        self.count += 1
        message_id = f"{self.source.rpartition('/')[2]}-{self.count}"
        headers = {
            "ce_specversion": "1.0",
            "ce_id": message_id,
            "ce_source": self.source,
            "ce_type": message_type,
            "ce_time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "content-type": "application/json",
        }
        if subject:
            headers["ce_subject"] = subject
        if token is not None:
            headers["ce_bustoken"] = str(token)
        if expires:
            headers["ce_expirytime"] = expires
        pairs: list[tuple[str, str | bytes | None]] = list(headers.items())
        self.producer.produce(f"bus.in.{self.lane}", value=json.dumps(body).encode(), headers=pairs, partition=0)
        self.producer.poll(0)
        return message_id

    def hear(self, message_id: str) -> Json:
        """The bus's first answer to a message of mine."""
        name = self.source.rpartition("/")[2]
        assert self.producer.flush(WAIT_S) == 0, f"the broker did not take {name}'s message {message_id}"
        found = self.answers.find(
            lambda record: record.json["id"] == message_id and [self.lane, self.source] in record.json["to"],
            f"{name} waits for the answer to its message {message_id}",
        )
        return found.json

    def ask(
        self, message_type: str, body: Json, *, subject: str = "", token: int | None = None, expires: str = ""
    ) -> Json:
        """Send a message and wait for the answer."""
        return self.hear(self.say(message_type, body, subject=subject, token=token, expires=expires))

    def claim(self, subject: str) -> Json:
        """Claim a resource and wait for the answer."""
        return self.ask("bus.resource.claim.v1", {}, subject=subject)

    def vote(self, contest: Json, choice: str, reason: str, **more: Any) -> Json:  # Any: JSON
        """Cast a ballot in the contest that this event opened, and wait for the answer."""
        body = {"contest": contest["decision"], "choice": choice, "reason": reason, **more}
        return self.ask("bus.contest.vote.v1", body, subject=contest["subject"])

    def rule(self, case: Json, ruling: str, reason: str, **more: Any) -> Json:  # Any: JSON
        """Rule on the case of this file, at its revision, and wait for the answer."""
        body = {"case": case["case"], "rev": case["rev"], "ruling": ruling, "reason": reason, **more}
        return self.ask("bus.case.rule.v1", body, subject=case["subject"])

    def hear_about(self, kind: str, subject: str, **about: Any) -> Json:  # Any: JSON
        """The first event of that kind about a subject that concerns me, with these fields."""
        name = self.source.rpartition("/")[2]
        found = self.answers.find(
            lambda record: (
                record.json["kind"] == kind
                and record.json.get("subject") == subject
                and about.items() <= record.json.items()
                and [self.lane, self.source] in record.json["to"]
            ),
            f"{name} waits to hear that {subject} is {kind}",
        )
        return found.json


def _as_record(message: Message) -> Record:
    given = cast("list[tuple[str, bytes | None]]", message.headers() or [])  # the stubs allow more than the client does
    headers = tuple((name, value or b"") for name, value in given)
    value = message.value() or b""
    return Record(str(message.topic()), int(message.partition() or 0), int(message.offset() or 0), value, headers)


def _numbers(identifier: str) -> tuple[int, ...]:
    """A decision id as numbers; the name of the lane it begins with is the same for all of one source."""
    return tuple(int(part) for part in identifier.split(".") if part.isdigit())
