"""Kafka as the bus uses it: clients with the settings that were measured, and messages turned into records."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, cast

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from bus.core.log.records import Headers, Record
from bus.shell.errors import BusError, FatalError, FencedError, NotPermittedError, RetryableError, UnreachableError
from bus.shell.surroundings import surroundings_of

CALL_TIMEOUT_S = 10.0
BRIEF_S = 1.0  # how long a closing process waits for what is still under way
MESSAGE_TIMEOUT_MS = 8_000  # shorter than the watchdog, so that the client gives up first
WATCHDOG_S = 12.0
LEARN_AGAIN_S = 5.0  # of a topic, after Kafka gave no answer: a loop stands still for a fifth of its time at most
POLL_RECORDS_MAX = 500  # one segment per poll batch
SKIP_MAX = 500  # records read in passing rather than asked for anew: a fetch brings about as many
ClientConfig = Mapping[str, str]
ClientSettings = dict[str, Any]  # Any: librdkafka takes numbers, texts and callbacks

_PRODUCER: ClientSettings = {
    "enable.idempotence": True,
    "acks": "all",
    "linger.ms": 0,
    "message.timeout.ms": MESSAGE_TIMEOUT_MS,
    "socket.timeout.ms": 5_000,
    "reconnect.backoff.max.ms": 500,
    "compression.type": "none",
    "partitioner": "murmur2",
    "message.max.bytes": 2_097_152,
    "log_level": 0,
}
_CONSUMER: ClientSettings = {
    "fetch.wait.max.ms": 100,
    "fetch.queue.backoff.ms": 2,
    "queued.min.messages": 20_000,
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "error",
    "isolation.level": "read_uncommitted",  # a sender's open transaction must not hold up whoever is behind it
    "reconnect.backoff.max.ms": 500,
    "socket.timeout.ms": 5_000,
    "allow.auto.create.topics": False,
    "log_level": 0,
}
# One partition moves and the others go on; but who dies in the middle of a move leaves it to nobody (`member`).
ONE_BY_ONE = "cooperative-sticky"
# Everything is dealt anew each time, so that nothing can be left over.
ALL_AT_ONCE = "roundrobin"
_MEMBER: ClientSettings = {
    "session.timeout.ms": 6_000,
    "heartbeat.interval.ms": 500,
    "max.poll.interval.ms": 300_000,
    "topic.metadata.refresh.interval.ms": 5_000,
}
_PUBLISHER: ClientSettings = {
    "transaction.timeout.ms": 10_000,
    "retry.backoff.ms": 1_000,
    "message.timeout.ms": MESSAGE_TIMEOUT_MS,
}


# A question that fails is asked again with more patience, so that a login that is refused is told within a second.
METADATA_TIMEOUTS_S = (1.0, 2.0, 7.0)
NOT_ALLOWED = (
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
)
_unanswered_s: deque[float] = deque(maxlen=1)  # when Kafka last gave no answer to a question that is asked in passing
# A client is only told that nobody answered; that it was not let in it hears on the side, as an event. When, and what.
_refused_logins: deque[tuple[float, str]] = deque(maxlen=1)


def no_stderr(error: KafkaError) -> None:
    """Errors reach us where they matter, as events and delivery reports; librdkafka need not print them.

    A connection that broke, or a broker that was still starting, in the middle of a login is no refusal, though
    librdkafka calls it by the same name: what it found out itself, and no broker said, it marks as local.
    """
    if error.code() == KafkaError._AUTHENTICATION and "Local: " not in error.str():
        _refused_logins.append((time.monotonic(), error.str()))


def login_refusal(since_s: float, address: str = "") -> NotPermittedError | None:
    """The last time since then (monotonic) that a broker did not let a client of this process in."""
    if not _refused_logins or _refused_logins[-1][0] < since_s:
        return None
    # What the broker said, without the client's own story around it.
    said = _refused_logins[-1][1].rpartition("error: ")[2].partition(" (after")[0].strip().rstrip(".")
    at = f" at {address}" if address else ""
    step = "check user and password: --kafka-config names the file with them, or -X sets them"
    return NotPermittedError(f"Kafka{at} does not let this client in ({said})", step)


def is_fenced(error: KafkaError) -> bool:
    """Has another member of the group come with the same instance name?"""
    return error.code() == KafkaError.FENCED_INSTANCE_ID or (error.fatal() and "fenced" in error.str())


def fenced(instance: str) -> FencedError:
    """What it means."""
    text = f"another process runs with the instance name {instance}: the two take each other's work away"
    return FencedError(text, "stop one of the two, or give it an --instance (AGENTBUS_INSTANCE) of its own")


def not_allowed(what: str, error: KafkaError) -> NotPermittedError:
    """What it means that Kafka has no ACL for what this client wanted to do."""
    step = "`agentbus acls check` says which ACLs are missing, `agentbus acls apply` adds them"
    return NotPermittedError(f"this login may not use {what} ({error.str()})", step)


def producer(config: ClientConfig) -> Producer:
    """The idempotent producer of a stage."""
    own: ClientSettings = {"error_cb": no_stderr}
    return surroundings_of(config).producer({**config, **_PRODUCER, **own})


def plain_producer(config: ClientConfig) -> Producer:
    """A producer for one record now and then: without idempotence it is ready a second sooner."""
    own: ClientSettings = {"enable.idempotence": False, "error_cb": no_stderr}
    return surroundings_of(config).producer({**config, **_PRODUCER, **own})


def transactional_producer(config: ClientConfig, transactional_id: str) -> Producer:
    """The producer of a governed-topic publisher."""
    own: ClientSettings = {"transactional.id": transactional_id, "error_cb": no_stderr}
    return surroundings_of(config).producer({**config, **_PRODUCER, **_PUBLISHER, **own})


OnDelivery = Callable[[KafkaError | None, Message], None]
OnCommit = Callable[[KafkaError | None, list[TopicPartition]], None]


def member(
    config: ClientConfig, group: str, instance: str, on_commit: OnCommit | None = None, *, deals: str = ONE_BY_ONE
) -> Consumer:
    """A member of a consumer group; ``instance`` (may be "") makes its membership static, so a restart is cheap.

    Kafka gives a static member that comes back what it had, and nobody looks at the group. Dealt `ONE_BY_ONE`, a
    partition that it had given up, and that no other had been given yet, stays nobody's until the group deals again.
    """
    own: ClientSettings = {"group.id": group, "error_cb": no_stderr, "partition.assignment.strategy": deals}
    if instance:
        own["group.instance.id"] = instance
    if on_commit is not None:
        own["on_commit"] = on_commit
    return surroundings_of(config).consumer({**config, **_CONSUMER, **_MEMBER, **own})


def reader(
    config: ClientConfig,
    group: str = "bus-reader",
    *,
    isolation: str = "read_uncommitted",
    on_commit: OnCommit | None = None,
) -> Consumer:
    """A consumer that is assigned by hand, sees ends of partitions, and commits only where it is told to."""
    own: ClientSettings = {"group.id": group, "enable.partition.eof": True, "isolation.level": isolation}
    own["error_cb"] = no_stderr
    if on_commit is not None:
        own["on_commit"] = on_commit
    return surroundings_of(config).consumer({**config, **_CONSUMER, **own})


def admin(config: ClientConfig) -> AdminClient:
    """An admin client; asking about a topic must not make it, which Kafka does unless it is told not to."""
    own: ClientSettings = {"log_level": 0, "socket.timeout.ms": 5_000, "error_cb": no_stderr}
    own["allow.auto.create.topics"] = False
    return surroundings_of(config).admin({**config, **own})


def record_of(message: Message) -> Record:
    """A message of the client as a record; headers whose names are not UTF-8 are marked unreadable."""
    unreadable = False
    try:
        headers = cast("Headers", tuple(message.headers() or ()))  # the client never gives their values as texts
    except UnicodeDecodeError:
        headers, unreadable = (), True
    return Record(
        message.topic() or "",
        message.partition() or 0,
        message.offset() or 0,
        message.timestamp()[1],
        message.key(),
        message.value(),
        headers,
        unreadable,
    )


def fetch(consumer: Consumer, timeout_s: float) -> list[Message]:
    """What has arrived, up to one batch; waits for the first message only.

    A blocking ``consume()`` would wait for its whole time-out unless the batch is full.
    """
    first = consumer.poll(timeout_s)
    rest = consumer.consume(POLL_RECORDS_MAX - 1, 0)
    return rest if first is None else [first, *rest]


def is_end(message: Message) -> bool:
    """Is this the event that says that the partition ends here?"""
    error = message.error()
    return error is not None and error.code() == KafkaError._PARTITION_EOF


def records_between(
    config: ClientConfig, topic: str, partition: int, first: int, last: int | None = None
) -> Iterator[Record]:
    """The records from offset ``first`` to ``last``, both included, or to the end as it is when it is reached.

    Raises `RetryableError` if the broker is silent.
    """
    consumer = reader(config)
    try:
        consumer.assign([TopicPartition(topic, partition, first)])
        while True:
            messages = fetch(consumer, CALL_TIMEOUT_S)
            if not messages:
                raise RetryableError(f"{topic}/{partition} gave nothing from offset {first} on")
            for message in messages:
                if is_end(message):
                    return
                if error := message.error():
                    raise read_error(error, topic, partition)
                record = record_of(message)
                if last is None or record.offset <= last:
                    yield record
                if last is not None and record.offset >= last:
                    return
    finally:
        consumer.close()


def read_range(config: ClientConfig, topic: str, partition: int, first: int, last: int) -> dict[int, Record]:
    """The records from offset ``first`` to ``last``, both included; raises as `records_between`."""
    return {record.offset: record for record in records_between(config, topic, partition, first, last)}


def read_offsets(config: ClientConfig, topic: str, partition: int, offsets: Sequence[int]) -> dict[int, Record]:
    """The records at some (sorted) offsets, by one client; what the log no longer keeps is left out.

    Raises `RetryableError` if the broker is silent.
    """
    found: dict[int, Record] = {}
    consumer = reader(config)
    try:
        first, end = ends(consumer, topic, partition)
        rest = deque(offset for offset in offsets if first <= offset < end)
        position: int | None = None
        while rest:
            if position is None or rest[0] > position + SKIP_MAX:
                consumer.assign([TopicPartition(topic, partition, rest[0])])
            messages = fetch(consumer, CALL_TIMEOUT_S)
            if not messages:
                raise RetryableError(f"{topic}/{partition} gave nothing from offset {rest[0]} on")
            for message in messages:
                if error := None if is_end(message) else message.error():
                    raise read_error(error, topic, partition)
                position = message.offset() or 0
                while rest and rest[0] < position:  # no record is there
                    rest.popleft()
                if rest and rest[0] == position and not is_end(message):
                    found[rest.popleft()] = record_of(message)
                position += 1
        return found
    finally:
        consumer.close()


def read_error(error: KafkaError, topic: str, partition: int) -> BusError:
    """What an error event of a reader means: a position outside the log is for a person, anything else passes."""
    if error.code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
        text = f"records of {topic}/{partition} that are needed are gone"
        return FatalError("history_gap", text, "bring them back, or raise the topic's retention before it is too late")
    return RetryableError(f"{topic}/{partition} cannot be read: {error.str()}")


def ends(consumer: Consumer, topic: str, partition: int) -> tuple[int, int]:
    """First and next offset of a partition, asked of the broker now."""
    try:
        found = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=CALL_TIMEOUT_S, cached=False)
    except KafkaException as error:
        if error.args[0].code() == KafkaError._UNKNOWN_PARTITION:
            _learn(consumer, topic)
        raise RetryableError(f"{topic}/{partition} does not tell its ends: {error}") from error
    if found is None:
        raise RetryableError(f"{topic}/{partition} does not tell its ends")
    return found[0], found[1]


def _learn(consumer: Consumer, topic: str) -> None:
    """Ask for a topic's partitions: a client that once heard of none, while it was made, believes that for minutes.

    Each partition of a stage asks in turn, in one thread: if Kafka is away the first one waits, for all of them.
    """
    if _unanswered_s and time.monotonic() - _unanswered_s[-1] < LEARN_AGAIN_S:
        return
    try:
        consumer.list_topics(topic, timeout=BRIEF_S)
    except KafkaException:  # whoever tries again asks again
        _unanswered_s.append(time.monotonic())


def next_offsets(client: AdminClient, places: list[tuple[str, int]]) -> dict[tuple[str, int], int]:
    """The next offset of many partitions in one question; one that does not exist has none. Raises `RetryableError`."""
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # the library's own
    wanted = {TopicPartition(topic, p): latest for topic, p in places}
    try:
        futures = client.list_offsets(wanted, request_timeout=CALL_TIMEOUT_S) if wanted else {}
    except KafkaException as error:
        raise RetryableError(f"the ends of the lanes are not to be had: {error}") from error
    found = {}
    for tp, future in futures.items():
        try:
            found[tp.topic, tp.partition] = future.result().offset
        except KafkaException as error:
            if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise RetryableError(f"the end of {tp.topic} is not to be had: {error.args[0].str()}") from error
    return found


def committed(consumer: Consumer, places: list[tuple[str, int]]) -> dict[tuple[str, int], int]:
    """The committed offsets of the consumer's group, 0 where there is none; can fail after a broker restart.

    Raises `NotPermittedError` if this client may not see the group, `RetryableError`.
    """
    if not places:
        return {}
    try:
        found = consumer.committed([TopicPartition(topic, p) for topic, p in places], timeout=CALL_TIMEOUT_S)
    except KafkaException as error:
        if error.args[0].code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
            raise NotPermittedError("this login may not see how far the stages are") from error
        raise RetryableError(f"the group's offsets are not to be had: {error}") from error
    if any(tp.error and tp.error.code() != KafkaError.UNKNOWN_TOPIC_OR_PART for tp in found):
        raise RetryableError("the group's offsets are not to be had")
    return {(tp.topic, tp.partition): max(tp.offset, 0) for tp in found}


class HasListTopics(Protocol):
    """Any client that can list topics."""

    def list_topics(self, *args: Any, **kwargs: Any) -> Any:  # Any: the client library's own type
        """The cluster's metadata."""

    def poll(self, timeout: float, /) -> Any:  # Any: each client has its own
        """Hand out what has happened."""


def partition_counts(client: HasListTopics, address: str = "") -> dict[str, int]:
    """How many partitions each topic has; raises `UnreachableError`, which names the ``address`` if it is given.

    `NotPermittedError` if Kafka knows no such user or another password.
    """
    metadata = _metadata(client, address)
    return {name: len(topic.partitions) for name, topic in metadata.topics.items() if topic.error is None}


def check_visible(client: HasListTopics, topic: str) -> None:
    """Raise `NotPermittedError` if the topic is not missing but hidden from this client."""
    try:
        found = client.list_topics(topic, timeout=CALL_TIMEOUT_S).topics[topic]
    except KafkaException:
        return  # whoever asked has another sentence for that
    if found.error is not None and found.error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
        step = "log in as somebody who may read it, with --kafka-config; `agentbus acls print` says who"
        raise NotPermittedError(f"this login may not see {topic}", step)


def _metadata(client: HasListTopics, address: str) -> Any:  # Any: the client library's own type
    at = f" at {address}" if address else ""
    began_s, reason = time.monotonic(), ""
    for timeout_s in METADATA_TIMEOUTS_S:
        try:
            return client.list_topics(timeout=timeout_s)
        except KafkaException as error:
            reason = error.args[0].str() if error.args and hasattr(error.args[0], "str") else str(error)
        client.poll(0)  # hands out the events
        if refusal := login_refusal(began_s, address):
            raise refusal
    step = (
        "check --bootstrap and that the broker runs, e.g. with `agentbus dev`; if it wants a login, use --kafka-config"
    )
    raise UnreachableError(f"Kafka does not answer{at} ({reason})", step)
