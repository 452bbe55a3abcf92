"""A stage at work: one consumer-group member, one producer, and an owner for each partition it is given.

    poll -> offer records to their owners -> each owner advances -> poll ...

One thread does it all; while something is under way it looks every millisecond, else it waits for records. What need
not be so quick has a beat of its own: control, commits, partitions where nothing is under way, what the stage tells.
"""

import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable

import structlog
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from bus.core.log.topics import CONTROL
from bus.shell import kafka
from bus.shell.broker_time import BrokerTime
from bus.shell.catalogue import built_in_contracts
from bus.shell.cluster import check_partitions, topic_ids
from bus.shell.control_log import ControlLog
from bus.shell.errors import FencedError, NotPermittedError, RetryableError
from bus.shell.links import Links, open_snapshots
from bus.shell.metrics import Metrics
from bus.shell.options import AS_EVER, Options
from bus.shell.owner import Owner
from bus.shell.phase import Phase
from bus.shell.readiness import SETTLED_AFTER_S, Losses, Place, Readiness
from bus.shell.stage import Stage
from bus.shell.surroundings import surroundings_of
from bus.shell.watchdog import Judging

BUSY_WAIT_S = 0.001
IDLE_WAIT_S = 0.05
BEAT_S = 0.02
RESTART_AFTER_S = 1.0
MISSING_AGAIN_S = 5.0  # a topic one broker of the cluster did not know yet
RESTART_AFTER_MAX_S = 16.0  # what is refused seldom changes: it is asked for less and less often
TOLD_EVERY_S = 30.0  # how often the log says the same refusal
STILL_REFUSED_S = 5.0  # a refusal older than this may be over
GONE = "`agentbus topics plan` says what to do"

log = structlog.get_logger("bus.worker")


class Worker(ABC):
    """The loop that both stages share; `GateWorker` and `ArbiterWorker` say what to own and how."""

    stage_name = ""
    group = ""

    def __init__(self, config: kafka.ClientConfig, instance: str, metrics: Metrics, options: Options = AS_EVER) -> None:
        self._config = config
        self._options = options
        self._accepted_gaps = set(options.accepted_gaps)
        self.judging = Judging()
        self._instance = f"{instance}-{self.stage_name}" if instance else ""
        self._metrics = metrics
        self.readiness = Readiness(self.stage_name)
        self._losses = Losses()
        self._owners: dict[Place, Owner] = {}
        self._control_log = ControlLog(config, built_in_contracts())
        self._around = surroundings_of(config)
        self._broker_time = BrokerTime(self._around)
        self._topics: list[str] = []
        self._topic_ids: dict[str, str] = {}
        self._missing: set[str] = set()
        self._looked_s = 0.0
        self._beat_s = 0.0
        self._restart_after_s = RESTART_AFTER_S
        self._told: dict[str, float] = {}  # what was refused -> when the log said so last
        self._consumer: Consumer
        self._links: Links | None = None

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop; what fails is started again, what must not go on is raised.

        Raises `FatalError`, `NotInitialisedError`.
        """
        while not stop.is_set():
            began_s = self._around.now_s()
            try:
                self.open()
                while not stop.is_set():
                    self.round()
            except (FencedError, NotPermittedError) as error:
                is_again = self._around.now_s() - began_s < SETTLED_AFTER_S
                self._restart_after_s = min(self._restart_after_s * 2, RESTART_AFTER_MAX_S) if is_again else 1.0
                self._refuse(error)
            except (RetryableError, KafkaException) as error:
                self._restart_after_s = RESTART_AFTER_S
                log.warning("stage_restarts", stage=self.stage_name, why=str(error))
            finally:
                self.close()
            stop.wait(self._restart_after_s)

    def _refuse(self, error: FencedError | NotPermittedError) -> None:
        """Kafka does not let it work: it is not ready, and the log says so now and then."""
        now_s = self._around.now_s()
        self.readiness.refused_s = now_s
        kind = type(error).__name__  # not the text: Kafka's own words differ from try to try
        if now_s - self._told.get(kind, -TOLD_EVERY_S) >= TOLD_EVERY_S:
            self._told[kind] = now_s
            log.error("stage_refused", stage=self.stage_name, why=error.message, next=error.next_step)

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

    def open(self) -> None:
        """Connect; raises `BusError`."""
        self._control_log.open()
        check_partitions(self._config, self._control_log.genesis)
        self._consumer = kafka.member(self._config, self.group, self._instance, on_commit=self._on_commit)
        marks = kafka.reader(self._config, f"{self.group}-published", on_commit=self._on_commit)
        self._links = Links(
            *(self._config, kafka.producer(self._config), self._consumer, marks, self._metrics, self._broker_time),
            *open_snapshots(self._config, self._metrics, self._options.rhythm),
            accepted_gaps=self._accepted_gaps,
            judging=self.judging,
        )
        self._topics, self._topic_ids, self._missing = [], {}, set()
        self._beat_s = 0.0

    def round(self) -> None:
        """Do what can be done now; raises as `run` notes it, after which `close` and `open` begin anew."""
        is_beat = self._around.now_s() >= self._beat_s
        if is_beat:
            self._follow_control()
        self._poll()
        now_s = self._around.now_s()
        for owner in list(self._owners.values()):
            if is_beat or owner.is_busy:
                self._advance(owner, now_s)
        if self._linked.fatal:
            raise RetryableError(f"the producer failed: {self._linked.fatal}")
        self._look()
        if is_beat:
            self._beat_s = now_s + BEAT_S
            self._commit(now_s)
            self._look_for_refusals(now_s)
            self._tell()

    def _commit(self, now_s: float) -> None:
        """Commit what has moved, for all partitions in one request for the positions and one for the marks."""
        moved = [found for owner in self._owners.values() if (found := owner.to_commit(now_s))]
        if moved:
            positions, marks = zip(*moved, strict=True)
            self._linked.marks.commit(offsets=list(marks), asynchronous=True)
            self._linked.consumer.commit(offsets=list(positions), asynchronous=True)
        self._linked.marks.poll(0)

    def _look_for_refusals(self, now_s: float) -> None:
        """One lane without its ACL, or a password that is changed, ends nothing: the others go on, and it is said."""
        if self._linked.refused is not None:
            self._refuse(self._linked.refused)
            self._linked.refused = None
        if refusal := kafka.login_refusal(now_s - STILL_REFUSED_S, self._config["bootstrap.servers"]):
            self._refuse(refusal)

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
        if is_new or (self._missing and self._around.now_s() - self._looked_s > MISSING_AGAIN_S):
            self._looked_s = self._around.now_s()
            self._topic_ids = topic_ids(self._config, wanted)
            self._missing = set(wanted) - self._topic_ids.keys()
            for missing in sorted(self._missing) if is_new else ():
                log.error("topic_missing", stage=self.stage_name, topic=missing, next=f"{GONE}; the others go on")
        there = sorted(self._topic_ids)
        # A static member that comes back is given what it had, and nobody looks at the group: a lane set meanwhile, a
        # partition it had given up when it died, would be nobody's. To ask for less once it is in makes them look.
        self._subscribe(there if self.readiness.has_joined or not self._instance else [*there, CONTROL])

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
        if kafka.is_fenced(error):
            raise kafka.fenced(self._instance.removesuffix(f"-{self.stage_name}"))
        if error.fatal():
            raise RetryableError(f"the consumer failed: {error.str()}")
        if error.code() in kafka.NOT_ALLOWED:
            self._refuse(kafka.not_allowed(place[0] or f"the group {self.group}", error))
        elif error.code() == KafkaError._AUTO_OFFSET_RESET and place in self._owners:
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
                continue  # what it asked for to join, or what it had before and was deleted since
            self._owners[place] = Owner(self._linked, self._make_stage(place), self._around.now_s())
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
        self.readiness.round_s = self._around.now_s()
        self.readiness.control = self._control_log.registry.number
        self._tell_phases()
        self._metrics.control(self.stage_name, self.readiness.control)

    def _tell_phases(self) -> None:
        at = {place: owner.phase for place, owner in self._owners.items()}
        self.readiness.is_losing = self._losses.look(at, self._around.now_s())
        phases = Counter(owner.phase.value for owner in self._owners.values())
        if phases != self.readiness.phases:
            self.readiness.phases = dict(phases)
            self._metrics.owned(self.stage_name, {phase.value: phases[phase.value] for phase in Phase})

    def close(self) -> None:
        """Give everything up, whatever state it is in."""
        for owner in self._owners.values():
            owner.stop()
        self._owners.clear()
        self.readiness.has_joined = False
        self._control_log.close()
        if self._links is not None:
            self._links.producer.flush(kafka.BRIEF_S)
            self._consumer.close()
            self._links.marks.close()
            self._links.close()
            self._links = None
