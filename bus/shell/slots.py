"""Which process publishes a slot: a consumer group decides, so that any number of processes may stand ready."""

import threading
import time

from confluent_kafka import Consumer, KafkaError, TopicPartition

from bus.core.log.topics import JOURNAL
from bus.core.policy.control import Genesis
from bus.shell import kafka
from bus.shell.control_log import ControlLog
from bus.shell.errors import BusError, RetryableError
from bus.shell.publisher import Publisher

GROUP = "bus-publisher"


def publish_slots(config: kafka.ClientConfig, instance: str, stop: threading.Event) -> None:
    """Publish the slots the group gives to this process, until told to stop.

    Slot ``s`` goes with partition ``s`` of the journal. Raises `BusError` on any trouble, also when a slot is taken
    away: the process must end, and its supervisor starts it again.
    """
    control_log = ControlLog(config, {})
    control_log.open()
    slots = _Slots(config, control_log.genesis)
    control_log.close()
    member = kafka.member(config, GROUP, f"{instance}-publisher" if instance else "")
    member.subscribe([JOURNAL], on_assign=slots.on_assign, on_revoke=slots.on_revoke, on_lost=slots.on_lost)
    began_s = time.monotonic()
    try:
        while not stop.is_set() and not slots.ended:
            if assigned := member.assignment():
                member.pause(assigned)
            heard = member.poll(kafka.BRIEF_S / 10)
            _check(heard.error() if heard is not None else None, instance)
            if refusal := kafka.login_refusal(began_s, config["bootstrap.servers"]):
                raise refusal
    finally:
        slots.stop()
        member.close()
    if slots.ended and not stop.is_set():
        raise slots.ended[0]


def _check(error: KafkaError | None, instance: str) -> None:
    """What the group says; raises what only a new process, or a person, can mend."""
    if error is None:
        return
    if kafka.is_fenced(error):
        raise kafka.fenced(instance)
    if error.code() in kafka.NOT_ALLOWED:
        raise kafka.not_allowed(f"the group {GROUP}", error)
    if error.fatal():
        raise RetryableError(f"the consumer failed: {error.str()}")


class _Slots:
    """The slots this process publishes, each in a thread; ``ended`` says why it must end."""

    def __init__(self, config: kafka.ClientConfig, genesis: Genesis) -> None:
        self._config, self._genesis = config, genesis
        self._running: dict[int, threading.Thread] = {}
        self._halt = threading.Event()
        self.ended: list[BusError] = []

    def on_assign(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        for slot in sorted(p.partition for p in partitions if p.partition < self._genesis.slots):
            self._running[slot] = threading.Thread(target=self._run, args=(slot,), name=f"slot-{slot}", daemon=True)
            self._running[slot].start()

    def on_revoke(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        if any(p.partition in self._running for p in partitions):
            self.ended.append(RetryableError("the group gave a slot to another process"))

    def on_lost(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        if any(p.partition in self._running for p in partitions):
            self.ended.append(RetryableError("Kafka did not answer for so long that the slots may be another's by now"))

    def stop(self) -> None:
        self._halt.set()
        for thread in self._running.values():
            thread.join(kafka.CALL_TIMEOUT_S)

    def _run(self, slot: int) -> None:
        try:
            Publisher(self._config, self._genesis, slot).run(self._halt)
        except BusError as error:
            self.ended.append(error)
        except Exception as error:  # noqa: BLE001 whatever it was, a new process resumes at the mark
            self.ended.append(RetryableError(str(error)))
