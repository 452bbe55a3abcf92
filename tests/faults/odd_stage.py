"""A stage's process that is not as it should be: in a group of its own, so that two own the same, or it loses records.

FAULTS_GROUP: appended to the names of the groups, which then know nothing of each other.
FAULTS_LOSE: of ten thousand records it sends, so many are lost, and those behind them are delivered.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError, Producer

from bus.shell import kafka, logs, slots
from bus.shell.arbiter_worker import ArbiterWorker
from bus.shell.errors import BusError
from bus.shell.gate_worker import GateWorker
from bus.shell.process import BusProcess, run_publisher
from bus.shell.settings import Settings

GROUP = os.environ.get("FAULTS_GROUP", "")
LOST_OF_10000 = int(os.environ.get("FAULTS_LOSE", "0"))
LOST_IS_TOLD_AFTER_S = 0.05  # what stands behind it has been delivered by then
AGAIN_S = 0.2

Told = Callable[[Any, Any], None]  # Any: the client library's own types


class LosingProducer:
    """A real producer that loses a record now and then, as the real one was seen to do: with an error, too late."""

    def __init__(self, producer: Producer, chance: random.Random) -> None:
        self._producer = producer
        self._chance = chance
        self._lost: deque[tuple[float, Told]] = deque()

    def produce(self, *arguments: Any, **named: Any) -> None:
        """Send, or lose."""
        if self._chance.randrange(10_000) < LOST_OF_10000 and "on_delivery" in named:
            sys.stderr.write(f"lost on purpose: a record to {arguments[0]}\n")
            self._lost.append((time.monotonic() + LOST_IS_TOLD_AFTER_S, named["on_delivery"]))
            return
        self._producer.produce(*arguments, **named)

    def poll(self, *arguments: Any) -> int:
        """Hand out what happened, losses among it."""
        count = self._producer.poll(*arguments)
        while self._lost and self._lost[0][0] <= time.monotonic():
            self._lost.popleft()[1](KafkaError(KafkaError._MSG_TIMED_OUT, "lost on purpose"), None)
        return count

    def __getattr__(self, name: str) -> Any:  # Any: whatever else a producer has
        return getattr(self._producer, name)


def main() -> None:
    """Run until killed."""
    logs.set_up("info", "text")
    bootstrap, instance = sys.argv[1:]
    stage = instance.removeprefix("odd-").partition("-")[0]
    settings = Settings(bootstrap=bootstrap, instance=instance.removeprefix("odd-"))
    if GROUP:
        GateWorker.group += GROUP
        ArbiterWorker.group += GROUP
        slots.GROUP += GROUP
    if LOST_OF_10000:
        honest, chance = kafka.producer, random.Random(os.getpid())
        kafka.producer = lambda config: LosingProducer(honest(config), chance)  # type: ignore[assignment, return-value]  # it does all a producer does
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if stage == "publisher":
        publish(settings)
    process = BusProcess(settings, (stage,))
    process.start()
    threading.Event().wait()


def publish(settings: Settings) -> None:
    """Be a publisher, again and again, as its supervisor would start it."""
    while True:
        try:
            run_publisher(settings, threading.Event())
        except BusError as error:
            sys.stderr.write(f"the odd publisher starts again: {error}\n")
            time.sleep(AGAIN_S)


if __name__ == "__main__":
    main()
