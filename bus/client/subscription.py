"""Reads governed topics, or the public events, for a group: each message to one member, and kept until it is processed.

A message counts as processed once the next one is asked for, or the `with` block ends without an exception. What was
not processed when its reader ended is handed out again: at least once, in order per subject.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Generic, Literal, Self, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from bus.client.admitted import Builder, Message, is_outcome, message_of, type_of
from bus.client.clock import elapsed_s
from bus.client.errors import Closed, Misuse, Unreadable
from bus.client.kafka_links import Complaints, group_member, topic_error
from bus.client.look_back import followed_until
from bus.core.log.records import Record
from bus.core.log.topics import OUTCOMES
from bus.shell.follow import Follower
from bus.shell.kafka import CALL_TIMEOUT_S, record_of

JOIN_S = 60.0  # a group that was left by kill -9 takes its session's time to let others in
LOOK_S = 0.2  # how soon a close is seen; messages wake the reader at once
TOPICS_MAX = 100
BUS_PREFIX = "bus."  # of the names of the bus's own topics, and before a lane's name of its groups
READERS_PREFIX = "bus-read."  # of the groups of a reader who is no lane
Start = Literal["earliest", "latest"]

_FINAL = (
    *(KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED),
    *(KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._FATAL),
)

T = TypeVar("T")


def check_group(group: str, lane: str) -> None:
    """Raise `Misuse` for a group that a bus with logins does not let this lane use: better known before that."""
    own = f"{BUS_PREFIX}{lane}."
    if group and not any(group.startswith(prefix) and group != prefix for prefix in (own, READERS_PREFIX)):
        step = f'write group="{own}{group.rpartition(".")[2] or "mailer"}"'
        raise Misuse(f"group {group!r} is none of lane {lane}: its groups begin with {own}", step)


class Subscription(Generic[T]):
    """Iterate over it; `Bus.subscribe` makes it. One thread at a time; ``close`` from any."""

    def __init__(
        self,
        settings: Mapping[str, str],
        topics: tuple[str, ...],
        group: str,
        types: Mapping[str, Builder[T]] | None,
        start: Start,
        timeout_s: float | None,
        when_closed: Callable[["Subscription[T]"], None],
    ) -> None:
        if not topics or len(topics) > TOPICS_MAX or not group:
            step = 'write subscribe("leads", group="bus.<lane>.mailer")'
            raise Misuse("a subscription needs topics and a group", step)
        if own := [topic for topic in topics if topic.startswith(BUS_PREFIX) and topic != OUTCOMES]:
            text = f"{own[0]} is the bus's own: agents read governed topics and {OUTCOMES}"
            raise Misuse(text, "name those; what happens to this agent comes with bus.events()")
        if OUTCOMES in topics and len(topics) > 1:
            text = f"{OUTCOMES} is read by itself: its records are no messages but events"
            raise Misuse(text, "make a subscription of its own for it")
        self.topics = topics
        self.group = group
        self._settings = settings
        self._types = types
        self._start = start
        self._timeout_s = timeout_s
        self._when_closed = when_closed
        self._complaints = Complaints(settings["bootstrap.servers"])
        self._consumer: Consumer | None = None
        self._pid = os.getpid()
        self._closed = threading.Event()
        self._reading = threading.Lock()
        self._current: Record | None = None
        self._joined_s = 0.0
        self._followers: dict[tuple[str, int], Follower] = {}

    def open(self) -> Self:
        """Join the group; raises `Unreachable`, and `Unreadable` if there is no such topic or it may not be read."""
        if self._closed.is_set():
            raise Closed(f"the subscription to {', '.join(self.topics)} is closed", "make a new one")
        if self._consumer is None:
            isolation = "read_uncommitted" if self.topics == (OUTCOMES,) else "read_committed"
            consumer = group_member(
                self._settings, self._complaints, group=self.group, start=self._start, isolation=isolation
            )
            try:
                self._check_topics(consumer)
            except BaseException:
                consumer.close()
                raise
            consumer.subscribe(list(self.topics), on_assign=self._on_assign)
            self._consumer = consumer
        return self

    def close(self) -> None:
        """Leave the group and commit what was processed; may be called again."""
        if os.getpid() != self._pid:  # a forked child that ends must not touch what is its parent's
            return
        self._closed.set()
        with self._reading:
            if self._consumer is not None:
                self._consumer.close()
                self._consumer = None
        self._when_closed(self)

    def __iter__(self) -> Iterator[Message[T]]:
        """The messages, as they come."""
        return self

    def __next__(self) -> Message[T]:
        """The next message; what was handed out before counts as processed. Raises `Unreadable`, `Unreachable`."""
        if self._closed.is_set():
            raise StopIteration
        with self._reading:
            self.open()
            self.settle()
            waits_s = elapsed_s()
            while not self._closed.is_set() and not self._is_over(waits_s):
                record = self._poll()
                if record is not None and (found := self._wanted(record)) is not None:
                    return found
        raise StopIteration

    def settle(self) -> None:
        """What was handed out last is processed: it will not come again."""
        record, self._current = self._current, None
        if record is not None:
            self._store(record)

    def __enter__(self) -> Self:
        """Join the group."""
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Leave it; what was handed out last is processed unless an exception ends the block."""
        if kind is None:
            self.settle()
        self.close()

    def _is_over(self, waits_s: float) -> bool:
        """Has nothing come for long enough? Joining the group does not count, unless that takes too long by far."""
        if self._timeout_s is None:
            return False
        since_s = max(waits_s, self._joined_s or waits_s + JOIN_S)
        return elapsed_s() - since_s > self._timeout_s

    def _poll(self) -> Record | None:
        assert self._consumer is not None, "open() comes first"
        message = self._consumer.poll(LOOK_S)
        if message is None:
            return None
        error = message.error()
        if error is None:
            return record_of(message)
        if error.code() in _FINAL:
            text = f"{', '.join(self.topics)} cannot be read by group {self.group} ({error.str()})"
            step = "check the names, and the ACLs of this principal for topic and group"
            if error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
                step = "a lane's groups begin with bus.<lane>. , a reader's with its own prefix: see `agentbus acls`"
            raise Unreadable(text, step)
        return None  # it passes: the library goes on trying

    def _wanted(self, record: Record) -> Message[T] | None:
        """The message, None for what is not asked for or, on bus.outcomes, not next."""
        is_repeat = is_outcome(record) and not self._follower(record).takes(record)
        if is_repeat or (self._types is not None and type_of(record) not in self._types):
            self._store(record)
            return None
        message = message_of(record, self._types[type_of(record)] if self._types is not None else None)
        self._current = record  # what could not be read is not handed out, so it is not processed either
        return message

    def _follower(self, record: Record) -> Follower:
        place = (record.topic, record.partition)
        if place not in self._followers:
            try:
                self._followers[place] = followed_until(self._settings, record)
            except KafkaException as error:
                raise self._complaints.why(error) from error
        return self._followers[place]

    def _store(self, record: Record) -> None:
        place = TopicPartition(record.topic, record.partition, record.offset + 1)
        # A partition that was taken away meanwhile is somebody else's: they get it again.
        with contextlib.suppress(KafkaException):
            if self._consumer is not None:
                self._consumer.store_offsets(offsets=[place])

    def _on_assign(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        """Look anew at what each source said last: what another member has read since is not known here.

        A group that reads for the first time notes where it begins, or it would begin somewhere else after a restart.
        """
        for place in places:
            self._followers.pop((place.topic, place.partition), None)
        with contextlib.suppress(KafkaException):  # then ``auto.offset.reset`` does the same, but does not note it
            found = consumer.committed(places, timeout=CALL_TIMEOUT_S)
            begun = [self._beginning(consumer, place) for place in found if place.offset < 0]
            if begun:
                consumer.commit(offsets=begun, asynchronous=False)
        self._joined_s = elapsed_s()

    def _beginning(self, consumer: Consumer, place: TopicPartition) -> TopicPartition:
        low, end = consumer.get_watermark_offsets(place, timeout=CALL_TIMEOUT_S, cached=False)
        return TopicPartition(place.topic, place.partition, low if self._start == "earliest" else end)

    def _check_topics(self, consumer: Consumer) -> None:
        for topic in self.topics:
            error = topic_error(consumer, topic, self._complaints)
            if error is not None:
                text = f"topic {topic} cannot be read ({error.str()})"
                raise Unreadable(text, "check its name, and ask its owner for READ on it")
