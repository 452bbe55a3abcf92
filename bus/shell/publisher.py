"""The publisher of governed topics: releases what the arbiter admitted, in Kafka transactions, exactly once.

    journal (valid segments) + bus.arbiter (the bytes) -> governed topics + its mark on bus.published, together

One slot has one transactional id, which fences an older publisher of the same slot. It runs in a process of its own
and leaves it on any error: a transaction whose end was delayed must not end the next one. After a commit that was slow,
and went well, a new producer is enough: it has another epoch, and what the old one still has on its way is fenced.
"""

import json
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from bus.core.decision.events import ActionAdmitted, event_from_json
from bus.core.log.journal import Tip, advance, continues, parse_segment
from bus.core.log.records import Headers, Record, canonical
from bus.core.log.topics import ARBITER, JOURNAL, PUBLISHED
from bus.core.policy.contracts import JsonObject
from bus.core.policy.control import Genesis
from bus.shell import kafka
from bus.shell.earlier_records import EarlierRecords
from bus.shell.errors import FatalError, RetryableError
from bus.shell.surroundings import surroundings_of

TRANSACTION_EVERY_S = 0.02
COMMIT_S_MAX = 0.7  # 0.7 x retry.backoff.ms: a slower commit may have been repeated by the client
TRANSACTION_RECORDS_MAX = 2_000
RELEASE_S_MAX = 3.0  # reading the bytes of held actions must not let the transaction time out
AHEAD_MAX = 5_000  # records of one half that wait for the other

log = structlog.get_logger("bus.publisher")


class SlowCommitError(RetryableError):
    """A commit went well, but took so long that the client may have asked for it twice."""


@dataclass(slots=True)
class _Part:
    """Where the publisher stands in one journal partition: next journal offset, chain, next input offset."""

    mark: int = 0
    tip: Tip = field(default_factory=Tip)
    position: int = 0
    records: deque[Record] = field(default_factory=deque)
    segments: deque[tuple[int, bytes]] = field(default_factory=deque)
    first: JsonObject | None = None  # the segment in front, read once; None if it is void
    is_read: bool = False

    def look(self) -> JsonObject | None:
        """The segment in front; None if it is void."""
        if not self.is_read:
            segment = parse_segment(self.segments[0][1])
            if segment is None or not continues(self.tip, segment):
                segment = None
            self.first, self.is_read = segment, True
        return self.first

    def follow(self) -> list[JsonObject]:
        """Step over the segment in front: its entries, none if it is void."""
        segment, (offset, value) = self.look(), self.segments.popleft()
        self.first, self.is_read, self.mark = None, False, offset + 1
        if segment is None:
            return []
        self.tip = advance(self.tip, value)
        if segment["kind"] != "arbiter":
            return []
        self.position = segment["to"] + 1
        entries: list[JsonObject] = segment["entries"]
        return entries


class Publisher:
    """One slot: journal partitions ``p`` with ``p mod slots == slot``."""

    def __init__(self, config: kafka.ClientConfig, genesis: Genesis, slot: int) -> None:
        self._config = config
        self._slot = slot
        self._now_s = surroundings_of(config).now_s
        self._parts = {p: _Part() for p in range(genesis.partitions) if p % genesis.slots == slot}
        self._earlier = {p: EarlierRecords(self._reads(p)) for p in self._parts}
        self._producer: Producer = kafka.transactional_producer(config, f"bus-publisher-{genesis.gen}-{slot}")
        self._gen = genesis.gen
        self._consumer: Consumer = kafka.reader(config)
        self._failed = ""
        self._paused: set[tuple[str, int]] = set()

    def run(self, stop: threading.Event) -> None:
        """Publish until told to stop; raises `RetryableError` when only a new process can go on.

        `SlowCommitError`: another publisher in the same process will do.
        """
        try:
            self.open()
            while not stop.is_set():
                started_s = self._now_s()
                self.round()
                stop.wait(max(0.0, TRANSACTION_EVERY_S - (self._now_s() - started_s)))
        except KafkaException as error:
            if error.args[0].code() in kafka.NOT_ALLOWED:
                raise kafka.not_allowed("what the publisher writes", error.args[0]) from error
            raise RetryableError(f"the publisher of slot {self._slot} gives up: {error.args[0].str()}") from error
        finally:
            self.close()

    def open(self) -> None:
        """Fence whoever published this slot before, and stand where it ended; raises `BusError`, KafkaException."""
        self._producer.init_transactions(kafka.CALL_TIMEOUT_S)
        self._resume()
        log.info("publishing", slot=self._slot, marks={p: part.mark for p, part in self._parts.items()})

    def round(self) -> None:
        """Publish what is complete; raises `BusError`, KafkaException, after which only a new process can go on."""
        self._take(kafka.fetch(self._consumer, kafka.BRIEF_S / 10))
        self._publish()
        self._pace()

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close()
        del self._producer  # and with it its threads; a circle of references would keep it for who knows how long

    # ---- start ----------------------------------------------------------------------------------------

    def _resume(self) -> None:
        """Begin behind the last committed mark."""
        for p, part in self._read_parts().items():
            if p in self._parts:
                self._parts[p] = part
        places = []
        for p, part in self._parts.items():
            places.append(TopicPartition(JOURNAL, p, part.mark))
            places.append(TopicPartition(ARBITER, p, part.position))
        self._consumer.assign(places)

    def _read_parts(self) -> dict[int, _Part]:
        """Where the last committed transaction of this slot ended."""
        consumer = kafka.reader(self._config, isolation="read_committed")
        parts: dict[int, _Part] = {}
        try:
            # Another slot's open transaction ends what a committed reader sees before the end of the log.
            _, end = kafka.ends(self._consumer, PUBLISHED, 0)
            consumer.assign([TopicPartition(PUBLISHED, 0, 0)])
            while True:
                messages = kafka.fetch(consumer, kafka.CALL_TIMEOUT_S)
                if not messages:
                    raise RetryableError("bus.published does not answer")
                for message in messages:
                    if kafka.is_end(message):
                        if (message.offset() or 0) >= end:
                            return parts
                        continue
                    if error := message.error():
                        raise RetryableError(f"bus.published cannot be read: {error.str()}")
                    value = json.loads(message.value() or b"{}")
                    if value.get("slot") == self._slot:
                        parts = _parts_of(value)
        finally:
            consumer.close()

    # ---- publishing -----------------------------------------------------------------------------------

    def _take(self, messages: list[Message]) -> None:
        for message in messages:
            if kafka.is_end(message):
                continue
            if error := message.error():
                if error.code() == KafkaError._AUTO_OFFSET_RESET:
                    raise FatalError(
                        "history_gap",
                        f"the publisher's input is gone: {error.str()}",
                        "see docs/runbook.md#history_gap",
                    )
                if error.code() in kafka.NOT_ALLOWED:
                    raise kafka.not_allowed(message.topic() or "its input", error)
                raise RetryableError(f"the publisher cannot read: {error.str()}")
            record = kafka.record_of(message)
            part = self._parts[record.partition]
            if record.topic == JOURNAL:
                part.segments.append((record.offset, record.value or b""))
            else:
                part.records.append(record)

    def _pace(self) -> None:
        """Stop fetching what is far ahead of the other half: segments without records, records without segments."""
        for p, part in self._parts.items():
            for topic, ahead in ((JOURNAL, part.segments), (ARBITER, part.records)):
                place = TopicPartition(topic, p)
                if len(ahead) > AHEAD_MAX and (topic, p) not in self._paused:
                    self._consumer.pause([place])
                    self._paused.add((topic, p))
                elif len(ahead) < AHEAD_MAX // 2 and (topic, p) in self._paused:
                    self._consumer.resume([place])
                    self._paused.remove((topic, p))

    def _publish(self) -> None:
        """One transaction for everything that is complete: a segment, and the records it is about."""
        if not any(self._is_complete(part) for part in self._parts.values()):
            return
        self._producer.begin_transaction()
        count, begun_s = 0, self._now_s()
        for p, part in self._parts.items():
            while count < TRANSACTION_RECORDS_MAX and self._is_complete(part):
                if self._now_s() - begun_s > RELEASE_S_MAX:
                    break
                count += self._release(p, part)
        value = canonical(_mark_of(self._slot, self._parts))
        self._produce(PUBLISHED, str(self._slot).encode(), value, ())
        started_s = self._now_s()
        self._producer.commit_transaction(kafka.CALL_TIMEOUT_S)
        if self._failed:
            raise RetryableError(f"an output failed: {self._failed}")
        if self._now_s() - started_s > COMMIT_S_MAX:
            raise SlowCommitError("a commit took too long to be trusted with a next transaction")

    @staticmethod
    def _is_complete(part: _Part) -> bool:
        if not part.segments:
            return False
        segment = part.look()
        if segment is None or segment["kind"] != "arbiter":
            return True
        has_records = bool(part.records) and part.records[-1].offset >= segment["to"]
        return has_records or int(segment["to"]) < part.position

    def _release(self, p: int, part: _Part) -> int:
        """Publish what a segment releases, from the bytes; those of a held action stand where it came, a while ago."""
        records: dict[int, Record] = {}
        released: list[tuple[int, int, ActionAdmitted]] = []
        for entry in part.follow():
            o, now = entry["o"], _released(entry)
            while part.records and part.records[0].offset < o:
                part.records.popleft()
            if part.records and part.records[0].offset == o:
                if now:
                    records[o] = part.records[0]
                elif entry["verdict"] == "held":  # a later entry may release it
                    self._earlier[p].remember(part.records[0])
            released += [(o, n, what) for n, what in now]
        records |= self._earlier[p].find(what.o for _, _, what in released if what.o not in records)
        for o, n, what in released:
            self._admit(records.get(what.o), o, n, what)
        return len(released)

    def _reads(self, partition: int) -> Callable[[list[int]], dict[int, Record]]:
        return lambda offsets: kafka.read_offsets(self._config, ARBITER, partition, offsets)

    def _admit(self, record: Record | None, o: int, n: int, what: ActionAdmitted) -> None:
        if record is None:
            raise FatalError("log_divergence", f"bus.arbiter has no record at {what.o}", "bring back its records")
        decision = f"{self._gen}.{record.partition}.{o}.{n}"
        key = record.key or b""
        self._produce(what.topic, key, record.value, governed_headers(record.headers, decision, what))

    def _told(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failed = self._failed or f"{message.topic()}: {error.str()}"

    def _produce(self, topic: str, key: bytes, value: bytes | None, headers: Headers) -> None:
        while True:
            try:
                self._producer.produce(topic, key=key, value=value, headers=list(headers), on_delivery=self._told)
                return
            except BufferError:
                self._producer.poll(kafka.BRIEF_S / 10)


def _released(entry: JsonObject) -> list[tuple[int, ActionAdmitted]]:
    """What an entry releases to a governed topic, with the event's number; an action without a topic goes nowhere."""
    admitted = [event_from_json(event) for event in entry["events"] if event["kind"] == ActionAdmitted.kind]
    return [(e.n, e.what) for e in admitted if isinstance(e.what, ActionAdmitted) and e.what.topic]


def _mark_of(slot: int, parts: dict[int, _Part]) -> dict[str, Any]:  # Any: JSON
    """The mark as it is written; ``chain`` spares the next publisher to fold the journal again."""
    marks = {str(p): part.mark for p, part in parts.items()}
    chain = {str(p): [part.tip.seq, part.tip.hash, part.position] for p, part in parts.items()}
    return {"slot": slot, "marks": marks, "chain": chain}


def _parts_of(value: dict[str, Any]) -> dict[int, _Part]:  # Any: JSON
    parts = {}
    for p, mark in value["marks"].items():
        seq, tip_hash, position = value["chain"][p]
        parts[int(p)] = _Part(mark, Tip(seq, tip_hash), position)
    return parts


def governed_headers(headers: Headers, decision: str, what: ActionAdmitted) -> Headers:
    """The sender's headers, then the few of ours that a stranger may see."""
    ours = dict(headers)
    shown: list[tuple[str, bytes | None]]
    shown = [(name, ours[name]) for name in ("bus-key", "bus-src", "bus-at") if name in ours]
    shown.append(("bus-decision", decision.encode()))
    if what.token is not None:
        shown += [("bus-token", str(what.token).encode()), ("bus-until", str(what.until).encode())]
    return (*[pair for pair in headers if not pair[0].startswith("bus-")], *shown)
