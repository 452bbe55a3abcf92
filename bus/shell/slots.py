"""Which process publishes a slot: a consumer group decides, so that any number of processes may stand ready."""

import threading
import time
from dataclasses import dataclass

import structlog
from confluent_kafka import Consumer, KafkaError, TopicPartition

from bus.core.log.topics import JOURNAL
from bus.core.policy.control import Genesis
from bus.shell import kafka
from bus.shell.control_log import ControlLog
from bus.shell.errors import BusError, RetryableError
from bus.shell.publisher import Publisher, SlowCommitError

GROUP = "bus-publisher"

log = structlog.get_logger("bus.slots")


def publish_slots(config: kafka.ClientConfig, instance: str, stop: threading.Event) -> None:
    """Publish the slots the group gives to this process, until told to stop.

    Slot ``s`` goes with partition ``s`` of the journal. The group deals all slots anew each time: whoever dies in the
    middle of that, none is left to nobody. Raises `BusError` on any trouble: the process must end, and its supervisor
    starts it again.
    """
    control_log = ControlLog(config, {})
    control_log.open()
    slots = _Slots(config, control_log.genesis)
    control_log.close()
    if stop.is_set():  # who joins while it ends would put out the one that has come in its place
        return
    name = f"{instance}-publisher" if instance else ""
    member = kafka.member(config, GROUP, name, deals=kafka.ALL_AT_ONCE)
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
        self.ended: list[BusError] = []

    def on_assign(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        for slot in sorted(p.partition for p in partitions if p.partition < self._genesis.slots):
            halt = threading.Event()
            thread = threading.Thread(target=self._run, args=(slot, halt), name=f"slot-{slot}", daemon=True)
            self._running[slot] = _Running(thread, halt)
            thread.start()

    def on_revoke(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        """Finish what is under way, and stay in the group: no transaction is left that could end late.

        If the process ended here, the group would deal anew when it came back, and take from another: two that start
        slowly would send each other away for ever.
        """
        del partitions  # it is all of them, each time
        self.stop()

    def on_lost(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        """Kafka did not hear of this process for so long that another may publish: its producer fences this one's."""
        del partitions
        self.stop()

    def stop(self) -> None:
        """Let every slot finish its transaction, at the same time, and wait for that."""
        until_s = time.monotonic() + kafka.CALL_TIMEOUT_S
        for running in self._running.values():
            running.halt.set()
        for slot, running in self._running.items():
            running.thread.join(max(0.0, until_s - time.monotonic()))
            if running.thread.is_alive():
                self.ended.append(RetryableError(f"slot {slot} did not finish its transaction in time"))
        self._running.clear()

    def _run(self, slot: int, halt: threading.Event) -> None:
        try:
            while not halt.is_set():
                self._publish(slot, halt)
        except BusError as error:
            self.ended.append(error)
        except Exception as error:  # noqa: BLE001 whatever it was, a new process resumes at the mark
            self.ended.append(RetryableError(str(error)))

    def _publish(self, slot: int, halt: threading.Event) -> None:
        try:
            Publisher(self._config, self._genesis, slot).run(halt)
        except SlowCommitError as error:  # on a busy machine this happens often, and a new process takes seconds
            log.info("publisher_anew", slot=slot, why=error.message)
