"""Which process publishes a slot: a consumer group decides, so that any number of processes may stand ready."""

import threading
import time
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, TopicPartition

from bus.core.log.topics import JOURNAL, PUBLISHED
from bus.core.policy.control import Genesis
from bus.shell import kafka
from bus.shell.control_log import ControlLog
from bus.shell.errors import BusError, RetryableError
from bus.shell.publisher import Publisher

GROUP = "bus-publisher"


def publish_slots(config: kafka.ClientConfig, instance: str, stop: threading.Event) -> None:
    """Publish the slots the group gives to this process, until told to stop.

    Slot ``s`` goes with partition ``s`` of the journal. One that another process is to have is finished and given up.
    Raises `BusError` on any trouble: the process must end, and its supervisor starts it again.
    """
    control_log = ControlLog(config, {})
    control_log.open()
    slots = _Slots(config, control_log.genesis)
    control_log.close()
    member = kafka.member(config, GROUP, f"{instance}-publisher" if instance else "")
    told = {"on_assign": slots.on_assign, "on_revoke": slots.on_revoke, "on_lost": slots.on_lost}
    # A static member that comes back is given what it had, and nobody looks whether partitions were left over because
    # it went in the middle of a hand-over: a slot would be nobody's for ever. Asking for less then makes it look.
    member.subscribe([JOURNAL, PUBLISHED], **told)
    is_looked_at = False
    began_s = time.monotonic()
    try:
        while not stop.is_set() and not slots.ended:
            if assigned := member.assignment():
                member.pause(assigned)
            if slots.has_joined and not is_looked_at:
                is_looked_at = True
                member.subscribe([JOURNAL], **told)
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


@dataclass(frozen=True, slots=True)
class _Running:
    """A slot that is published here, and how to end that."""

    thread: threading.Thread
    halt: threading.Event


class _Slots:
    """The slots this process publishes, each in a thread; ``ended`` says why it must end."""

    def __init__(self, config: kafka.ClientConfig, genesis: Genesis) -> None:
        self._config, self._genesis = config, genesis
        self._running: dict[int, _Running] = {}
        self.has_joined = False
        self.ended: list[BusError] = []

    def on_assign(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self.has_joined = True
        for slot in self._slots_of(partitions):
            halt = threading.Event()
            thread = threading.Thread(target=self._run, args=(slot, halt), name=f"slot-{slot}", daemon=True)
            self._running[slot] = _Running(thread, halt)
            thread.start()

    def on_revoke(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        """Finish what is under way: no transaction is left that could end late, so the process need not end.

        If it did, the group would wait for it, and when it came back deal the slots anew: two processes that start
        slowly would send each other away for ever.
        """
        for slot in self._slots_of(partitions):
            if slot in self._running:
                self._end(slot)

    def on_lost(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        if any(slot in self._running for slot in self._slots_of(partitions)):
            self.ended.append(RetryableError("Kafka did not answer for so long that the slots may be another's by now"))

    def stop(self) -> None:
        for running in self._running.values():
            running.halt.set()
        for slot in list(self._running):
            self._end(slot)

    def _slots_of(self, partitions: list[TopicPartition]) -> list[int]:
        return sorted(p.partition for p in partitions if p.topic == JOURNAL and p.partition < self._genesis.slots)

    def _end(self, slot: int) -> None:
        running = self._running.pop(slot)
        running.halt.set()
        running.thread.join(kafka.CALL_TIMEOUT_S)
        if running.thread.is_alive():
            self.ended.append(RetryableError(f"slot {slot} did not end in time"))

    def _run(self, slot: int, halt: threading.Event) -> None:
        try:
            Publisher(self._config, self._genesis, slot).run(halt)
        except BusError as error:
            self.ended.append(error)
        except Exception as error:  # noqa: BLE001 whatever it was, a new process resumes at the mark
            self.ended.append(RetryableError(str(error)))
