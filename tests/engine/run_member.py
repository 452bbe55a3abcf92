"""A process with one stage, to be killed by a test; it may be made to die when its group asks a partition back."""

import os
import signal
import sys
import threading
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from bus.core.log.topics import CONTROL
from bus.shell import logs
from bus.shell.metrics import Metrics
from bus.shell.slots import publish_slots
from bus.shell.surroundings import Machine, Settings, SettingsOf
from bus.shell.worker import ArbiterWorker, GateWorker

DIES_IN_HAND_OVER = "dies-in-hand-over"


class MortalConsumer(Consumer):
    """A consumer whose process is killed while it gives a partition up."""

    def subscribe(self, *arguments: Any, **named: Any) -> None:  # Any: the client library's own types
        """As ever, but for what happens on a revoke."""
        super().subscribe(*arguments, **{**named, "on_revoke": _die})


class MortalMachine(Machine):
    """This machine, with such consumers."""

    def consumer(self, settings: Settings) -> Consumer:
        """One that is killed while it gives a partition up."""
        return MortalConsumer(dict(settings))


def _die(_: Consumer, partitions: list[TopicPartition]) -> None:
    if any(p.topic != CONTROL for p in partitions):  # that one it gives back as soon as it is in
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Run until killed."""
    bootstrap, stage, name, *how = sys.argv[1:]
    logs.set_up("info", "text")
    settings = {"bootstrap.servers": bootstrap}
    config = SettingsOf(MortalMachine(), settings) if DIES_IN_HAND_OVER in how else settings
    stop = threading.Event()
    if stage == "publisher":
        publish_slots(config, name, stop)
    else:
        worker = {"gate": GateWorker, "arbiter": ArbiterWorker}[stage]
        worker(config, name, Metrics()).run(stop)


if __name__ == "__main__":
    main()
