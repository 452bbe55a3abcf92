"""How an agent talks to the bus with a stock Kafka client: it writes one topic, reads another, and needs nothing else.

    says       -> bus.in.<lane>      its envelope in the headers, its body as JSON
    is answered <- bus.out.<lane>    the bus's decisions about it
    reads      <- bus.outcomes       what became public, if it cares
    reads      <- leads, logistics … what was admitted; nothing unchecked ever stands there

Used by every agent of the demo. It is an example: nothing here imports the bus.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Message, Producer, TopicPartition

Json = dict[str, Any]  # Any: JSON
Settings = dict[str, str | int | float | bool]

LOOK_S = 0.02  # how soon something new is seen
FLUSH_S = 5.0
METADATA_S = 10.0


@dataclass(frozen=True, slots=True)
class Heard:
    """Something an agent reacts to: an answer, a public event, a record of a governed topic, a task, or a pause."""

    topic: str
    kind: str
    body: Json
    headers: dict[str, str] = field(default_factory=dict)


class Talk:
    """One agent's connection: `say` and `listen`."""

    def __init__(self, bootstrap: str, agent: str, lane: str, *, also_read: tuple[str, ...] = ()) -> None:
        self.agent, self.lane = agent, lane
        shared: Settings = {"bootstrap.servers": bootstrap, "log_level": 2}
        self._producer = Producer({**shared, "enable.idempotence": True, "linger.ms": 0})
        # Governed topics are written in transactions; read_committed shows only what is final there.
        reading: Settings = {"group.id": f"agent-{lane}", "enable.auto.commit": False, "fetch.wait.max.ms": 50}
        self._consumer = Consumer({**shared, **reading, "isolation.level": "read_committed"})
        self._chain = Chain()
        self._began_at: dict[tuple[str, int], int] = {}
        self._tasks: queue.Queue[str] = queue.Queue()
        self._read_from_now((f"bus.out.{lane}", *also_read))

    def say(self, message_type: str, body: Json, *, subject: str = "", token: int | None = None) -> str:
        """Send a message; returns its id, which comes back in the answer."""
        headers = {
            "ce_specversion": "1.0",
            "ce_id": uuid.uuid4().hex,
            "ce_source": self.agent,
            "ce_type": message_type,
            "ce_time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "content-type": "application/json",
        }
        if subject:
            headers["ce_subject"] = subject
        if token is not None:
            headers["ce_bustoken"] = str(token)
        pairs: list[tuple[str, str | bytes | None]] = list(headers.items())
        self._producer.produce(f"bus.in.{self.lane}", value=json.dumps(body).encode(), headers=pairs)
        self._producer.poll(0)
        return headers["ce_id"]

    def listen(self) -> Iterator[Heard]:
        """Everything that concerns this agent from now on, and a `pause` when there was nothing for a moment.

        Ends when standard input ends, for that is where its tasks come from.
        """
        threading.Thread(target=self._read_tasks, daemon=True).start()
        while True:
            try:
                task = self._tasks.get_nowait()
            except queue.Empty:
                yield from self._hear()
                continue
            if not task:
                self.close()
                return
            body = json.loads(task)
            yield Heard("", body["do"], body)

    def close(self) -> None:
        """Send what is still to be sent, and leave."""
        self._producer.flush(FLUSH_S)
        self._consumer.close()

    def _hear(self) -> Iterator[Heard]:
        message = self._consumer.poll(LOOK_S)
        if message is None:
            yield Heard("", "pause", {})
        elif message.error() is None and self._is_new(message):
            headers = headers_of(message)
            body = json.loads(message.value() or b"{}")
            topic = str(message.topic())
            if topic != f"bus.out.{self.lane}" or [self.lane, self.agent] in body["to"]:
                yield Heard(topic, str(body.get("kind", headers.get("ce_type", ""))), body, headers)

    def _is_new(self, message: Message) -> bool:
        """Is this neither a repeat nor older than this agent?"""
        place = (str(message.topic()), int(message.partition() or 0))
        is_history = int(message.offset() or 0) < self._began_at[place]
        return self._chain.continues(place, headers_of(message), is_history=is_history) and not is_history

    def _read_from_now(self, topics: tuple[str, ...]) -> None:
        for topic in topics:
            for partition in self._consumer.list_topics(topic, timeout=METADATA_S).topics[topic].partitions:
                self._began_at[topic, partition] = self._end_of(TopicPartition(topic, partition))
        # From the beginning, so that the chain of answers is known when the first new one comes.
        self._consumer.assign([TopicPartition(*place, OFFSET_BEGINNING) for place in self._began_at])

    def _end_of(self, partition: TopicPartition) -> int:
        until_s = time.monotonic() + METADATA_S
        while True:
            try:
                _, end = self._consumer.get_watermark_offsets(partition, timeout=METADATA_S)
            except KafkaException:  # a topic that was made a moment ago may still look for its leader
                if time.monotonic() > until_s:
                    raise
                time.sleep(LOOK_S)
            else:
                return int(end)

    def _read_tasks(self) -> None:
        for line in sys.stdin:
            self._tasks.put(line)
        self._tasks.put("")


class Chain:
    """Tells what is new from what the bus sends again after a restart: each record names the one before it."""

    def __init__(self) -> None:
        self._last: dict[tuple[tuple[str, int], str], tuple[int, ...]] = {}

    def continues(self, place: tuple[str, int], headers: dict[str, str], *, is_history: bool = False) -> bool:
        """Is this record the next of its source at this place (topic, partition)? Topics without a chain always are."""
        source = headers.get("bus-from")
        if source is None:
            return True
        last = self._last.get((place, source), ())
        this, before = _numbers(headers["bus-decision"]), _numbers(headers["bus-prev"])
        # A repeat is not newer; a gap does not follow, and the bus will send again in order. Only in what was there
        # before the reader (where the oldest may be gone by now) it takes up the thread where it finds it.
        if this > last and (before == last or (is_history and before > last)):
            self._last[place, source] = this
            return True
        return False


def headers_of(message: Message) -> dict[str, str]:
    """The headers by name; of two with one name the last, which is the bus's own."""
    pairs = cast("list[tuple[str, bytes | None]]", message.headers() or [])
    return {name: (value or b"").decode() for name, value in pairs}


def start_talking(*also_read: str) -> Talk:
    """The agent that the command line names: BOOTSTRAP AGENT LANE."""
    bootstrap, agent, lane = sys.argv[1:]
    talk = Talk(bootstrap, agent, lane, also_read=also_read)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    return talk


def _numbers(identifier: str) -> tuple[int, ...]:
    """`1.3.8841.0`, or a lane's `sales.512`, as numbers that compare."""
    return tuple(int(part) for part in identifier.split(".") if part.isdigit())
