"""The control log as a stage sees it: ``bus.control`` from genesis on, one registry per number."""

import json
from collections.abc import Mapping

from confluent_kafka import Consumer, TopicPartition

from bus.core.log.records import Record
from bus.core.log.topics import CONTROL
from bus.core.policy.contracts import Contract
from bus.core.policy.control import Change, Genesis, Registry, genesis_from_json
from bus.shell import kafka
from bus.shell.errors import FatalError, NotInitialisedError, RetryableError
from bus.shell.surroundings import surroundings_of

REGISTRIES_KEPT_MAX = 64  # lanes stand at most a few changes apart; older ones are folded anew


class ControlLog:
    """Follows ``bus.control``; ``open`` reads it to its end, ``poll`` what has come since."""

    def __init__(self, config: kafka.ClientConfig, built_in: Mapping[str, Contract]) -> None:
        self._config = config
        self._built_in = built_in
        self._changes: list[Change] = []
        self._registries: dict[int, Registry] = {}
        self._consumer: Consumer | None = None
        self._genesis: Genesis | None = None
        self._position = 0
        self.registry: Registry

    def open(self) -> None:
        """Read to the end; raises `NotInitialisedError` if there is no genesis, `NotPermittedError`."""
        self._changes, self._registries, self._genesis, self._position = [], {}, None, 0
        client = kafka.admin(self._config)
        if CONTROL not in kafka.partition_counts(client, str(self._config["bootstrap.servers"])):
            kafka.check_visible(client, CONTROL)
            raise NotInitialisedError("this Kafka has no agentbus yet", "run `agentbus init` once")
        self._consumer = kafka.reader(self._config)
        self._consumer.assign([TopicPartition(CONTROL, 0, 0)])
        while not self._read(kafka.CALL_TIMEOUT_S):
            pass
        if self._genesis is None:
            raise NotInitialisedError("bus.control holds no genesis yet", "run `agentbus init` once")

    def poll(self) -> bool:
        """Take in what has arrived; True if something has."""
        before = self.registry.number
        self._read(0)
        return self.registry.number != before

    def catch_up(self) -> None:
        """Read up to the end that the broker names now; raises `RetryableError`."""
        assert self._consumer is not None, "the control log is not open"
        _, end = kafka.ends(self._consumer, CONTROL, 0)
        now_s = surroundings_of(self._config).now_s
        until_s = now_s() + kafka.CALL_TIMEOUT_S
        while self._position < end:
            if now_s() > until_s:
                raise RetryableError("bus.control does not answer")
            self._read(0.01)

    def close(self) -> None:
        """Close the consumer."""
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None

    @property
    def genesis(self) -> Genesis:
        """Control number 0."""
        assert self._genesis is not None, "the control log is not open"
        return self._genesis

    def at(self, number: int) -> Registry:
        """The registry at that number; raises `RetryableError` if the log does not reach it yet."""
        if number > self.registry.number:
            raise RetryableError(f"bus.control reaches {self.registry.number}, not {number} yet")
        if number == self.registry.number:
            return self.registry
        found = self._registries.get(number)
        if found is None:
            found = Registry(self.genesis, self._built_in)
            for change in self._changes[:number]:
                found = found.apply(change)
            self._keep(found)
        return found

    def changes_after(self, number: int) -> list[Change]:
        """The changes behind that number, as far as the log is known."""
        return [change for change in self._changes if change.number > number]

    def _keep(self, registry: Registry) -> None:
        self._registries[registry.number] = registry
        while len(self._registries) > REGISTRIES_KEPT_MAX:
            del self._registries[next(iter(self._registries))]

    def _read(self, timeout_s: float) -> bool:
        """Take in one batch; True at the end of the log."""
        assert self._consumer is not None, "the control log is not open"
        messages = kafka.fetch(self._consumer, timeout_s)
        if not messages and timeout_s >= kafka.CALL_TIMEOUT_S:
            raise RetryableError("bus.control does not answer")
        is_at_end = False
        for message in messages:
            if kafka.is_end(message):
                is_at_end = True  # what follows in the batch has come since
                continue
            if error := message.error():
                raise RetryableError(f"bus.control cannot be read: {error.str()}")
            record = kafka.record_of(message)
            self._position = record.offset + 1
            self._take(record)
        return is_at_end

    def _take(self, record: Record) -> None:
        if record.offset == 0:
            self._take_genesis(record)
            return
        change = change_of(record)
        if change is None or self._genesis is None or change.number <= self.registry.number:
            return  # a repeat carries the same number
        if change.number != self.registry.number + 1:
            raise RetryableError(f"bus.control goes from {self.registry.number} to {change.number}")
        self._changes.append(change)
        self._keep(self.registry)
        self.registry = self.registry.apply(change)

    def _take_genesis(self, record: Record) -> None:
        try:
            self._genesis = genesis_from_json(json.loads(record.value or b""))
        except (ValueError, KeyError, TypeError) as error:
            next_step = "this is no cluster of agentbus, or not of this version"
            raise FatalError("no_genesis", "bus.control does not begin with a genesis", next_step) from error
        self.registry = Registry(self._genesis, self._built_in)


def change_of(record: Record) -> Change | None:
    """Read a record of ``bus.control``; None if it is none of ours."""
    headers = dict(record.headers)
    try:
        kind, _, name = (record.key or b"").decode().partition("/")
        value = json.loads(record.value) if record.value else None
        return Change(int(headers["bus-control"] or b""), kind, name, int(headers["bus-rev"] or b""), value)
    except (KeyError, ValueError):
        return None
