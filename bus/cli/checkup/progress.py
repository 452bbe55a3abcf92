"""Reads how far every part of the bus has come: the groups' marks, the publisher's, and the ends they should reach."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from confluent_kafka import Consumer

from bus.cli.checkup.journals import Input, JournalSeen
from bus.cli.checkup.stages import ARBITER, ARBITER_SENT, GATE, GATE_SENT, RELEASED, Lag, Place
from bus.core.log import topics
from bus.core.policy.control import Registry
from bus.shell import kafka
from bus.shell.acls import ARBITER_MARKS, GATE_GROUP, GATE_MARKS
from bus.shell.follow import Reading


@dataclass(frozen=True, slots=True)
class Parts:
    """What there is of a bus: its lanes whose topics are there, and its partitions."""

    lanes: tuple[str, ...]
    partitions: int
    slots: int
    has_governed: bool

    @property
    def inputs(self) -> tuple[Place, ...]:
        """What the gates own."""
        return tuple((topics.incoming(lane), 0) for lane in self.lanes)

    @property
    def gate_journals(self) -> tuple[Place, ...]:
        """What they write."""
        return tuple((topics.gate_journal(lane), 0) for lane in self.lanes)

    @property
    def arbiters(self) -> tuple[Place, ...]:
        """What the arbiters own."""
        return tuple((topics.ARBITER, p) for p in range(self.partitions))

    @property
    def journals(self) -> tuple[Place, ...]:
        """What they write."""
        return tuple((topics.JOURNAL, p) for p in range(self.partitions))


def parts_of(registry: Registry, counts: Mapping[str, int]) -> Parts:
    """The parts of the bus that are on this Kafka; what is missing is told elsewhere."""
    lanes = [
        lane
        for lane in sorted(registry.lanes_ever)
        if topics.incoming(lane) in counts and topics.gate_journal(lane) in counts
    ]
    there = min(counts.get(topics.ARBITER, 0), counts.get(topics.JOURNAL, 0), registry.genesis.partitions)
    has_governed = any(contract.topic for contract in registry.contracts.values())
    return Parts(tuple(lanes), there, registry.genesis.slots, has_governed)


def sent_marks(config: kafka.ClientConfig, parts: Parts) -> dict[Place, int]:
    """By journal: everything below this offset has been sent. Raises `RetryableError`."""
    return {
        **_committed(config, GATE_MARKS, parts.gate_journals),
        **_committed(config, ARBITER_MARKS, parts.journals),
    }


def read_lags(config: kafka.ClientConfig, parts: Parts, seen: Sequence[JournalSeen]) -> list[Lag]:
    """How far everything is on the way to where the logs and journals ended; raises `RetryableError`."""
    journals = {one.place: one for one in seen}
    sent, forwarded = sent_marks(config, parts), _committed(config, GATE_GROUP, parts.inputs)
    released = _released(config) if parts.has_governed else {}
    reader = kafka.reader(config)
    try:
        lags = [Lag(GATE, place, forwarded[place], kafka.ends(reader, *place)[1]) for place in parts.inputs]
        for place, journal in zip(parts.arbiters, parts.journals, strict=True):
            lags += _of_arbiter(reader, place, journals.get(journal))
    finally:
        reader.close()
    for places, what in ((parts.gate_journals, GATE_SENT), (parts.journals, ARBITER_SENT)):
        lags += [
            Lag(what, place, sent[place], journals[place].watch.chain_end) for place in places if place in journals
        ]
    lags += [
        Lag(RELEASED, place, released.get(place[1], 0), journals[place].watch.chain_end)
        for place in (parts.journals if parts.has_governed else ())
        if place in journals
    ]
    return lags


def read_inputs(config: kafka.ClientConfig, parts: Parts, seen: Sequence[JournalSeen]) -> list[Input]:
    """Where the input of each journal begins and ends, and where the journal goes on; raises `RetryableError`."""
    journals = {one.place: one for one in seen}
    pairs = [*zip(parts.inputs, parts.gate_journals, strict=True), *zip(parts.arbiters, parts.journals, strict=True)]
    reader = kafka.reader(config)
    try:
        wanted = {place: journals[journal].watch.next_input for place, journal in pairs if journal in journals}
        return [Input(place, *kafka.ends(reader, *place), at) for place, at in wanted.items() if at is not None]
    finally:
        reader.close()


def _of_arbiter(reader: Consumer, place: Place, journal: JournalSeen | None) -> list[Lag]:
    if journal is None or journal.watch.next_input is None:
        return []
    return [Lag(ARBITER, place, journal.watch.next_input, kafka.ends(reader, *place)[1])]


def _committed(config: kafka.ClientConfig, group: str, places: Sequence[Place]) -> dict[Place, int]:
    consumer = kafka.reader(config, group)
    try:
        return kafka.committed(consumer, list(places))
    finally:
        consumer.close()


def _released(config: kafka.ClientConfig) -> dict[int, int]:
    """By partition: the publisher has released everything below this offset of the journal."""
    reading = Reading(config, isolation="read_committed")
    found: dict[int, int] = {}
    try:
        reading.open([topics.PUBLISHED], tail=None)
        for record in reading.catch_up():
            for p, offset in json.loads(record.value or b"{}").get("marks", {}).items():
                found[int(p)] = max(offset, found.get(int(p), 0))
    finally:
        reading.close()
    return found
