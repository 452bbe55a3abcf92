"""One lane, both ways: hands messages to Kafka, and hands out what the bus answers, each record once and in order."""

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from bus.client.clock import elapsed_s
from bus.client.errors import NotTaken, Unreachable
from bus.client.kafka_links import REFUSED_LOGINS, Complaints, answers_reader, producer, topic_error
from bus.client.message import Draft
from bus.core.log.records import Record
from bus.core.log.routing import id_order
from bus.core.log.topics import answers, incoming
from bus.core.message.envelope import first
from bus.shell.follow import TAIL_RECORDS, Follower
from bus.shell.kafka import CALL_TIMEOUT_S, record_of

BATCH_MAX = 500
AGAIN_S = 0.2  # between two looks for a leader
CLOSE_S = 3.0  # for what a closing agent has just said, its releases above all
TOO_LARGE = KafkaError.MSG_SIZE_TOO_LARGE  # tidy: ok Kafka's own name
# Nobody can mend these by trying again.
FINAL_ERRORS = frozenset(
    {
        *(KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED),
        *(TOO_LARGE, KafkaError._INVALID_ARG, KafkaError.INVALID_RECORD),
        *REFUSED_LOGINS,
    }
)
_MISSING = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC)
# A topic that was just made, or whose broker has just gone, has a leader in a moment.
_NOT_YET = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)
_OUT_OF_RANGE = (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE)

RawHeaders = list[tuple[str, str | bytes | None]]
OnDelivery = Callable[[KafkaError | None, Message], None]


@dataclass(frozen=True, slots=True)
class Heard:
    """A record of the lane's answers that is next, or a repeat: perhaps of one that stood before our beginning."""

    record: Record
    is_next: bool


class LaneLink:
    """Named steps: ``open``; then ``produce`` from any thread, ``fetch`` and ``serve_reports`` from one; ``close``."""

    def __init__(self, settings: Mapping[str, str], lane: str) -> None:
        self.lane = lane
        self._settings = settings
        self._complaints = Complaints(settings["bootstrap.servers"])
        self._producer: Producer | None = None
        self._consumer: Consumer | None = None
        self._follower = Follower(0)
        self._next_offset = 0
        self._end = 0

    @property
    def address(self) -> str:
        """Where Kafka is."""
        return self._settings["bootstrap.servers"]

    @property
    def unsent(self) -> int:
        """How many messages have no delivery report yet."""
        return 0 if self._producer is None else len(self._producer)

    def open(self) -> None:
        """Connect, and stand where answers to whatever is sent from now on will be; raises `Unreachable`, `NotTaken`.

        The last records tell what each source sent before, so that the rule of the named predecessor holds at once.
        """
        try:
            self._consumer = answers_reader(self._settings, self._complaints)
            self._producer = producer(self._settings, self._complaints)
        except KafkaException as error:
            text = f"Kafka's client cannot be set up ({error.args[0].str()})"
            raise NotTaken(text, "correct the Kafka settings") from error
        try:
            self._check_topics(self._consumer)
            low, self._end = self._ends(self._consumer)
        except BaseException:
            self.close()
            raise
        self._follower = Follower(self._end)
        self._assign(max(low, self._end - TAIL_RECORDS))

    def produce(self, draft: Draft, headers: RawHeaders, on_delivery: OnDelivery) -> None:
        """Hand one message to the Kafka client, which sends it soon; raises `NotTaken`, BufferError if it is full."""
        assert self._producer is not None, "open() comes first"
        try:
            self._producer.produce(
                incoming(self.lane),
                value=draft.value,
                headers=headers,
                partition=0,
                on_delivery=on_delivery,
            )
        except KafkaException as error:
            raise self.not_taken(draft, error.args[0]) from error

    def serve_reports(self) -> None:
        """Call back for every message whose fate is known by now."""
        assert self._producer is not None, "open() comes first"
        self._producer.poll(0)

    def fetch(self, wait_s: float) -> list["Heard"]:
        """What came on the way out; waits for the first record only. Raises `NotTaken` if it may not be read."""
        assert self._consumer is not None, "open() comes first"
        first = self._consumer.poll(wait_s)
        messages = [] if first is None else [first, *self._consumer.consume(BATCH_MAX - 1, 0)]
        found = []
        for message in messages:
            if error := message.error():
                self._on_read_error(error)
                continue
            record = record_of(message)
            self._next_offset = record.offset + 1
            is_next = self._follower.takes(record)
            # What stands behind a gap is left out: the bus will send it again, in order.
            if record.offset >= self._end and (is_next or self._is_repeat(record)):
                found.append(Heard(record, is_next=is_next))
        return found

    def close(self) -> None:
        """Let what was said go out, and disconnect."""
        if self._producer is not None:
            self._producer.flush(CLOSE_S)
        if self._consumer is not None:
            self._consumer.close()
        self._producer = self._consumer = None

    def not_taken(self, draft: Draft, error: KafkaError) -> NotTaken:
        """The error for a message that will never be in the log."""
        step = "give this principal WRITE on the lane, or use its own lane"
        if error.code() in (TOO_LARGE, KafkaError.INVALID_RECORD):
            step = "put the content where it can be fetched and send a reference"
        if error.code() in REFUSED_LOGINS:
            step = "check the user and the password in the Kafka settings"
        return NotTaken(f"{incoming(self.lane)} does not take {draft.in_words} ({error.str()})", step)

    def _check_topics(self, consumer: Consumer) -> None:
        for topic in (incoming(self.lane), answers(self.lane)):
            error = topic_error(consumer, topic, self._complaints)
            if error is None:
                continue
            if error.code() in _MISSING:
                text, step = f"there is no lane {self.lane} at {self.address}", "create it with `agentbus lanes set`"
            else:
                text = f"lane {self.lane} is closed to this principal ({error.str()})"
                step = "use the lane of this principal, or ask for its ACLs with `agentbus acls`"
            raise NotTaken(text, step)

    def _ends(self, consumer: Consumer) -> tuple[int, int]:
        place, until_s = TopicPartition(answers(self.lane), 0), elapsed_s() + CALL_TIMEOUT_S
        found = None
        while found is None and elapsed_s() < until_s:
            try:
                found = consumer.get_watermark_offsets(place, timeout=CALL_TIMEOUT_S, cached=False)
            except KafkaException as error:
                if error.args[0].code() not in _NOT_YET or elapsed_s() > until_s - AGAIN_S:
                    raise self._complaints.why(error) from error
                time.sleep(AGAIN_S)
        if found is None:
            raise Unreachable(f"Kafka at {self.address} does not tell where {answers(self.lane)} ends", "try again")
        return found[0], found[1]

    def _assign(self, offset: int) -> None:
        assert self._consumer is not None
        self._next_offset = offset
        self._consumer.assign([TopicPartition(answers(self.lane), 0, offset)])

    def _is_repeat(self, record: Record) -> bool:
        source = first(record.headers, "bus-from").decode("utf-8", "replace")
        identifier = first(record.headers, "bus-decision").decode("utf-8", "replace")
        last = self._follower.last.get(source, "")
        return bool(last) and id_order(identifier) <= id_order(last)

    def _on_read_error(self, error: KafkaError) -> None:
        if error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            text = f"{answers(self.lane)} may not be read by this principal"
            raise NotTaken(text, "ask for its ACLs with `agentbus acls`")
        if error.code() in _OUT_OF_RANGE and self._consumer is not None:
            # The place where we stood is gone, by retention or because the log was cut: begin where there is something.
            with contextlib.suppress(Unreachable):
                low, end = self._ends(self._consumer)
                self._follower.anchored_to = end
                self._assign(low if self._next_offset < low else end)
