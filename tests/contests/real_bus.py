"""A real bus as a stock client sees it: one producer, bus.arbiter read as it grows, the journal read at the end."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable

from confluent_kafka import OFFSET_BEGINNING, KafkaError, Producer, TopicPartition

from tests.acceptance.chain import fold_segments
from tests.acceptance.topics import Cluster, TestsStopError, as_record
from tests.acceptance.wire import Record
from tests.contests.oracle.log import Json, Raw

READ_AT_ONCE = 500
IN_FORCE_S = 240.0
JOURNAL_S = 60.0


class RealBus:
    """The bus under contest. Raises TestsStopError when it does not answer."""

    def __init__(self, bootstrap: str) -> None:
        self.cluster = Cluster(bootstrap)
        genesis = json.loads(self.cluster.read("bus.control")[0][0].value or b"")
        self.gen, self.stewards = int(genesis["gen"]), tuple(genesis["stewards"])
        self.partitions = int(genesis["partitions"])
        self.records: list[list[Raw]] = [[] for _ in range(self.partitions)]
        self._producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 1, "log_level": 2})
        self._consumer = self.cluster.consumer()
        self.refused: list[str] = []
        places = [("bus.arbiter", p) for p in range(self.partitions)]
        places += [("bus.refused", p) for p in range(self.cluster.partitions()["bus.refused"])]
        self._consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for topic, p in places])

    def send(self, place: str, headers: tuple[tuple[str, bytes], ...], value: bytes) -> None:
        """Produce one record; `place` is a topic, or `topic/partition`."""
        topic, _, partition = place.partition("/")
        pairs: list[tuple[str, str | bytes | None]] = list(headers)
        while True:
            try:
                self._producer.produce(topic, value=value, headers=pairs, partition=int(partition or 0))
            except BufferError:
                self._producer.poll(0.1)
            else:
                self._producer.poll(0)
                return

    def flush(self) -> None:
        """Wait until everything was taken."""
        if self._producer.flush(JOURNAL_S):
            raise TestsStopError("the broker does not take what is sent")

    def arrived(self, wait_s: float) -> list[tuple[int, Raw]]:
        """The next records of bus.arbiter, with their partitions; `refused` grows by the ids of dead letters."""
        found = []
        for message in self._consumer.consume(READ_AT_ONCE, wait_s):
            if (error := message.error()) is not None:
                if error.code() != KafkaError._PARTITION_EOF:
                    raise TestsStopError(f"bus.arbiter cannot be read: {error}")
                continue
            record = as_record(message)
            if record.topic == "bus.refused":
                self.refused.append(record.last("ce_id") or "")
                continue
            headers = tuple((name, value or b"") for name, value in record.headers)
            raw = Raw(record.offset, record.append_ms, headers, record.value or b"")
            self.records[record.partition].append(raw)
            found.append((record.partition, raw))
        return found

    def entries(self) -> list[dict[int, Json]]:
        """The journal's entries by partition and offset, once it covers all that was read of bus.arbiter."""
        until_s = time.monotonic() + JOURNAL_S
        while True:
            found = [dict(_entries(log)) for log in self.cluster.read("bus.journal")]
            behind = [p for p, log in enumerate(self.records) if log and log[-1].offset not in found[p]]
            if not behind or time.monotonic() > until_s:
                return found
            time.sleep(0.5)

    def refusals(self) -> dict[str, int]:
        """How often the gates refused, by reason and what was broken."""
        counted: dict[str, int] = {}
        for log in self.cluster.read("bus.refused"):
            for record in log:
                if "." in (record.last("bus-from") or ""):
                    continue  # the arbiter's
                broken = [one["message"] for one in json.loads(record.last("bus-violations") or "[]")]
                name = " ".join((record.last("bus-reason") or "", *broken[:1]))
                counted[name] = counted.get(name, 0) + 1
        return counted

    def close(self) -> None:
        """Give the connections back."""
        self._consumer.close()


def _entries(log: Iterable[Record]) -> list[tuple[int, Json]]:
    segments = fold_segments(log)
    return [(entry["o"], entry) for segment in segments for entry in segment.content.get("entries", [])]
