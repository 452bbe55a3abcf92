"""The Kafka clients and counters that the owners of one stage share."""

from dataclasses import dataclass, field

from confluent_kafka import Consumer, Producer

from bus.shell import kafka
from bus.shell.broker_time import BrokerTime
from bus.shell.errors import NotPermittedError
from bus.shell.metrics import Metrics
from bus.shell.snapshots.keeper import Keeper, Rhythm
from bus.shell.snapshots.shelf import Shelf
from bus.shell.surroundings import MACHINE, surroundings_of
from bus.shell.watchdog import Judging


@dataclass(slots=True)
class Links:
    """The Kafka clients an owner shares with the others of its process."""

    config: kafka.ClientConfig
    producer: Producer
    consumer: Consumer
    marks: Consumer
    metrics: Metrics
    broker_time: BrokerTime
    keeper: Keeper | None = None  # without one no snapshots are taken
    shelf: Shelf | None = None  # without one every restore begins at 0
    refused: NotPermittedError | None = None  # Kafka did not let an owner do what it must
    fatal: str = ""  # the producer is beyond repair: the whole stage starts again
    accepted_gaps: set[str] = field(default_factory=set)  # `gate/sales`: lost input there is accepted, once
    judging: Judging = field(default_factory=Judging)

    def close(self) -> None:
        """End what works beside the stage; its clients are closed by who made them."""
        if self.keeper is not None:
            self.keeper.stop()
        if self.shelf is not None:
            self.shelf.close()


def open_snapshots(config: kafka.ClientConfig, metrics: Metrics, rhythm: Rhythm) -> tuple[Keeper | None, Shelf | None]:
    """Who takes snapshots, and where they are found; nobody in a simulated world, which begins at 0 each time."""
    if surroundings_of(config) is not MACHINE:
        return None, None
    keeper = Keeper(config, metrics, rhythm)
    keeper.start()
    return keeper, Shelf(config)
