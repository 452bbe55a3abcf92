"""A stage at work: one consumer-group member, one producer, and an owner for each partition it is given.

    poll -> offer records to their owners -> each owner advances -> poll ...

One thread does it all; while something is under way it looks every millisecond, else it waits for records.
"""

import math
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition

from bus.core.control import Registry
from bus.core.records import Record
from bus.core.topics import ARBITER, incoming
from bus.shell import kafka
from bus.shell.arbiter_stage import ArbiterStage
from bus.shell.broker_time import BrokerTime
from bus.shell.catalogue import built_in_contracts
from bus.shell.clock import Clock
from bus.shell.cluster import check_partitions, has_append_time, topic_ids
from bus.shell.control_log import ControlLog
from bus.shell.errors import RetryableError
from bus.shell.gate_stage import GateStage
from bus.shell.gather import Gatherer
from bus.shell.links import Links
from bus.shell.metrics import Metrics
from bus.shell.owner import Owner, Phase
from bus.shell.stage import Stage

BUSY_WAIT_S = 0.001
IDLE_WAIT_S = 0.05
RESTART_AFTER_S = 1.0
MISSING_AGAIN_S = 5.0  # a topic one broker of the cluster did not know yet
# Once lost, a partition is taken over again in seconds. Lost once more within this time, it is not well: a balancer
# must not take the moments between two losses for health.
SETTLED_AFTER_S = 30.0
STUCK_AFTER_S = 5.0  # a round takes milliseconds; one that takes this long asks a Kafka that does not answer
# Kafka says "created" before every broker knows of a topic: a change that names it may be faster than the news.
NEWS_WITHIN_S = 1.0

Place = tuple[str, int]

log = structlog.get_logger("bus.worker")


@dataclass(slots=True)
class Readiness:
    """What /readyz tells of a stage: partitions by phase, and the control number it stands at."""

    stage: str
    phases: dict[str, int] = field(default_factory=dict)
    control: int = -1
    has_joined: bool = False
    is_cut_off: bool = False  # its partitions were lost, and it has not heard of its group since
    is_losing: bool = False  # a partition is lost again and again
    round_s: float = math.inf  # when the last round ended, monotonic; infinite: there is no loop behind it

    @property
    def is_ready(self) -> bool:
        """Is it in its group, and is every partition it was given restored, running and not lost all the time?"""
        is_in = self.has_joined and not self.is_cut_off and time.monotonic() - self.round_s < STUCK_AFTER_S
        return is_in and not self.is_losing and self.control >= 0 and set(self.phases) <= {Phase.RUNNING.value}


class Losses:
    """When each partition stopped running, to tell one loss from a partition that is lost again and again."""

    def __init__(self) -> None:
        self._running: set[Place] = set()
        self._lost_s: dict[Place, float] = {}
        self._until_s = 0.0

    def look(self, phases: Mapping[Place, Phase], now_s: float) -> bool:
        """Take in where each partition stands now; True while one was lost twice shortly before ``now_s``."""
        for place, phase in phases.items():
            if phase is Phase.RUNNING:
                self._running.add(place)
            elif place in self._running:
                self._running.discard(place)
                if now_s - self._lost_s.get(place, now_s - SETTLED_AFTER_S) < SETTLED_AFTER_S:
                    self._until_s = now_s + SETTLED_AFTER_S
                self._lost_s[place] = now_s
        self._running &= phases.keys()  # given to another process: no loss
        return now_s < self._until_s


class Worker(ABC):
    """The loop that both stages share; `GateWorker` and `ArbiterWorker` say what to own and how."""

    stage_name = ""
    group = ""

    def __init__(self, config: kafka.ClientConfig, instance: str, metrics: Metrics) -> None:
        self._config = config
        self._instance = f"{instance}-{self.stage_name}" if instance else ""
        self._metrics = metrics
        self.readiness = Readiness(self.stage_name)
        self._losses = Losses()
        self._owners: dict[Place, Owner] = {}
        self._control_log = ControlLog(config, built_in_contracts())
        self._broker_time = BrokerTime()
        self._topics: list[str] = []
        self._topic_ids: dict[str, str] = {}
        self._missing: set[str] = set()
        self._looked_s = 0.0
        self._consumer: Consumer
        self._links: Links | None = None

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop; what fails is started again, what must not go on is raised.

        Raises `FatalError`, `NotInitialisedError`.
        """
        while not stop.is_set():
            try:
                self._open()
                self._loop(stop)
            except (RetryableError, KafkaException) as error:
                log.warning("stage_restarts", stage=self.stage_name, why=str(error))
                stop.wait(RESTART_AFTER_S)
            finally:
                self._close()

    @property
    def _linked(self) -> Links:
        assert self._links is not None, "the stage is not open"
        return self._links

    # ---- what a stage says of itself --------------------------------------------------------------------

    @abstractmethod
    def _wanted_topics(self) -> list[str]:
        """The input topics there are to own."""

    @abstractmethod
    def _make_stage(self, place: Place) -> Callable[[], Stage]:
        """What makes the stage of one partition, anew after each loss."""

    def _look(self) -> None:  # noqa: B027 a stage may have nothing more to do
        """What else is to be done in each round."""

    # ---- the loop -------------------------------------------------------------------------------------

    def _open(self) -> None:
        self._control_log.open()
        check_partitions(self._config, self._control_log.genesis)
        producer: Producer = kafka.producer(self._config)
        self._consumer = kafka.member(self._config, self.group, self._instance, on_commit=self._on_commit)
        marks = kafka.reader(self._config, f"{self.group}-published", on_commit=self._on_commit)
        self._links = Links(self._config, producer, self._consumer, marks, self._metrics, self._broker_time)
        self._topics, self._topic_ids, self._missing = [], {}, set()

    def _loop(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._follow_control()
            self._poll()
            now_s = time.monotonic()
            for owner in list(self._owners.values()):
                self._advance(owner, now_s)
            if self._linked.fatal:
                raise RetryableError(f"the producer failed: {self._linked.fatal}")
            self._look()
            self._tell()

    @staticmethod
    def _advance(owner: Owner, now_s: float) -> None:
        try:
            owner.advance(now_s)
        except Exception as error:
            # One bad record must not end the process: after the next take-over it is judged alone, then refused.
            log.exception("partition_failed", journal=owner.stage.journal, partition=owner.stage.partition)
            owner.restart(f"{type(error).__name__} in the stage", now_s)

    def _follow_control(self) -> None:
        self._control_log.poll()
        wanted = self._wanted_topics()
        is_new = not set(wanted) <= self._topic_ids.keys() | self._missing
        if is_new or (self._missing and time.monotonic() - self._looked_s > MISSING_AGAIN_S):
            self._looked_s = time.monotonic()
            self._topic_ids = topic_ids(self._config, wanted)
            self._missing = set(wanted) - self._topic_ids.keys()
            for missing in sorted(self._missing) if is_new else ():
                log.error("topic_missing", stage=self.stage_name, topic=missing, next="the others go on")
        there = sorted(self._topic_ids)
        # A static member that comes back is given what it had, and nobody looks at what it asks for: a lane set in the
        # meantime would be nobody's. Asking for one topic first and for all then makes the group look.
        self._subscribe(there if self.readiness.has_joined or not self._instance else there[:1])

    def _subscribe(self, topics: list[str]) -> None:
        if topics != self._topics:
            self._topics = topics
            self._consumer.subscribe(
                topics, on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
            )

    def _poll(self) -> None:
        owners = self._owners.values()
        is_busy = any(owner.is_busy for owner in owners)
        self._linked.producer.poll(BUSY_WAIT_S if is_busy else 0)
        self._linked.marks.poll(0)
        for message in kafka.fetch(self._consumer, 0 if is_busy else IDLE_WAIT_S):
            if error := message.error():
                self._on_error(error, (message.topic() or "", message.partition() or 0))
                continue
            owner = self._owners.get((message.topic() or "", message.partition() or 0))
            if owner is not None:
                owner.offer(kafka.record_of(message))

    def _on_commit(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        for p in partitions:
            if error is not None or p.error is not None:
                for owner in self._owners.values():
                    stage = owner.stage
                    if (p.topic, p.partition) in ((stage.topic, stage.partition), (stage.journal, stage.partition)):
                        owner.commit_again()

    def _on_error(self, error: KafkaError, place: Place) -> None:
        if error.fatal():
            raise RetryableError(f"the consumer failed: {error.str()}")
        if error.code() == KafkaError._AUTO_OFFSET_RESET and place in self._owners:
            self._owners[place].lose(f"the position is outside the log: {error.str()}")
        elif error.code() not in (KafkaError._PARTITION_EOF, KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT):
            log.warning("consumer_error", stage=self.stage_name, topic=place[0], why=error.str())

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        places = [TopicPartition(p.topic, p.partition, OFFSET_BEGINNING) for p in partitions]
        consumer.incremental_assign(places)
        if places:
            consumer.pause(places)
        for p in partitions:
            place = (p.topic, p.partition)
            if p.topic not in self._topic_ids:
                continue  # a static member is given back what it had, also a topic that was deleted since
            self._owners[place] = Owner(self._linked, self._make_stage(place), time.monotonic())
        self._tell_phases()  # before it says that it is in: what was just given is not restored yet
        self.readiness.has_joined, self.readiness.is_cut_off = True, False

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        for p in partitions:
            owner = self._owners.pop((p.topic, p.partition), None)
            if owner is not None:
                owner.stop()
        if partitions:
            consumer.incremental_unassign(partitions)

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._on_revoke(consumer, partitions)
        # A partition whose topic was deleted is lost as well, and the others go on.
        self.readiness.is_cut_off = not self._owners

    def _tell(self) -> None:
        self.readiness.round_s = time.monotonic()
        self.readiness.control = self._control_log.registry.number
        self._tell_phases()
        self._metrics.control(self.stage_name, self.readiness.control)

    def _tell_phases(self) -> None:
        at = {place: owner.phase for place, owner in self._owners.items()}
        self.readiness.is_losing = self._losses.look(at, time.monotonic())
        phases = Counter(owner.phase.value for owner in self._owners.values())
        if phases != self.readiness.phases:
            self.readiness.phases = dict(phases)
            self._metrics.owned(self.stage_name, {phase.value: phases[phase.value] for phase in Phase})

    def _close(self) -> None:
        for owner in self._owners.values():
            owner.stop()
        self._owners.clear()
        self.readiness.has_joined = False
        self._control_log.close()
        if self._links is not None:
            self._links.producer.flush(kafka.BRIEF_S)
            self._consumer.close()
            self._links.marks.close()
            self._links = None


class GateWorker(Worker):
    """Owns lanes."""

    stage_name = "gate"
    group = "bus-gate"

    def __init__(self, config: kafka.ClientConfig, instance: str, metrics: Metrics) -> None:
        super().__init__(config, instance, metrics)
        self._known_topics: set[str] = set()
        self._waited_until_s = 0.0

    def _wanted_topics(self) -> list[str]:
        return sorted(incoming(lane) for lane in self._control_log.registry.lanes_ever)

    def _make_stage(self, place: Place) -> Callable[[], Stage]:
        lane, topic_id = place[0].removeprefix(incoming("")), self._topic_ids[place[0]]
        gatherer = Gatherer(lane, self._topic_exists)

        def make() -> Stage:
            return GateStage(lane, topic_id, self._control_log, gatherer, self._metrics)

        return make

    def _topic_exists(self, topic: str) -> bool:
        """Is it known; a change waits for the news of its topics once, however many are missing."""
        now_s = time.monotonic()
        until_s = now_s if now_s < self._waited_until_s + NEWS_WITHIN_S else now_s + NEWS_WITHIN_S
        while topic not in self._known_topics:
            if self._is_fit(topic):
                self._known_topics.add(topic)
            elif time.monotonic() >= until_s:
                self._waited_until_s = time.monotonic()
                return False
            else:
                time.sleep(IDLE_WAIT_S)
        return True

    def _is_fit(self, topic: str) -> bool:
        """Is it there; and, if it is a lane's, as a lane's must be: one partition, with the broker's time on it?"""
        count = kafka.partition_counts(self._linked.producer).get(topic)
        if not topic.startswith("bus."):
            return count is not None
        return count == 1 and has_append_time(self._config, topic)


class ArbiterWorker(Worker):
    """Owns partitions of ``bus.arbiter``, and writes their ticks."""

    stage_name = "arbiter"
    group = "bus-arbiter"

    def __init__(self, config: kafka.ClientConfig, instance: str, metrics: Metrics) -> None:
        super().__init__(config, instance, metrics)
        self._clock: Clock | None = None

    def _wanted_topics(self) -> list[str]:
        return [ARBITER]

    def _open(self) -> None:
        super()._open()
        self._clock = Clock(self._config, self._broker_time, self._metrics)
        self._clock.start()

    def _make_stage(self, place: Place) -> Callable[[], Stage]:
        genesis, topic_id = self._control_log.genesis, self._topic_ids[ARBITER]

        def make() -> Stage:
            registry = Registry(genesis, built_in_contracts())
            return ArbiterStage(place[1], topic_id, registry, self._metrics, self._reads(place[1]))

        return make

    def _reads(self, partition: int) -> Callable[[list[int]], dict[int, Record]]:
        return lambda offsets: kafka.read_offsets(self._config, ARBITER, partition, offsets)

    def _look(self) -> None:
        assert self._clock is not None
        needs = {}
        for (_, p), owner in self._owners.items():
            if owner.phase is Phase.RUNNING and isinstance(owner.stage, ArbiterStage):
                deadline = owner.stage.state.next_deadline()
                if deadline is not None:
                    needs[p] = (deadline, owner.stage.next_offset, owner.stage.last_seen)
        self._clock.needs = needs

    def _close(self) -> None:
        if self._clock is not None:
            self._clock.stop()
            self._clock = None
        super()._close()
