"""A process with one stage, to be killed by a test; it may die in a hand-over, or hear late that it has committed."""

import os
import signal
import sys
import threading
import time
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition

from bus.core.log.topics import CONTROL
from bus.shell import logs
from bus.shell.arbiter_worker import ArbiterWorker
from bus.shell.gate_worker import GateWorker
from bus.shell.metrics import Metrics
from bus.shell.publisher import COMMIT_S_MAX
from bus.shell.slots import publish_slots
from bus.shell.surroundings import Machine, Settings, SettingsOf

DIES_IN_HAND_OVER = "dies-in-hand-over"
COMMITS_SLOWLY = "commits-slowly"


class MortalConsumer(Consumer):
    """A consumer whose process is killed while it gives a partition up."""

    def subscribe(self, *arguments: Any, **named: Any) -> None:  # Any: the client library's own types
        """As ever, but for what happens on a revoke."""
        super().subscribe(*arguments, **{**named, "on_revoke": _die})


class SlowProducer(Producer):
    """A producer to whom Kafka says late that a transaction is committed."""

    def commit_transaction(self, *arguments: Any) -> None:  # Any: the client library's own types
        """As ever, and then some."""
        super().commit_transaction(*arguments)
        time.sleep(COMMIT_S_MAX)


class OddMachine(Machine):
    """This machine, with such clients."""

    def consumer(self, settings: Settings) -> Consumer:
        """One that is killed while it gives a partition up."""
        return MortalConsumer(dict(settings)) if DIES_IN_HAND_OVER in sys.argv else super().consumer(settings)

    def producer(self, settings: Settings) -> Producer:
        """One that hears of its commits late."""
        return SlowProducer(dict(settings)) if COMMITS_SLOWLY in sys.argv else super().producer(settings)


def _die(_: Consumer, partitions: list[TopicPartition]) -> None:
    if any(p.topic != CONTROL for p in partitions):  # that one it gives back as soon as it is in
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Run until killed."""
    bootstrap, stage, name = sys.argv[1:4]
    logs.set_up("info", "text")
    config = SettingsOf(OddMachine(), {"bootstrap.servers": bootstrap})
    stop = threading.Event()
    if stage == "publisher":
        publish_slots(config, name, stop)
    else:
        worker = {"gate": GateWorker, "arbiter": ArbiterWorker}[stage]
        worker(config, name, Metrics()).run(stop)


if __name__ == "__main__":
    main()
