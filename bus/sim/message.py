"""A record as Kafka's Python client hands it out, and the log's own note of which transaction it belongs to."""

from confluent_kafka import KafkaError

from bus.core.log.records import Record

RawHeaders = list[tuple[str, bytes | None]]
CREATE_TIME, LOG_APPEND_TIME = 1, 2


class Transaction:
    """What one transactional producer wrote together; readers of committed records see all of it or nothing."""

    __slots__ = ("epoch", "is_aborted", "is_open", "places")

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.is_open = True
        self.is_aborted = False
        self.places: set[tuple[str, int]] = set()


class SimMessage:
    """The parts of ``confluent_kafka.Message`` that the bus and its clients use."""

    __slots__ = ("_error", "_offset", "_timestamp_ms", "is_marker", "record", "transaction")

    def __init__(
        self,
        record: Record,
        *,
        error: KafkaError | None = None,
        transaction: Transaction | None = None,
        is_marker: bool = False,
    ) -> None:
        self.record = record
        self.transaction = transaction
        self.is_marker = is_marker
        self._error = error
        self._offset = record.offset
        self._timestamp_ms = record.timestamp_ms

    def topic(self) -> str:
        """Where it stands."""
        return self.record.topic

    def partition(self) -> int:
        """Where it stands."""
        return self.record.partition

    def offset(self) -> int:
        """Where it stands."""
        return self._offset

    def timestamp(self) -> tuple[int, int]:
        """The kind of time and the milliseconds."""
        return (LOG_APPEND_TIME, self._timestamp_ms)

    def key(self) -> bytes | None:
        """Its key."""
        return self.record.key

    def value(self) -> bytes | None:
        """Its bytes."""
        return self.record.value

    def headers(self) -> RawHeaders | None:
        """Its headers; None without any."""
        return list(self.record.headers) or None

    def error(self) -> KafkaError | None:
        """What it says instead of a record."""
        return self._error


def event_message(topic: str, partition: int, offset: int, code: int, text: str) -> SimMessage:
    """Something a consumer is told instead of a record, such as the end of the partition."""
    return SimMessage(Record(topic, partition, offset, 0, None, None, ()), error=KafkaError(code, text))
