"""Compares this machine's clock with the brokers': by commits of a group of its own, which the broker dates.

No topic of the bus is written. A commit lands in Kafka's own `__consumer_offsets` with the broker's time on it; one
group for each broker, chosen so that this broker keeps it. The groups are deleted again.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from bus.cli.checkup.lines import LOOK_AS_ADMIN, Line, counted, duration, note, ok, unseen, wrong
from bus.core.log.topics import CONTROL
from bus.shell import kafka
from bus.shell.errors import RetryableError

OFFSETS = "__consumer_offsets"
GROUP = "bus-doctor-"
GROUP_TRIES_MAX = 5_000  # names that are tried until one falls to the broker that is meant; a hundred do
READ_S = 3.0
SKEW_NOTE_MS = 1_000
AHEAD_WRONG_MS = 20_000  # a message is stale from 30 s in the future on
BEHIND_WRONG_MS = 240_000  # and from 300 s in the past on


@dataclass(frozen=True, slots=True)
class Reading:
    """How far a broker's clock is ahead of this machine's, give or take ``within_ms``."""

    broker: int
    ahead_ms: int
    within_ms: int


def read_clocks(config: kafka.ClientConfig, client: AdminClient) -> list[Reading]:
    """The clock of every broker that keeps part of the groups' offsets; raises `RetryableError`."""
    try:
        metadata = client.list_topics(timeout=kafka.BRIEF_S * 5)
    except KafkaException as error:
        raise RetryableError(f"Kafka does not answer: {error.args[0].str()}") from error
    there = metadata.topics.get(OFFSETS)
    if there is None or not there.partitions:
        raise RetryableError(f"{OFFSETS}: topic authorization failed, or it is not there yet", LOOK_AS_ADMIN)
    leaders = {p: one.leader for p, one in there.partitions.items()}
    groups = {broker: _group_at(broker, leaders) for broker in sorted(set(leaders.values())) if broker >= 0}
    try:
        return [_read(config, broker, group, _partition_of(group, len(leaders))) for broker, group in groups.items()]
    finally:
        for future in client.delete_consumer_groups(list(groups.values()), request_timeout=READ_S).values():
            future.exception(timeout=READ_S + 1)  # one that stays is empty, and Kafka forgets it in a week


def _group_at(broker: int, leaders: Mapping[int, int]) -> str:
    for number in range(GROUP_TRIES_MAX):
        if leaders.get(_partition_of(f"{GROUP}{number}", len(leaders))) == broker:
            return f"{GROUP}{number}"
    raise RetryableError(f"no group is found that broker {broker} keeps")


def _partition_of(group: str, partitions: int) -> int:
    """Where Kafka keeps a group's offsets: Java's hash of the name."""
    found = 0
    for letter in group:
        found = (31 * found + ord(letter)) & 0xFFFFFFFF
    signed = found - 2**32 if found >= 2**31 else found
    return (0 if signed == -(2**31) else abs(signed)) % partitions


def _read(config: kafka.ClientConfig, broker: int, group: str, partition: int) -> Reading:
    committing, reading = kafka.reader(config, group), kafka.reader(config)
    try:
        place = TopicPartition(CONTROL, 0, 0)
        kafka.committed(committing, [(CONTROL, 0)])  # finds the coordinator, so that the commit itself is quick
        _, end = kafka.ends(reading, OFFSETS, partition)
        began_ms = time.time() * 1000
        try:
            committing.commit(offsets=[place], asynchronous=False)
        except KafkaException as error:
            raise RetryableError(f"a group cannot be used: {error.args[0].str()}") from error
        ended_ms = time.time() * 1000
        reading.assign([TopicPartition(OFFSETS, partition, end)])
        at_ms = _time_of_commit(reading, group)
    finally:
        committing.close()
        reading.close()
    within_ms = max(1, round((ended_ms - began_ms) / 2))
    return Reading(broker, round(at_ms - (began_ms + ended_ms) / 2), within_ms)


def _time_of_commit(reading: Consumer, group: str) -> int:
    until_s = time.monotonic() + READ_S
    while time.monotonic() < until_s:
        for message in kafka.fetch(reading, 0.1):
            if error := message.error():
                if not kafka.is_end(message):
                    raise RetryableError(f"{OFFSETS} cannot be read: {error.str()}")
                continue
            key = message.key() or b""
            if key[2:4] == len(group).to_bytes(2, "big") and key[4:].startswith(group.encode()) and message.value():
                return int(message.timestamp()[1])
    raise RetryableError("the broker's time was not seen", "run `agentbus doctor` again")


def clock_lines(readings: Sequence[Reading], skew_ms: int) -> Iterator[Line]:
    """Are the clocks close enough? ``skew_ms`` is what genesis allows the brokers among themselves."""
    if not readings:
        yield unseen("clock", "no broker's time was read", LOOK_AS_ADMIN)
        return
    yield _this_machine(max(readings, key=lambda one: abs(one.ahead_ms)))
    if len(readings) < 2:
        return
    first, last = (pick(readings, key=lambda one: one.ahead_ms) for pick in (min, max))
    apart_ms = last.ahead_ms - first.ahead_ms
    sure_ms = apart_ms - first.within_ms - last.within_ms
    text = f"brokers {first.broker} and {last.broker} are {apart_ms} ms apart"
    if sure_ms > skew_ms:
        remedy = "set the brokers' clocks by NTP: a lease may end early or late by as much"
        yield wrong("brokers' clocks", f"{text}, more than the {skew_ms} ms that genesis allows", remedy)
    else:
        yield ok("brokers' clocks", f"{counted(len(readings), 'broker')}, {apart_ms} ms apart at most")


def copies_of(client: AdminClient, topic: str) -> int:
    """How many copies a topic has, 0 if that is not told."""
    try:
        found = client.list_topics(topic, timeout=kafka.BRIEF_S * 5).topics[topic]
    except KafkaException as error:
        raise RetryableError(f"Kafka does not answer: {error.args[0].str()}") from error
    return max((len(one.replicas) for one in found.partitions.values()), default=0)


def lag_lines(copies: int, skew_ms: int) -> Iterator[Line]:
    """What is copied is read late: the allowance between the brokers' clocks must cover that as well."""
    if copies > 1:
        text = f"skew_ms ({skew_ms} ms) must also cover what the slowest of {copies} copies in sync lags behind"
        remedy = "watch the lag of Kafka's replicas: beyond it what was appended in time may be judged late"
        yield note("replication lag", text, remedy)


def _this_machine(reading: Reading) -> Line:
    ahead_ms = -reading.ahead_ms  # of this machine against the broker
    how = "ahead of" if ahead_ms > 0 else "behind"
    text = f"this machine is {_span(abs(ahead_ms))} {how} broker {reading.broker} (±{reading.within_ms} ms)"
    remedy = "set this machine's clock, e.g. with `timedatectl set-ntp true`"
    if ahead_ms > AHEAD_WRONG_MS or ahead_ms < -BEHIND_WRONG_MS:
        return wrong("clock", f"{text}: what is sent from here is refused as stale", remedy)
    if abs(ahead_ms) - reading.within_ms > SKEW_NOTE_MS:
        return note("clock", f"{text}; leases go by Kafka's clock, not by this one", remedy)
    return ok("clock", text)


def _span(span_ms: int) -> str:
    return f"{span_ms} ms" if span_ms < 10_000 else duration(span_ms / 1000)
