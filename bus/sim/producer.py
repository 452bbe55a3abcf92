"""The producer of Kafka's client, simulated: a queue per partition, reports when it is asked, now and then a loss.

What it loses in the middle it goes on behind, as the real one does. What it says failed may stand in the log.
"""

from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaError, KafkaException

from bus.core.log.records import Headers, Record
from bus.core.log.routing import partition_of
from bus.shell.surroundings import Settings
from bus.sim.admin import Metadata, metadata_of
from bus.sim.broker import Place
from bus.sim.message import SimMessage
from bus.sim.weather import SENT_WITHIN_S, Delivery

if TYPE_CHECKING:
    from bus.sim.node import Node

OnDelivery = Callable[[KafkaError | None, SimMessage], None]
ASK_AGAIN_S = 1.0  # a client asks once more for the end of a transaction after ``retry.backoff.ms``
HELD_UP_S = (1.5, 6.0)
NO_RECORD = SimMessage(Record("", 0, -1, 0, None, None, ()))


class SimProducer:
    """One producer of a process; ``transactional.id`` makes it a transactional one."""

    def __init__(self, node: "Node", settings: Settings) -> None:
        self._node = node
        self._identity = str(settings.get("transactional.id", ""))
        self._bytes_max = int(settings.get("message.max.bytes", 1_000_000))
        self._epoch = 0
        self._outstanding = 0
        self._must_abort = False  # a record of the transaction was lost: the client does not let it be committed
        self._reports: deque[tuple[OnDelivery | None, KafkaError | None, SimMessage]] = deque()
        self._free_s: dict[Place, float] = {}  # when the record before is in the log: order per partition

    def __len__(self) -> int:
        return self._outstanding

    def list_topics(self, topic: str | None = None, timeout: float = -1) -> Metadata:
        """What topics there are."""
        del timeout
        self._node.check()
        return metadata_of(self._node.broker, topic)

    def produce(
        self,
        topic: str,
        value: bytes | str | None = None,
        key: bytes | str | None = None,
        partition: int = -1,
        on_delivery: OnDelivery | None = None,
        headers: Iterable[tuple[str, bytes | str | None]] | None = None,
    ) -> None:
        """Queue a record."""
        self._node.hop("produce")
        if value is not None and len(value) > self._bytes_max:
            raise KafkaException(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE, "too large"))  # tidy: ok the client's name
        place = (topic, partition if partition >= 0 else _partition_of(key, self._node.broker.counts.get(topic, 1)))
        given = tuple((name, _bytes(one)) for name, one in headers or ())
        self._outstanding += 1
        if place not in self._node.broker.partitions:
            error = KafkaError(KafkaError._UNKNOWN_TOPIC, "unknown topic")
            self._report(on_delivery, error, NO_RECORD, 0.0)
            return
        self._deliver(place, _bytes(key), _bytes(value), given, on_delivery)

    def poll(self, timeout: float = -1) -> int:
        """Call back for what is known by now."""
        del timeout
        self._node.check()
        count = 0
        while self._reports:
            on_delivery, error, message = self._reports.popleft()
            self._outstanding -= 1
            count += 1
            self._must_abort = self._must_abort or error is not None
            if error is None:
                self._node.hop("acknowledged")
            if on_delivery is not None:
                on_delivery(error, message)
        return count

    def flush(self, timeout: float = -1) -> int:
        """Wait until everything is known; how much is not."""
        timeline = self._node.timeline
        until_s = timeline.now_s + (timeout if timeout >= 0 else 3600)
        while self._outstanding and timeline.now_s < until_s:
            timeline.run(until_s, lambda: bool(self._reports) or self._node.is_dead)
            self.poll()
        self._node.check()
        return self._outstanding

    # ---- transactions -----------------------------------------------------------------------------------

    def init_transactions(self, timeout: float = -1) -> None:
        """Fence whoever had this id."""
        del timeout
        self._node.check()
        self._epoch = self._node.broker.initialise(self._identity)

    def begin_transaction(self) -> None:
        """The next record begins one at the broker."""
        self._node.check()
        self._must_abort = False

    def commit_transaction(self, timeout: float = -1) -> None:
        """Wait for what was produced, then for the end; a fenced producer hears of that here."""
        node, broker = self._node, self._node.broker
        if self.flush(timeout):
            raise _failed(KafkaError._TIMED_OUT, "the transaction did not end in time")
        if broker.is_fenced(self._identity, self._epoch):
            raise _failed(KafkaError._FENCED, "another producer has this transactional id")
        if self._must_abort:
            raise _failed(KafkaError._STATE, "a record failed: the transaction must be aborted")
        end = partial(broker.end_transaction, self._identity, self._epoch, is_aborted=False)
        if node.network.end_is_late():
            node.timeline.after(node.chance.uniform(*HELD_UP_S), end)  # this one is on its way all the same
            node.sleep(ASK_AGAIN_S)
        else:
            node.sleep(node.network.delivery().delay_s)
        node.hop("commit")
        end()
        if broker.is_fenced(self._identity, self._epoch):
            raise _failed(KafkaError._FENCED, "another producer has this transactional id")
        node.hop("commit")

    def abort_transaction(self, timeout: float = -1) -> None:
        """Take back what was produced."""
        del timeout
        self._node.check()
        self._node.broker.end_transaction(self._identity, self._epoch, is_aborted=True)

    # ---- on the way -------------------------------------------------------------------------------------

    def _deliver(
        self, place: Place, key: bytes | None, value: bytes | None, headers: Headers, on_delivery: OnDelivery | None
    ) -> None:
        now_s, delivery = self._node.timeline.now_s, self._node.network.delivery()
        sent_s = now_s + SENT_WITHIN_S * self._node.chance.random()
        arrives_s = max(sent_s + delivery.delay_s, self._free_s.get(place, 0.0))
        self._free_s[place] = arrives_s

        def arrive() -> None:
            if self._node.died_s <= sent_s:
                return
            self._arrive(place, key, value, headers, on_delivery, delivery)

        if self._node.is_paused:  # nothing is produced while it stands still; what was under way goes on
            self._node.while_alive(lambda: self._node.timeline.after(delivery.delay_s, arrive))
        else:
            self._node.timeline.at(arrives_s, arrive)

    def _arrive(
        self,
        place: Place,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
        on_delivery: OnDelivery | None,
        delivery: Delivery,
    ) -> None:
        broker, transaction = self._node.broker, None
        if self._identity:
            if broker.is_fenced(self._identity, self._epoch):
                self._report(on_delivery, KafkaError(KafkaError._FENCED, "fenced", True), NO_RECORD, 0.0)
                return
            transaction = broker.transaction(self._identity, self._epoch)
        if delivery.fate == "lost":
            self._report(on_delivery, _timed_out(), NO_RECORD, delivery.answer_s)
            return
        message = broker.append(place, key, value, headers, transaction)
        if not self._node.hop_elsewhere("appended"):
            return
        error = None if delivery.fate == "kept" else _timed_out()
        self._report(on_delivery, error, message, delivery.answer_s)

    def _report(
        self, on_delivery: OnDelivery | None, error: KafkaError | None, message: SimMessage, after_s: float
    ) -> None:
        def heard() -> None:
            self._reports.append((on_delivery, error, message))
            self._node.when_woken()

        self._node.timeline.after(after_s, lambda: self._node.while_alive(heard))


def _partition_of(key: bytes | str | None, count: int) -> int:
    return partition_of(key.decode() if isinstance(key, bytes) else key, count) if key else 0


def _failed(code: int, text: str) -> KafkaException:
    return KafkaException(KafkaError(code, text))


def _bytes(value: Any) -> bytes | None:  # Any: the client takes both
    return value.encode() if isinstance(value, str) else value


def _timed_out() -> KafkaError:
    return KafkaError(KafkaError._MSG_TIMED_OUT, "timed out")  # tidy: ok the client's name
