"""Where an explanation is read from: a running bus or an export, asked in the same few ways."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal, Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # not exported by name, but public
    ConfigResource,
    ResourceType,
)

from bus.audit.evidence import Evidence, Place
from bus.core.log import topics
from bus.core.log.journal import parse_segment
from bus.core.log.records import Record, canonical
from bus.core.policy.control import Genesis, genesis_from_json
from bus.shell import kafka
from bus.shell.acl_admin import AUTHORIZER
from bus.shell.errors import BusError, NotInitialisedError, NotPermittedError, RetryableError

SEARCH_RECORDS_MAX = 50_000  # a released record stands soon after its decision; further on nobody should have to wait
SKEW_MS = 60_000  # the owner of a governed topic may stamp its records by another clock than the bus's
Spans = Mapping[Place, tuple[int, int]]  # first and next offset of a partition
Wanted = Callable[[Record], bool]


class Source(Protocol):
    """A bus that can be read."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def identity(self) -> str:
        """What tells it from every other bus."""

    @property
    def genesis(self) -> Genesis:
        """Control number 0."""

    @property
    def counts(self) -> Mapping[str, int]:
        """How many partitions each topic has."""

    def ends(self, places: list[Place]) -> dict[Place, tuple[int, int]]:
        """First and next offset of each partition; one that may not be read is left out."""

    def read(self, spans: Spans) -> Iterator[list[Record]]:
        """The records between the offsets, in batches; raises `RetryableError`."""

    def record(self, place: Place, offset: int) -> Record | None:
        """One record; None if it is not there any more, or may not be read."""

    def search(self, place: Place, since_ms: int, wanted: Wanted) -> Record | None:
        """The first wanted record that is not older than ``since_ms``, within reason."""

    def has_authorizer(self) -> bool | None:
        """Does this Kafka check who writes? None: that is not known."""


@dataclass(slots=True)
class LiveSource:
    """A running bus. ``open`` connects, ``close`` gives the connections back."""

    config: kafka.ClientConfig
    name: str = ""
    identity: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    _consumer: Consumer | None = None
    _genesis: Genesis | None = None
    _has_authorizer: Literal["", "yes", "no"] | None = ""  # "": not asked yet; None: Kafka does not tell

    def open(self) -> None:
        """Connect; raises `UnreachableError`, `NotPermittedError`, and `NotInitialisedError` if there is no bus."""
        self.name = self.config["bootstrap.servers"]
        client = kafka.admin(self.config)
        self.counts = kafka.partition_counts(client, self.name)
        if topics.CONTROL not in self.counts:
            kafka.check_visible(client, topics.CONTROL)
            raise NotInitialisedError("this Kafka has no agentbus yet", "run `agentbus init` once")
        self._consumer = kafka.reader(self.config)
        try:
            first = kafka.read_range(self.config, topics.CONTROL, 0, 0, 0).get(0)
        except RetryableError as error:
            kafka_says = error.message.lower()
            if "authorization" in kafka_says:  # it is shown, and may not be read
                raise _hidden(topics.CONTROL) from error
            raise
        self._genesis = _genesis_of(first, self.name)
        cluster = str(client.list_topics(topics.CONTROL, timeout=kafka.CALL_TIMEOUT_S).cluster_id)
        assert first is not None
        self.identity = _identity(cluster.encode() + (first.value or b"") + str(first.timestamp_ms).encode())

    @property
    def genesis(self) -> Genesis:
        """Control number 0."""
        assert self._genesis is not None, "open() comes first"
        return self._genesis

    def ends(self, places: list[Place]) -> dict[Place, tuple[int, int]]:
        """As the broker names them now."""
        consumer, found = self._open(), {}
        for place in places:
            try:
                low, end = consumer.get_watermark_offsets(
                    TopicPartition(*place), timeout=kafka.CALL_TIMEOUT_S, cached=False
                )
            except KafkaException as error:
                if error.args[0].code() in _NOT_FOR_US:
                    continue
                raise RetryableError(f"{place[0]}/{place[1]} does not tell its ends: {error.args[0].str()}") from error
            found[place] = (low, end)
        return found

    def read(self, spans: Spans) -> Iterator[list[Record]]:
        """Up to the given offsets, all partitions at once."""
        left = {place: end for place, (first, end) in spans.items() if end > first}
        if not left:
            return
        consumer = kafka.reader(self.config)
        try:
            consumer.assign([TopicPartition(*place, spans[place][0]) for place in left])
            while left:
                messages = kafka.fetch(consumer, kafka.CALL_TIMEOUT_S)
                if not messages:
                    raise RetryableError(f"{next(iter(left))[0]} gives nothing any more", "try again")
                batch = []
                for message in messages:
                    place = (message.topic() or "", message.partition() or 0)
                    offset = message.offset() or 0
                    if not kafka.is_end(message):
                        if error := message.error():
                            is_hidden = error.code() in _NOT_FOR_US
                            raise _hidden(place[0]) if is_hidden else kafka.read_error(error, *place)
                        if place in left and offset < left[place]:
                            batch.append(kafka.record_of(message))
                        offset += 1
                    if place in left and offset >= left[place]:
                        del left[place]
                if batch:
                    yield batch
        finally:
            consumer.close()

    def record(self, place: Place, offset: int) -> Record | None:
        """Read on its own."""
        span = self.ends([place]).get(place) if place[0] in self.counts else None
        if span is None or not span[0] <= offset < span[1]:
            return None
        try:
            return kafka.read_range(self.config, *place, offset, offset).get(offset)
        except BusError:  # its bytes are extra: what is explained stands in the journals
            return None

    def search(self, place: Place, since_ms: int, wanted: Wanted) -> Record | None:
        """From the first record stamped since then on, as its readers see it."""
        span = self.ends([place]).get(place)
        if span is None:
            return None
        try:
            (found,) = self._open().offsets_for_times(
                [TopicPartition(*place, max(0, since_ms - SKEW_MS))], timeout=kafka.CALL_TIMEOUT_S
            )
        except KafkaException:
            return None
        if found.error is not None or not 0 <= found.offset < span[1]:
            return None
        return self._first(place, found.offset, min(span[1], found.offset + SEARCH_RECORDS_MAX), wanted)

    def _first(self, place: Place, first: int, end: int, wanted: Wanted) -> Record | None:
        consumer = kafka.reader(self.config, isolation="read_committed")
        try:
            consumer.assign([TopicPartition(*place, first)])
            while True:
                messages = kafka.fetch(consumer, kafka.BRIEF_S)
                for message in messages:
                    if message.error() is not None or (message.offset() or 0) >= end:
                        return None
                    record = kafka.record_of(message)
                    if wanted(record):
                        return record
                if not messages:
                    return None
        finally:
            consumer.close()

    def has_authorizer(self) -> bool | None:
        """As the controller tells its settings now, asked once."""
        if self._has_authorizer == "":
            self._has_authorizer = _authorizer_of(self.config)
        return None if self._has_authorizer is None else self._has_authorizer == "yes"

    def close(self) -> None:
        """Give the connection back."""
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None

    def _open(self) -> Consumer:
        assert self._consumer is not None, "open() comes first"
        return self._consumer


_NOT_FOR_US = frozenset({KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.UNKNOWN_TOPIC_OR_PART})


class ExportSource:
    """An export that was read whole."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self.name = evidence.source
        self.counts: Mapping[str, int] = _counts(evidence)
        log = evidence.log(topics.CONTROL)
        first = log.by_offset.get(0) if log else None
        self.genesis = _genesis_of(first, self.name)
        self.identity = _identity(canonical([self.name, self.genesis.to_json()]))

    def ends(self, places: list[Place]) -> dict[Place, tuple[int, int]]:
        """As they were when it was exported."""
        logs = self._evidence.logs
        return {place: (logs[place].first, logs[place].end) for place in places if place in logs}

    def read(self, spans: Spans) -> Iterator[list[Record]]:
        """Partition by partition."""
        for place, (first, end) in spans.items():
            yield [record for record in self._evidence.logs[place].records if first <= record.offset < end]

    def record(self, place: Place, offset: int) -> Record | None:
        """As it was exported."""
        log = self._evidence.logs.get(place)
        return log.by_offset.get(offset) if log else None

    def search(self, place: Place, since_ms: int, wanted: Wanted) -> Record | None:
        """The whole partition is there: the time is of no use."""
        del since_ms
        log = self._evidence.logs.get(place)
        return next((record for record in log.records if wanted(record)), None) if log else None

    def has_authorizer(self) -> bool | None:
        """An export does not say."""
        return None


def _hidden(topic: str) -> NotPermittedError:
    step = "log in as one who may read the journals, with --kafka-config; `agentbus acls print` says who"
    return NotPermittedError(f"this login may not read {topic}", step)


def _authorizer_of(config: kafka.ClientConfig) -> Literal["yes", "no"] | None:
    client = kafka.admin(config)
    try:
        controller = client.describe_cluster(request_timeout=kafka.CALL_TIMEOUT_S).result().controller
        broker = ConfigResource(ResourceType.BROKER, str(controller.id))
        (asked,) = client.describe_configs([broker], request_timeout=kafka.CALL_TIMEOUT_S).values()
        return "yes" if asked.result()[AUTHORIZER].value else "no"
    except (KafkaException, KeyError):
        return None


def _counts(evidence: Evidence) -> dict[str, int]:
    found: dict[str, int] = dict(evidence.partitions)
    for topic, p in evidence.logs:
        found[topic] = max(found.get(topic, 0), p + 1)
    return found


def _genesis_of(record: Record | None, name: str) -> Genesis:
    value = parse_segment(record.value) if record is not None else None
    try:
        return genesis_from_json(value or {})
    except (KeyError, TypeError) as error:
        text = f"{name} holds no bus.control that begins with a genesis"
        raise NotInitialisedError(text, "without it nothing can be explained; `agentbus init` writes it") from error


def _identity(content: bytes) -> str:
    return sha256(content).hexdigest()[:24]
