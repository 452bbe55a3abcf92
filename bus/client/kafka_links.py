"""Opens the agent's own Kafka clients, and finds out where Kafka is and who the agent is."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from confluent_kafka import Consumer, KafkaError, Producer

from bus.client.errors import Misuse
from bus.shell.kafka import ClientSettings

BOOTSTRAP = "127.0.0.1:9092"
# The client gives up before its caller does, then sends again: a time-out is not "not written".
MESSAGE_TIMEOUT_MS = 8_000
# An LLM may think this long about one message before its group gives the partition to somebody else.
PROCESSING_MS_MAX = 900_000

OnError = Callable[[KafkaError], None]

_BOTH: ClientSettings = {"socket.timeout.ms": 5_000, "reconnect.backoff.max.ms": 500, "log_level": 0}
# Not idempotent: the bus itself knows a repeated id, and the first message need not wait a second for a producer id.
# One request in flight keeps the order.
_PRODUCER: ClientSettings = {
    "acks": "all",
    "enable.idempotence": False,
    "max.in.flight.requests.per.connection": 1,
    "linger.ms": 0,
    "message.timeout.ms": MESSAGE_TIMEOUT_MS,
    "message.max.bytes": 2_097_152,
    "queue.buffering.max.messages": 20_000,
}
_CONSUMER: ClientSettings = {
    "enable.auto.offset.store": False,
    "allow.auto.create.topics": False,
    "fetch.wait.max.ms": 500,  # data is handed out at once; this only bounds what an idle agent asks
    "queued.min.messages": 1_000,
    "queued.max.messages.kbytes": 8_192,
}
_ANSWERS: ClientSettings = {
    "group.id": "bus-client",  # the library wants a name; the group is never joined and nothing is committed
    "enable.auto.commit": False,
    "auto.offset.reset": "error",
    "isolation.level": "read_uncommitted",
    "enable.partition.eof": False,
}
_MEMBER: ClientSettings = {
    "enable.auto.commit": True,  # of what was stored, that is processed
    "auto.commit.interval.ms": 1_000,
    "partition.assignment.strategy": "cooperative-sticky",
    "session.timeout.ms": 10_000,
    "max.poll.interval.ms": PROCESSING_MS_MAX,
}


def kafka_settings(bootstrap: str, given: Mapping[str, str] | None) -> dict[str, str]:
    """What every client of this process gets: arguments first, then ``AGENTBUS_*``, then the defaults.

    Raises `Misuse` if the properties file cannot be read.
    """
    found = {"bootstrap.servers": os.environ.get("AGENTBUS_BOOTSTRAP", "") or BOOTSTRAP}
    if path := os.environ.get("AGENTBUS_KAFKA_CONFIG", ""):
        found |= _properties(Path(path))
    found |= given or {}
    if bootstrap:
        found["bootstrap.servers"] = bootstrap
    return found


def producer(settings: Mapping[str, str], on_error: OnError) -> Producer:
    """The way in."""
    return Producer({**settings, **_BOTH, **_PRODUCER, "error_cb": on_error})


def answers_reader(settings: Mapping[str, str], on_error: OnError) -> Consumer:
    """The way out: assigned by hand."""
    return Consumer({**settings, **_BOTH, **_CONSUMER, **_ANSWERS, "error_cb": on_error})


def group_member(settings: Mapping[str, str], on_error: OnError, *, group: str, start: str, isolation: str) -> Consumer:
    """A member of the caller's own group; ``start`` is where a group begins that has read nothing yet."""
    own = {"group.id": group, "auto.offset.reset": start, "isolation.level": isolation, "error_cb": on_error}
    return Consumer({**settings, **_BOTH, **_CONSUMER, **_MEMBER, **own})


def _properties(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Misuse(f"cannot read the Kafka properties {path} ({error})", "check AGENTBUS_KAFKA_CONFIG") from error
    pairs = (line.partition("=") for line in lines if line.strip() and not line.lstrip().startswith(("#", "!")))
    return {name.strip(): value.strip() for name, _, value in pairs}
