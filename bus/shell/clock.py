"""The clock of a process: writes the ticks of the partitions it owns, stating times that the broker itself gave.

deadline due? -> a record appended late enough after it? -- no --> a first tick, which fires nothing
                              | yes
                              v
nothing unforwarded before it in any lane? -- no --> back off (100 ms to 1 s)
                              | yes
                              v
                           the tick

``now`` <= append time of the record at ``after`` - skew, and <= the append time of the first record that a gate
has not forwarded yet, in every lane that has not stalled. The local clock only decides when to look.
"""

from dataclasses import dataclass

import structlog
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from bus.core.log.records import canonical
from bus.core.log.topics import ARBITER, incoming
from bus.core.message.arrivals import tick_headers, tick_value
from bus.shell import kafka
from bus.shell.broker_time import BrokerTime
from bus.shell.catalogue import built_in_contracts
from bus.shell.control_log import ControlLog
from bus.shell.errors import BusError, RetryableError
from bus.shell.metrics import Metrics
from bus.shell.surroundings import Repetition, surroundings_of

LOOK_EVERY_S = 0.01
TICK_EVERY_S = 0.1  # at most ten a second and partition
BLOCKED_S = (0.1, 1.0)
RESTART_AFTER_S = 1.0
UNSEEN_AGAIN_S = 5.0  # a tick that nobody has judged for so long is taken for lost

log = structlog.get_logger("bus.clock")
Seen = tuple[int, int]  # offset and append time (ms)
Need = tuple[int, int, Seen | None]  # deadline (ms), next offset, newest record judged


@dataclass(slots=True)
class _Pace:
    """When a partition may be looked at again, and the offset of the last tick written there."""

    not_before_s: float = 0.0
    blocked_s: float = 0.0
    written: int = -1
    written_s: float = 0.0


class Clock:
    """Looks by itself; set ``needs`` (partition -> what is due) from outside. What fails is tried again."""

    def __init__(self, config: kafka.ClientConfig, broker_time: BrokerTime, metrics: Metrics) -> None:
        self.needs: dict[int, Need] = {}
        self._config = config
        self._broker_time = broker_time
        self._metrics = metrics
        self._around = surroundings_of(config)
        self._repetition: Repetition | None = None
        self._is_open = False
        self._paces: dict[int, _Pace] = {}
        self._first_times: dict[str, Seen] = {}
        self._producer: Producer
        self._admin: AdminClient
        self._gates: Consumer | None = None
        self._peek: Consumer | None = None
        self._control_log = ControlLog(config, built_in_contracts())

    def start(self) -> None:
        """Begin to look."""
        self._repetition = self._around.repeat("bus-clock", self._round, self._close)

    def stop(self) -> None:
        """End, and wait for the end."""
        if self._repetition is not None:
            self._repetition.stop(kafka.CALL_TIMEOUT_S)

    def _round(self) -> float:
        """Look once; after how many seconds to look again."""
        try:
            if not self._is_open:
                self._open()
                self._is_open = True
                return LOOK_EVERY_S
            self._producer.poll(0)
            needs = self.needs  # the worker replaces it at any time: one look a round
            if due := {p: need for p, need in needs.items() if self._is_due(p, need)}:
                self._look(due)
            return LOOK_EVERY_S
        except (BusError, KafkaException) as error:
            log.warning("clock_restarts", why=str(error))
        except Exception:  # a clock that died in silence would stop time for everybody
            log.exception("clock_failed")
        self._close()
        return RESTART_AFTER_S

    def _open(self) -> None:
        self._control_log.open()
        self._producer = kafka.producer(self._config)
        self._admin = kafka.admin(self._config)
        self._gates = kafka.reader(self._config, "bus-gate")
        self._peek = kafka.reader(self._config)

    def _close(self) -> None:
        self._control_log.close()
        for client in (self._gates, self._peek):
            if client is not None:
                client.close()
        self._gates = self._peek = None
        self._is_open = False

    def _is_due(self, p: int, need: Need) -> bool:
        deadline, next_offset, _ = need
        pace, now_s = self._paces.setdefault(p, _Pace()), self._around.now_s()
        if now_s < pace.not_before_s or self._broker_time.guess_ms() < deadline + self._control_log.genesis.skew_ms:
            return False
        # The tick before must have been judged.
        return pace.written < next_offset or now_s - pace.written_s >= UNSEEN_AGAIN_S

    def _look(self, needs: dict[int, Need]) -> None:
        """Write the ticks of these partitions; the lanes are asked once for all, after every ``after`` was appended."""
        skew_ms = self._control_log.genesis.skew_ms
        afters = {p: seen or self._append_time(p, next_offset - 1) for p, (_, next_offset, seen) in needs.items()}
        waiting = self._first_unforwarded()
        for p, (deadline, _, _) in needs.items():
            after, appended_ms = afters[p]
            now, stalled = self._now(appended_ms, waiting)
            pace, now_s = self._paces[p], self._around.now_s()
            if now >= deadline or appended_ms - skew_ms < deadline:
                pace.blocked_s = 0.0
                pace.not_before_s = now_s + TICK_EVERY_S
                self._write(p, after, now, stalled, pace)
            else:
                log.debug("blocked", partition=p, deadline=deadline, now=now, appended=appended_ms, waiting=waiting)
                pace.blocked_s = min(max(pace.blocked_s * 2, BLOCKED_S[0]), BLOCKED_S[1])
                pace.not_before_s = now_s + pace.blocked_s

    def _now(self, appended_ms: int, waiting: dict[str, int]) -> tuple[int, tuple[str, ...]]:
        """The latest time a tick may state, and the lanes left out because they have stalled."""
        genesis = self._control_log.genesis
        stalled = tuple(lane for lane, ms in waiting.items() if appended_ms - ms > genesis.lane_stall_ms)
        held_back = [ms for lane, ms in waiting.items() if lane not in stalled]
        return max(0, min([appended_ms - genesis.skew_ms, *held_back])), stalled

    def _write(self, p: int, after: int, now: int, stalled: tuple[str, ...], pace: _Pace) -> None:
        written: list[tuple[int, int]] = []
        value = canonical(tick_value(after=after, now=now, stalled=stalled))

        def on_delivery(error: object, message: object) -> None:
            if error is None:
                written.append((message.offset(), message.timestamp()[1]))  # type: ignore[attr-defined]  # the client's own type

        self._producer.produce(ARBITER, value=value, partition=p, headers=list(tick_headers()), on_delivery=on_delivery)
        self._producer.flush(kafka.CALL_TIMEOUT_S)
        if not written:
            raise RetryableError("a tick was not acknowledged")
        pace.written, pace.written_s = written[0][0], self._around.now_s()
        self._broker_time.learn(written[0][1])
        self._metrics.ticked(stalled)

    def _first_unforwarded(self) -> dict[str, int]:
        """The append time (ms) of the first record no gate has forwarded yet, of each lane that has one."""
        assert self._gates is not None
        self._control_log.catch_up()
        places = [(incoming(lane), 0) for lane in sorted(self._control_log.registry.lanes_ever)]
        # A gate commits only what it has forwarded, so its position is read before the ends: never ahead of them.
        positions = kafka.committed(self._gates, places)
        ends = kafka.next_offsets(self._admin, places)
        behind = {place: position for place, position in positions.items() if position < ends.get(place, 0)}
        times = {topic.removeprefix(incoming("")): self._first_time(topic, at) for (topic, _), at in behind.items()}
        return {lane: ms for lane, ms in times.items() if ms is not None}

    def _first_time(self, topic: str, position: int) -> int | None:
        known = self._first_times.get(topic)
        if known is not None and known[0] == position:
            return known[1]
        found = self._read_time(topic, 0, position)
        if found is not None:
            self._first_times[topic] = (position, found)
        return found

    def _append_time(self, p: int, offset: int) -> Seen:
        # A record that is gone says no time: a first tick, which fires nothing, will.
        return offset, (self._read_time(ARBITER, p, offset) or 0) if offset >= 0 else 0

    def _read_time(self, topic: str, partition: int, offset: int) -> int | None:
        assert self._peek is not None
        first, _ = kafka.ends(self._peek, topic, partition)
        self._peek.assign([TopicPartition(topic, partition, max(offset, first))])
        try:
            message = self._peek.poll(kafka.CALL_TIMEOUT_S)
        finally:
            self._peek.unassign()  # else the broker would answer the next question only after a fetch
        if message is not None and kafka.is_end(message):
            return None  # a transaction's marker is the last thing there: it takes an offset and is no record
        if message is None or message.error() is not None:
            raise RetryableError(f"{topic}/{partition} gave nothing at offset {offset}")
        return int(message.timestamp()[1])
