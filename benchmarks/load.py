"""An open loop: messages leave on a fixed schedule; the latency of each counts from when it was due, not when it left.

So a bus that stands still makes every message behind it late, as it does for real agents, and a sender that comes too
late hides nothing. Sender and reader are stock clients, in processes of their own.
"""

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.queues import Queue
from queue import Empty

from confluent_kafka import Consumer, Message, Producer, TopicPartition

from benchmarks import traffic
from benchmarks.report import Json, StalledError
from benchmarks.world import LOOK_S, World
from bus.shell import kafka

WARM_S = 3.0  # not counted
AHEAD_S = 1.5  # until the first message is due: the sender's process starts meanwhile
DRAIN_S = 30.0  # what has not come so long after the last was due is not waited for
SATURATED_BELOW = 0.98  # of the offered rate
STOCK_SENDER = {"linger.ms": 0, "log_level": 0}
STOCK_READER = {
    "log_level": 0,
    "group.id": "bench-latency",
    "auto.offset.reset": "earliest",
    "enable.auto.commit": False,
}
MAKERS: dict[str, Callable[[str, str], traffic.Message]] = {"claim": traffic.claim, "note": traffic.note}


@dataclass(frozen=True, slots=True)
class Schedule:
    """Message ``n`` of ``run`` is due at a time of the clock that all processes of the machine share."""

    run: str
    start_s: float
    rate: float
    count: int

    def due_s(self, n: int) -> float:
        """When it should leave."""
        return self.start_s + n / self.rate


@dataclass(frozen=True, slots=True)
class Course:
    """What is sent (``make``), to ``topic`` or to the lanes, and where its end is seen."""

    make: str
    outputs: tuple[str, ...]
    name_of: Callable[[Message], str]
    topic: str = ""
    isolation: str = "read_uncommitted"


@dataclass(slots=True)
class Seen:
    """When the end of each message was seen, the first time."""

    latencies_ms: dict[int, float] = field(default_factory=dict)
    last_s: float = 0.0

    def note(self, schedule: Schedule, n: int, now_s: float) -> None:
        """Message ``n`` was seen now."""
        if n not in self.latencies_ms:
            self.latencies_ms[n] = (now_s - schedule.due_s(n)) * 1000
            self.last_s = max(self.last_s, now_s)


def drive(made: World, course: Course, run: str, rate: float, seconds: float) -> Json:
    """Send at this rate for so long; the latencies, and whether it kept up. Raises `StalledError` if nothing came."""
    reader = Consumer({**made.config, **STOCK_READER, "isolation.level": course.isolation})
    reader.assign([TopicPartition(*place, offset) for place, offset in made.ends(course.outputs).items()])
    reader.poll(LOOK_S * 10)
    schedule = Schedule(run, time.monotonic() + AHEAD_S, rate, int(rate * (WARM_S + seconds)))
    spawn = multiprocessing.get_context("spawn")
    lateness: Queue[list[float]] = spawn.Queue()
    arguments = (made.config, course.make, made.lanes, course.topic, schedule, lateness)
    sender = spawn.Process(target=send_on_time, args=arguments, daemon=True)
    sender.start()
    try:
        seen = _listen(reader, course, schedule)
        late_ms = lateness.get(timeout=DRAIN_S)
    except Empty:
        raise StalledError(f"the sender of {run} did not come to its end") from None
    finally:
        reader.close()
        sender.terminate()
        sender.join()
    return summary(schedule, seen, late_ms)


def send_on_time(
    config: dict[str, str], make: str, lanes: list[str], topic: str, schedule: Schedule, lateness: "Queue[list[float]]"
) -> None:
    """The sender's process: each message as soon as it is due; it tells how late it was itself (ms: median, 99 %)."""
    producer, late_ms = Producer({**config, **STOCK_SENDER}), []
    maker = MAKERS[make]
    producer.list_topics(timeout=kafka.CALL_TIMEOUT_S)
    for n in range(schedule.count):
        due_s = schedule.due_s(n)
        while (left_s := due_s - time.monotonic()) > 0:
            producer.poll(0)
            time.sleep(min(left_s, 0.005))
        one = maker(lanes[n % len(lanes)], f"{schedule.run}-{n}")
        producer.produce(topic or one.topic, value=one.value, headers=one.headers)
        late_ms.append((time.monotonic() - due_s) * 1000)
        producer.poll(0)
    producer.flush(DRAIN_S)
    late_ms.sort()
    lateness.put([percentile(late_ms, 0.5), percentile(late_ms, 0.99)])


def _listen(reader: Consumer, course: Course, schedule: Schedule) -> Seen:
    """Note when each message's end was seen, the first time."""
    seen, until_s = Seen(), schedule.due_s(schedule.count) + DRAIN_S
    while len(seen.latencies_ms) < schedule.count and time.monotonic() < until_s:
        messages = kafka.fetch(reader, LOOK_S)
        now_s = time.monotonic()
        for message in messages:
            run, _, number = ("", "", "") if message.error() else course.name_of(message).rpartition("-")
            if run == schedule.run:
                seen.note(schedule, int(number), now_s)
    return seen


def summary(schedule: Schedule, seen: Seen, late_ms: list[float]) -> Json:
    """The figures of one rate; ``late_ms`` is how late the sender was itself, median and 99 %."""
    warm = int(schedule.rate * WARM_S)
    counted = sorted(ms for n, ms in seen.latencies_ms.items() if n >= warm)
    if not counted:
        raise StalledError(f"not one message of {schedule.run} came out")
    achieved = len(counted) / (seen.last_s - schedule.due_s(warm))
    unseen = schedule.count - len(seen.latencies_ms)
    told = {f"p{percent}_ms": round(percentile(counted, percent / 100), 2) for percent in (50, 95, 99)}
    return {
        "offered_per_s": schedule.rate,
        "achieved_per_s": round(min(achieved, schedule.rate), 1),
        "messages": len(counted),
        "unseen": unseen,
        **told,
        "max_ms": round(counted[-1], 2),
        "sender_late_ms": {"p50": round(late_ms[0], 2), "p99": round(late_ms[1], 2)},
        "is_saturated": bool(unseen) or achieved < SATURATED_BELOW * schedule.rate,
    }


def percentile(ordered: list[float], share: float) -> float:
    """The value that this share does not exceed."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
