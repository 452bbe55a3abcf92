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

import threading
import time
from dataclasses import dataclass

import structlog
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from bus.core.arrivals import tick_headers, tick_value
from bus.core.records import canonical
from bus.core.topics import ARBITER, incoming
from bus.shell import kafka
from bus.shell.broker_time import BrokerTime
from bus.shell.catalogue import built_in_contracts
from bus.shell.control_log import ControlLog
from bus.shell.errors import BusError, RetryableError
from bus.shell.metrics import Metrics

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
    """A thread; set ``needs`` (partition -> what is due) from outside. What fails is tried again."""

    def __init__(self, config: kafka.ClientConfig, broker_time: BrokerTime, metrics: Metrics) -> None:
        self.needs: dict[int, Need] = {}
        self._config = config
        self._broker_time = broker_time
        self._metrics = metrics
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bus-clock", daemon=True)
        self._paces: dict[int, _Pace] = {}
        self._first_times: dict[str, Seen] = {}
        self._producer: Producer
        self._gates: Consumer | None = None
        self._peek: Consumer | None = None
        self._control_log = ControlLog(config, built_in_contracts())

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the end."""
        self._stop.set()
        self._thread.join(kafka.CALL_TIMEOUT_S)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._open()
                while not self._stop.wait(LOOK_EVERY_S):
                    self._producer.poll(0)
                    for p, need in list(self.needs.items()):
                        self._look(p, need)
            except (BusError, KafkaException) as error:
                log.warning("clock_restarts", why=str(error))
                self._stop.wait(RESTART_AFTER_S)
            finally:
                self._close()

    def _open(self) -> None:
        self._control_log.open()
        self._producer = kafka.producer(self._config)
        self._gates = kafka.reader(self._config, "bus-gate")
        self._peek = kafka.reader(self._config)

    def _close(self) -> None:
        self._control_log.close()
        for client in (self._gates, self._peek):
            if client is not None:
                client.close()
        self._gates = self._peek = None

    def _look(self, p: int, need: Need) -> None:
        deadline, next_offset, seen = need
        pace, now_s = self._paces.setdefault(p, _Pace()), time.monotonic()
        skew_ms = self._control_log.genesis.skew_ms
        if now_s < pace.not_before_s or self._broker_time.guess_ms() < deadline + skew_ms:
            return
        if pace.written >= next_offset and now_s - pace.written_s < UNSEEN_AGAIN_S:
            return  # the tick before has not been judged yet
        after, appended_ms = seen if seen is not None else self._append_time(p, next_offset - 1)
        now, stalled = self._bound(appended_ms - skew_ms, appended_ms)
        if now >= deadline or appended_ms - skew_ms < deadline:
            pace.blocked_s = 0.0
            pace.not_before_s = now_s + TICK_EVERY_S
            self._write(p, after, now, stalled, pace)
        else:
            pace.blocked_s = min(max(pace.blocked_s * 2, BLOCKED_S[0]), BLOCKED_S[1])
            pace.not_before_s = now_s + pace.blocked_s

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
        pace.written, pace.written_s = written[0][0], time.monotonic()
        self._broker_time.learn(written[0][1])
        self._metrics.ticked(stalled)

    def _bound(self, now: int, appended_ms: int) -> tuple[int, tuple[str, ...]]:
        """``now`` cut to the first record no gate has forwarded yet; and the lanes left out because they stalled."""
        assert self._gates is not None
        assert self._peek is not None
        self._control_log.catch_up()
        lanes = sorted(self._control_log.registry.lanes_ever)
        forwarded = kafka.committed(self._gates, [(incoming(lane), 0) for lane in lanes])
        stalled = []
        for lane in lanes:
            first, end = kafka.ends(self._peek, incoming(lane), 0)
            position = max(forwarded[incoming(lane), 0], first)
            if position >= end:
                continue
            waiting_ms = self._first_time(lane, position)
            if appended_ms - waiting_ms > self._control_log.genesis.lane_stall_ms:
                stalled.append(lane)
            else:
                now = min(now, waiting_ms)
        return now, tuple(stalled)

    def _first_time(self, lane: str, position: int) -> int:
        known = self._first_times.get(lane)
        if known is None or known[0] != position:
            self._first_times[lane] = known = (position, self._read_time(incoming(lane), 0, position))
        return known[1]

    def _append_time(self, p: int, offset: int) -> Seen:
        return offset, self._read_time(ARBITER, p, offset)

    def _read_time(self, topic: str, partition: int, offset: int) -> int:
        assert self._peek is not None
        self._peek.assign([TopicPartition(topic, partition, offset)])
        for message in self._peek.consume(1, kafka.CALL_TIMEOUT_S):
            if message.error() is None:
                return int(message.timestamp()[1])
        raise RetryableError(f"{topic}/{partition} gave nothing at offset {offset}")
