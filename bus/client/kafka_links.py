"""Opens the agent's own Kafka clients, and finds out where Kafka is and who the agent is."""

import contextlib
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer

from bus.client.errors import ClientError, Misuse, NotTaken, Unreachable
from bus.shell.dev_buses import find_buses, only_one
from bus.shell.errors import UsageError
from bus.shell.kafka import ClientSettings
from bus.shell.surroundings import SettingsOf, surroundings_of

BOOTSTRAP = "127.0.0.1:9092"
# The client gives up before its caller does, then sends again: a time-out is not "not written".
MESSAGE_TIMEOUT_MS = 8_000
# An LLM may think this long about one message before its group gives the partition to somebody else.
PROCESSING_MS_MAX = 900_000

# A login that is refused is said at once, a connection that is refused after three seconds: Kafka may be starting.
LOOK_UP_TIMEOUTS_S = (1.0, 2.0, 7.0)
REFUSED_LOGINS = (KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED)
_NOBODY_THERE = (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE)

OnError = Callable[[KafkaError], None]
_log = logging.getLogger("agentbus.client")


class Complaints:
    """What Kafka's client complains of, kept for the sentence that says why nothing answers."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._last: KafkaError | None = None

    def __call__(self, error: KafkaError) -> None:
        """Take one in; "all brokers are down" says less than what came before it."""
        if self._last is None or error.code() != KafkaError._ALL_BROKERS_DOWN:
            self._last = error

    @property
    def is_refused_login(self) -> bool:
        """Does Kafka not know this user, or another password?"""
        return self._last is not None and self._last.code() in REFUSED_LOGINS

    @property
    def is_nobody_there(self) -> bool:
        """Is there nothing that listens?"""
        return self._last is not None and self._last.code() in _NOBODY_THERE

    def why(self, error: KafkaException) -> ClientError:
        """The error for a call that failed like this."""
        reason = _shortened((self._last or error.args[0]).str())
        if self.is_refused_login:
            text = f"Kafka at {self.address} does not let this client in ({reason})"
            return NotTaken(text, "check user and password in the Kafka settings")
        text = f"Kafka does not answer at {self.address} ({reason})"
        return Unreachable(text, "set AGENTBUS_BOOTSTRAP to where it is, as `agentbus dev` shows, and see that it runs")


def topic_error(consumer: Consumer, topic: str, complaints: Complaints) -> KafkaError | None:
    """What is wrong with a topic, None if it can be used; raises `Unreachable`, `NotTaken`."""
    *early, last_s = LOOK_UP_TIMEOUTS_S
    for number, timeout_s in enumerate(early, start=1):
        with contextlib.suppress(KafkaException):
            return _told_error(consumer, topic, timeout_s)
        consumer.poll(0)  # hands out the complaints
        if complaints.is_refused_login or (complaints.is_nobody_there and number == len(early)):
            last_s = 0.1
            break
    try:
        return _told_error(consumer, topic, last_s)
    except KafkaException as error:
        raise complaints.why(error) from error


def _told_error(consumer: Consumer, topic: str, timeout_s: float) -> KafkaError | None:
    error: KafkaError | None = consumer.list_topics(topic, timeout=timeout_s).topics[topic].error
    return error


_BOTH: ClientSettings = {
    "socket.timeout.ms": 5_000,
    "reconnect.backoff.max.ms": 500,
    "log_level": 0,
    "log.queue": True,  # else its fatal errors are printed by threads of its own, whatever the level
}
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

    Where nothing says where Kafka is, the one development bus of this machine is meant, as for the commands. Raises
    `Misuse` if several run, or the properties file cannot be read.
    """
    if isinstance(given, SettingsOf):  # they bring their own world
        return given
    found = {"bootstrap.servers": os.environ.get("AGENTBUS_BOOTSTRAP", "")}
    if path := os.environ.get("AGENTBUS_KAFKA_CONFIG", ""):
        found |= _properties(Path(path))
    found |= given or {}
    if bootstrap:
        found["bootstrap.servers"] = bootstrap
    if not found["bootstrap.servers"]:
        found["bootstrap.servers"] = _bootstrap_of_this_machine()
    return found


def producer(settings: Mapping[str, str], on_error: OnError) -> Producer:
    """The way in."""
    return surroundings_of(settings).producer({**settings, **_BOTH, **_PRODUCER, "error_cb": on_error})


def answers_reader(settings: Mapping[str, str], on_error: OnError) -> Consumer:
    """The way out: assigned by hand."""
    return surroundings_of(settings).consumer({**settings, **_BOTH, **_CONSUMER, **_ANSWERS, "error_cb": on_error})


def group_member(settings: Mapping[str, str], on_error: OnError, *, group: str, start: str, isolation: str) -> Consumer:
    """A member of the caller's own group; ``start`` is where a group begins that has read nothing yet."""
    own = {"group.id": group, "auto.offset.reset": start, "isolation.level": isolation, "error_cb": on_error}
    return surroundings_of(settings).consumer({**settings, **_BOTH, **_CONSUMER, **_MEMBER, **own})


def _shortened(reason: str) -> str:
    """Without the client's own name in front and its timings behind."""
    return reason.rpartition("]: ")[2].partition(" (after ")[0]


def _bootstrap_of_this_machine() -> str:
    try:
        running = only_one(find_buses())
    except UsageError as error:
        raise Misuse(error.message, error.next_step) from None
    if running is None:
        return BOOTSTRAP
    _log.info("using the development bus at %s", running.bootstrap)
    return running.bootstrap


def _properties(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Misuse(f"cannot read the Kafka properties {path} ({error})", "check AGENTBUS_KAFKA_CONFIG") from error
    pairs = (line.partition("=") for line in lines if line.strip() and not line.lstrip().startswith(("#", "!")))
    return {name.strip(): value.strip() for name, _, value in pairs}
