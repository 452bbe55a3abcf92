"""The admin client of Kafka, simulated: what topics there are, their ids and settings, where they end."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from bus.sim.broker import Broker

if TYPE_CHECKING:
    from bus.sim.node import Node


@dataclass(slots=True)
class TopicMetadata:
    """One topic, or why there is none."""

    partitions: dict[int, None]
    error: KafkaError | None = None


@dataclass(slots=True)
class Metadata:
    """All topics."""

    topics: dict[str, TopicMetadata]


@dataclass(frozen=True, slots=True)
class Answer:
    """A future that has its result already."""

    value: Any = None  # Any: the client's own types
    error: KafkaException | None = None

    def result(self, timeout: float | None = None) -> Any:  # Any: as above
        """The result, or its error."""
        del timeout
        if self.error is not None:
            raise self.error
        return self.value


def metadata_of(broker: Broker, topic: str | None = None) -> Metadata:
    """What `list_topics` answers."""
    names = broker.counts if topic is None else [topic]
    return Metadata({name: _topic(broker, name) for name in names})


def _topic(broker: Broker, name: str) -> TopicMetadata:
    if name not in broker.counts:
        return TopicMetadata({}, KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART, "unknown topic"))
    return TopicMetadata(dict.fromkeys(range(broker.counts[name])))


class SimAdmin:
    """Answers at once."""

    def __init__(self, node: "Node") -> None:
        self._node = node

    def list_topics(self, topic: str | None = None, timeout: float = -1) -> Metadata:
        """What topics there are."""
        del timeout
        self._node.check()
        return metadata_of(self._node.broker, topic)

    def poll(self, timeout: float = -1) -> int:
        """Nothing ever happens here."""
        del timeout
        return 0

    def describe_topics(self, wanted: Any, request_timeout: float = -1) -> dict[str, Answer]:  # Any: a collection
        """The id of each topic."""
        del request_timeout
        self._node.check()
        found = {}
        for name in wanted.topic_names:
            if name in self._node.broker.counts:
                found[name] = Answer(SimpleNamespace(topic_id=self._node.broker.topic_id(name)))
            else:
                found[name] = Answer(error=KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART, "unknown")))
        return found

    def describe_configs(self, resources: list[Any], request_timeout: float = -1) -> dict[Any, Answer]:  # Any: as above
        """Every topic has the broker's time."""
        del request_timeout
        self._node.check()
        answer = Answer({"message.timestamp.type": SimpleNamespace(value="LogAppendTime")})
        return dict.fromkeys(resources, answer)

    def list_offsets(self, wanted: dict[TopicPartition, Any], request_timeout: float = -1) -> dict[Any, Answer]:
        """Where each partition ends."""
        del request_timeout
        self._node.check()
        broker, found = self._node.broker, {}
        for tp in wanted:
            if (tp.topic, tp.partition) in broker.partitions:
                found[tp] = Answer(SimpleNamespace(offset=broker.end((tp.topic, tp.partition))))
            else:
                found[tp] = Answer(error=KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART, "unknown")))
        return found
