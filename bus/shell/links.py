"""The Kafka clients and counters that the owners of one stage share."""

from dataclasses import dataclass

from confluent_kafka import Consumer, Producer

from bus.shell import kafka
from bus.shell.broker_time import BrokerTime
from bus.shell.errors import NotPermittedError
from bus.shell.metrics import Metrics


@dataclass(slots=True)
class Links:
    """The Kafka clients an owner shares with the others of its process."""

    config: kafka.ClientConfig
    producer: Producer
    consumer: Consumer
    marks: Consumer
    metrics: Metrics
    broker_time: BrokerTime
    refused: NotPermittedError | None = None  # Kafka did not let an owner do what it must
    fatal: str = ""  # the producer is beyond repair: the whole stage starts again
