"""Reads a running bus, and nothing but reads: every topic up to the end it has when the reading begins.

    marks -> what goes out -> bus.journal -> bus.arbiter -> bus.gate.* -> bus.control -> the operators' gate -> bus.in.*

The ends are asked for in this order, against the stream: so that whatever an output rests on was read as well, and
what a busy bus does meanwhile shows as decisions not sent yet, never as outputs out of nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from confluent_kafka import Consumer, TopicPartition

from bus.audit.evidence import ARBITER_PUBLISHED, GATE_GROUP, GATE_PUBLISHED, Evidence, Log, Place
from bus.core.log import topics
from bus.core.log.records import Record
from bus.shell import kafka
from bus.shell.cluster import topic_ids
from bus.shell.control_log import change_of
from bus.shell.errors import BusError, NotInitialisedError, RetryableError

RECORDS_MAX = 5_000_000  # all of it is held in memory, a few hundred bytes to a few kilobytes each
PROGRESS_EVERY = 20_000  # records between two lines of progress
Progress = Callable[[str], None]


def collect(config: kafka.ClientConfig, on_progress: Progress) -> Evidence:
    """Read the bus at ``config``; raises `NotInitialisedError`, `NotPermittedError`, `RetryableError`, `BusError`."""
    client = kafka.admin(config)
    counts = kafka.partition_counts(client)
    if topics.CONTROL not in counts:
        kafka.check_visible(client, topics.CONTROL)
        raise NotInitialisedError("this Kafka has no agentbus yet", "run `agentbus init` once")
    plain, committed = kafka.reader(config), kafka.reader(config, isolation="read_committed")
    try:
        reading = _Reading(config, on_progress)
        governed = _governed(reading.read(_ends(plain, [(topics.CONTROL, 0)])), counts)
        marks = _marks(config, counts)
        published = _ends(committed, _places(counts, [topics.PUBLISHED]))
        released = _ends(committed, _places(counts, governed))
        ends = _ends(plain, _places(counts, _against_the_stream(counts)))
        total = sum(end - first for first, end in {**ends, **released}.values())
        if total > RECORDS_MAX:
            text = f"the bus holds {total:,} records, more than the {RECORDS_MAX:,} that are checked at once"
            raise BusError(text, "check parts of it from exports, one generation or lane at a time")
        on_progress(f"reading {total:,} records of {len(ends) + len(released)} partitions")
        reading.count = 0
        logs = reading.read(ends) | reading.read({**published, **released}, isolation="read_committed")
    finally:
        plain.close()
        committed.close()
    inputs = [name for name in counts if name == topics.ARBITER or name.startswith("bus.in.")]
    partitions = {topic: counts[topic] for topic, _ in logs}
    return Evidence(config["bootstrap.servers"], logs, marks, topic_ids(config, inputs), partitions)


def _against_the_stream(counts: Mapping[str, int]) -> list[str]:
    """The bus's own topics, what goes out first and what came in last."""
    operators = topics.gate_journal(topics.OPERATORS_LANE)
    gates = sorted(name for name in counts if name.startswith("bus.gate.") and name != operators)
    out = sorted(name for name in counts if name.startswith("bus.out."))
    incoming = sorted(name for name in counts if name.startswith("bus.in."))
    middle = [
        topics.OUTCOMES,
        topics.ESCALATIONS,
        topics.REFUSED,
        topics.JOURNAL,
        topics.ARBITER,
        *gates,
        topics.CONTROL,
        operators,
    ]
    return [*out, *middle, *incoming]


def _governed(control: Mapping[Place, Log], counts: Mapping[str, int]) -> list[str]:
    """The topics that contracts have ever named."""
    found = set()
    for record in control[topics.CONTROL, 0].records:
        change = change_of(record)
        if change is not None and change.kind == "contract" and change.value is not None:
            found.add(str(change.value.get("contract", {}).get("topic", "")))
    return sorted(found & counts.keys())


def _marks(config: kafka.ClientConfig, counts: Mapping[str, int]) -> dict[str, dict[Place, int]]:
    marked = {
        GATE_GROUP: [name for name in counts if name.startswith("bus.in.")],
        GATE_PUBLISHED: [name for name in counts if name.startswith("bus.gate.")],
        ARBITER_PUBLISHED: [topics.JOURNAL],
    }
    found = {}
    for group, names in marked.items():
        consumer = kafka.reader(config, group)
        try:
            found[group] = kafka.committed(consumer, _places(counts, names))
        finally:
            consumer.close()
    return found


def _places(counts: Mapping[str, int], names: list[str]) -> list[Place]:
    return [(name, p) for name in names for p in range(counts.get(name, 0))]


def _ends(consumer: Consumer, places: list[Place]) -> dict[Place, tuple[int, int]]:
    return {place: kafka.ends(consumer, *place) for place in places}


@dataclass(slots=True)
class _Reading:
    """Reads partitions up to given ends and tells how far it is."""

    config: kafka.ClientConfig
    on_progress: Progress
    count: int = 0
    _open: dict[Place, int] = field(default_factory=dict)

    def read(self, ends: Mapping[Place, tuple[int, int]], *, isolation: str = "read_uncommitted") -> dict[Place, Log]:
        """The records of each partition between its two offsets."""
        # A consumer of its own: one that was paused and assigned anew gives nothing.
        consumer = kafka.reader(self.config, isolation=isolation)
        try:
            found = self._read(consumer, ends)
        finally:
            consumer.close()
        return {place: Log(*ends[place], tuple(records)) for place, records in found.items()}

    def _read(self, consumer: Consumer, ends: Mapping[Place, tuple[int, int]]) -> dict[Place, list[Record]]:
        found: dict[Place, list[Record]] = {place: [] for place in ends}
        self._open = {place: end for place, (first, end) in ends.items() if end > first}
        consumer.assign([TopicPartition(*place, ends[place][0]) for place in self._open])
        while self._open:
            messages = kafka.fetch(consumer, kafka.CALL_TIMEOUT_S)
            if not messages:
                raise RetryableError(f"{next(iter(self._open))[0]} gives nothing any more", "try again")
            for message in messages:
                place = (message.topic() or "", message.partition() or 0)
                if kafka.is_end(message):
                    self._close(consumer, place, message.offset() or 0)
                elif error := message.error():
                    raise RetryableError(f"{place[0]}/{place[1]} cannot be read: {error.str()}", "try again")
                elif place in self._open:
                    self._take(consumer, found[place], kafka.record_of(message))
        return found

    def _take(self, consumer: Consumer, records: list[Record], record: Record) -> None:
        place = (record.topic, record.partition)
        if record.offset < self._open[place]:
            records.append(record)
            self.count += 1
            if self.count % PROGRESS_EVERY == 0:
                self.on_progress(f"{self.count:,} records read")
        self._close(consumer, place, record.offset + 1)

    def _close(self, consumer: Consumer, place: Place, position: int) -> None:
        if place in self._open and position >= self._open[place]:
            del self._open[place]
            consumer.pause([TopicPartition(*place)])
