"""Follows what the bus sends: keeps what comes next from each source, leaves repeats and what stands behind a gap."""

import time
from dataclasses import dataclass, field

from confluent_kafka import Consumer, TopicPartition

from bus.core.log.records import Record
from bus.core.log.routing import Arrival, arrival
from bus.shell import kafka
from bus.shell.errors import RetryableError

# So many records before the end tell a new reader what each source sent last; more would only delay its start.
TAIL_RECORDS = 1_000


@dataclass(slots=True)
class Follower:
    """One reader's memory of a topic-partition: the last id of each source.

    Up to offset ``anchored_to``, and for a source it has not met yet, it takes a record whatever came before it: it has
    begun in the middle.
    """

    anchored_to: int
    last: dict[str, str] = field(default_factory=dict)

    def takes(self, record: Record) -> bool:
        """Is this the next record of its source? A record without the bus's headers is nobody's and is not taken."""
        headers = dict(record.headers)
        source, identifier, prev = (_text(headers.get(name)) for name in ("bus-from", "bus-decision", "bus-prev"))
        if not source or not identifier:
            return False
        match arrival(last=self.last.get(source, ""), identifier=identifier, prev=prev):
            case Arrival.REPEAT:
                return False
            case Arrival.GAP if record.offset >= self.anchored_to and source in self.last:
                return False
        self.last[source] = identifier
        return True


class Reading:
    """A few topic-partitions read together by one client, in the order in which their records arrive."""

    def __init__(self, config: kafka.ClientConfig, *, isolation: str = "read_uncommitted") -> None:
        self._config = config
        self._isolation = isolation
        self._consumer: Consumer | None = None
        self._ended: set[tuple[str, int]] = set()
        self.followers: dict[tuple[str, int], Follower] = {}

    def open(self, topics: list[str], *, tail: int | None = TAIL_RECORDS) -> None:
        """Begin ``tail`` records before the end of each partition, None at the beginning; raises `RetryableError`."""
        self._consumer = kafka.reader(self._config, isolation=self._isolation)
        counts = kafka.partition_counts(self._consumer)
        places = [(topic, partition) for topic in topics for partition in range(counts.get(topic, 0))]
        starts = []
        for place in places:
            low, end = kafka.ends(self._consumer, *place)
            starts.append(TopicPartition(*place, low if tail is None else max(low, end - tail)))
            self.followers[place] = Follower(end)
        self._consumer.assign(starts)

    def poll(self, timeout_s: float) -> list[Record]:
        """What has arrived within that time; raises `RetryableError`."""
        assert self._consumer is not None, "open() comes first"
        found = []
        for message in kafka.fetch(self._consumer, timeout_s):
            if kafka.is_end(message):
                self._ended.add((message.topic() or "", message.partition() or 0))
            elif error := message.error():
                raise RetryableError(
                    f"{message.topic()} cannot be read: {error.str()}", "check the ACLs of this client"
                )
            else:
                found.append(kafka.record_of(message))
        return found

    def catch_up(self) -> list[Record]:
        """Everything up to the ends, in the order of the append times; raises `RetryableError`."""
        found, until_s = [], time.monotonic() + kafka.CALL_TIMEOUT_S
        while not self.followers.keys() <= self._ended:
            found += self.poll(kafka.BRIEF_S / 10)
            if time.monotonic() > until_s:
                raise RetryableError("Kafka does not hand out what it has", "check that the broker runs")
        return sorted(found, key=lambda record: record.timestamp_ms)

    def close(self) -> None:
        """Close the client."""
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace")
