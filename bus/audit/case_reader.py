"""Reads ``bus.escalations`` as any tool of people may: to its end with progress, then on and on for what is new."""

import time
from collections.abc import Callable

from confluent_kafka import TopicPartition

from bus.audit.case_files import CaseFile, case_of
from bus.audit.case_shelf import Place, Shelf
from bus.core.log import topics
from bus.core.log.records import Record
from bus.shell import kafka
from bus.shell.errors import NotInitialisedError, RetryableError
from bus.shell.follow import Follower

PROGRESS_EVERY = 5_000  # records between two lines of progress
POLL_S = 0.2
Progress = Callable[[str], None]


class CaseReader:
    """The folded view of the human topic. Named steps: ``open``, then ``poll`` as often as wanted, ``close``."""

    def __init__(self, config: kafka.ClientConfig) -> None:
        self.config = config
        self.shelf = Shelf()
        self._consumer = kafka.reader(config)
        self._followers: dict[int, Follower] = {}

    def open(self, on_progress: Progress) -> None:
        """Read everything up to the end the topic has now; raises `NotInitialisedError`, `RetryableError`."""
        counts = kafka.partition_counts(self._consumer)
        if topics.ESCALATIONS not in counts:
            kafka.check_visible(kafka.admin(self.config), topics.ESCALATIONS)
            raise NotInitialisedError("this Kafka has no agentbus yet", "run `agentbus init` once")
        starts: list[TopicPartition] = []
        unread: dict[int, int] = {}
        for partition in range(counts[topics.ESCALATIONS]):
            first, end = kafka.ends(self._consumer, topics.ESCALATIONS, partition)
            starts.append(TopicPartition(topics.ESCALATIONS, partition, first))
            self._followers[partition] = Follower(end)
            unread |= {partition: end} if end > first else {}
        self._consumer.assign(starts)
        self._catch_up(unread, on_progress)

    def poll(self, timeout_s: float) -> list[CaseFile]:
        """The new editions that have arrived, in the order of their arrival; raises `RetryableError`."""
        found = []
        for message in kafka.fetch(self._consumer, timeout_s):
            if kafka.is_end(message):
                continue
            if error := message.error():
                raise kafka.read_error(error, message.topic() or "", message.partition() or 0)
            if file := self._take(kafka.record_of(message)):
                found.append(file)
        return found

    def await_rev(self, case: str, rev: int, timeout_s: float) -> CaseFile | None:
        """The case once it is beyond that revision or no longer open, or as it is when the time is over."""
        until_s = time.monotonic() + timeout_s
        while time.monotonic() < until_s:
            file = self.shelf.get(case)
            if file is not None and (file.rev > rev or not file.is_open):
                break
            self.poll(POLL_S)
        return self.shelf.get(case)

    def edition(self, place: Place) -> CaseFile | None:
        """An older edition, read anew from where it stands; None if it is not kept any more."""
        partition, offset = place
        record = kafka.read_range(self.config, topics.ESCALATIONS, partition, offset, offset).get(offset)
        return None if record is None else case_of(record)

    def close(self) -> None:
        """Close the client."""
        self._consumer.close()

    def _catch_up(self, unread: dict[int, int], on_progress: Progress) -> None:
        count, quiet_s = 0, time.monotonic() + kafka.CALL_TIMEOUT_S
        while unread:
            for message in kafka.fetch(self._consumer, POLL_S):
                partition, offset = message.partition() or 0, message.offset() or 0
                if error := None if kafka.is_end(message) else message.error():
                    raise kafka.read_error(error, topics.ESCALATIONS, partition)
                if not kafka.is_end(message):
                    self._take(kafka.record_of(message))
                    count, offset, quiet_s = count + 1, offset + 1, time.monotonic() + kafka.CALL_TIMEOUT_S
                    if count % PROGRESS_EVERY == 0:
                        on_progress(f"{count:,} editions of case files read")
                if offset >= unread.get(partition, offset + 1):
                    del unread[partition]
            if time.monotonic() > quiet_s:
                raise RetryableError(f"{topics.ESCALATIONS} gives nothing any more", "try again")

    def _take(self, record: Record) -> CaseFile | None:
        """The edition, if it is the bus's next one and newer than what is here."""
        if not self._followers[record.partition].takes(record):
            return None
        file = case_of(record)
        return file if file is not None and self.shelf.put(file, record) else None
