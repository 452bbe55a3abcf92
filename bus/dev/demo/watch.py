"""What really happens: reads every lane, answer, outcome and governed topic of the bus, and puts together what belongs.

    a message on bus.in.<lane>  +  its answer (a gate's on bus.out.<lane>, the arbiter's on bus.outcomes)
                                +  for what is admitted, the record on the governed topic   =  an exchange

The narrator tells, and the demo judges, nothing but what this file has read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, cast

from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from bus.dev.demo.talk import METADATA_S, Chain, Json, Settings, headers_of

AT_ONCE = 200
IN_FORCE = ("control_set", "agent_status")  # each partition of the arbiter says so of itself; the gate has answered
ROUNDS = 3  # a message, its answer and its arrival, read in the worst order


@dataclass(slots=True)
class Exchange:
    """Who said what, what the bus answered, and what of it arrived where."""

    src: str
    at_ms: int
    who: str
    lane: str
    type: str
    subject: str
    token: int | None
    body: Json
    value: bytes
    answer: Json | None = None
    answered_ms: int = 0
    arrived_on: str = ""
    arrivals: int = 0
    is_same: bool = False
    is_told: bool = False

    @property
    def kind(self) -> str:
        """What the bus made of it, "" as long as it has not answered."""
        return str(self.answer["kind"]) if self.answer else ""

    @property
    def reason(self) -> str:
        """Why it was refused, denied or ended."""
        return str(self.answer.get("reason", "")) if self.answer else ""

    @property
    def is_complete(self) -> bool:
        """Is it answered, and has what was admitted arrived?"""
        return self.answer is not None and (self.kind != "action_admitted" or bool(self.arrived_on))


@dataclass(frozen=True, slots=True)
class Event:
    """Something the arbiter decided that answers no message: a deadline, a suspension in force."""

    partition: int
    answered_ms: int
    body: Json

    @property
    def kind(self) -> str:
        """What happened."""
        return str(self.body["kind"])


@dataclass(slots=True)
class Watch:
    """Everything seen so far; `look` reads on."""

    bootstrap: str
    lanes: tuple[str, ...]
    governed: tuple[str, ...]
    exchanges: dict[str, Exchange] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    gate_control: dict[str, int] = field(default_factory=dict)
    _consumers: list[Consumer] = field(default_factory=list)
    _chain: Chain = field(default_factory=Chain)
    _waiting: list[Message] = field(default_factory=list)
    _decisions: dict[str, str] = field(default_factory=dict)

    def open(self) -> None:
        """Begin to read everything from the beginning."""
        own = [f"bus.{kind}.{lane}" for lane in self.lanes for kind in ("in", "out", "gate")]
        for topics, isolation in (([*own, "bus.outcomes"], "read_uncommitted"), (self.governed, "read_committed")):
            settings: Settings = {
                "bootstrap.servers": self.bootstrap,
                "group.id": "demo-narrator",
                "enable.auto.commit": False,
                "isolation.level": isolation,
                "fetch.wait.max.ms": 20,
                "log_level": 2,
            }
            consumer = Consumer(settings)
            there = consumer.list_topics(timeout=METADATA_S).topics
            consumer.assign([TopicPartition(t, p, OFFSET_BEGINNING) for t in topics for p in there[t].partitions])
            self._consumers.append(consumer)

    def close(self) -> None:
        """Stop reading."""
        for consumer in self._consumers:
            consumer.close()
        self._consumers.clear()

    def look(self, wait_s: float) -> None:
        """Read what has come, and put it together."""
        for consumer in self._consumers:
            for message in consumer.consume(AT_ONCE, wait_s / len(self._consumers)):
                if message.error() is None and self._is_new(message):
                    self._waiting.append(message)
        # Topics are read side by side: an answer may be here before the message it answers, and then waits for it.
        for _ in range(ROUNDS):
            self._waiting = [message for message in self._waiting if not self._place(message)]

    def all_complete(self) -> bool:
        """Has every message its answer, and everything admitted arrived?"""
        return not self._waiting and all(exchange.is_complete for exchange in self.exchanges.values())

    def _is_new(self, message: Message) -> bool:
        place = (str(message.topic()), int(message.partition() or 0))
        return self._chain.continues(place, headers_of(message)) if place[0].startswith("bus.") else True

    def _place(self, message: Message) -> bool:
        """Put one record where it belongs; False if what it belongs to has not been read yet."""
        topic, kind = str(message.topic()), str(message.topic()).split(".")[1:2]
        if kind == ["in"]:
            return self._said(message)
        if kind == ["gate"]:
            lane = topic.rpartition(".")[2]
            self.gate_control[lane] = int(_json(message).get("control", self.gate_control.get(lane, -1)))
            return True
        if kind == ["out"] and headers_of(message)["bus-from"] != topic.rpartition(".")[2]:
            return True  # the arbiter's, which is read from bus.outcomes
        return self._answered(message) if kind else self._arrived(message)

    def _said(self, message: Message) -> bool:
        headers, lane = headers_of(message), str(message.topic()).rpartition(".")[2]
        src = f"{message.topic()}/{message.partition()}/{message.offset()}"
        token = headers.get("ce_bustoken")
        self.exchanges[src] = Exchange(
            src=src,
            at_ms=message.timestamp()[1],
            who=headers["ce_source"].rpartition("/")[2],
            lane=lane,
            type=headers["ce_type"],
            subject=headers.get("ce_subject", ""),
            token=int(token) if token is not None else None,
            body=_json(message),
            value=message.value() or b"",
        )
        return True

    def _answered(self, message: Message) -> bool:
        body = _json(message)
        src = str(body.get("src", ""))
        is_answer = bool(src) and not (message.topic() == "bus.outcomes" and body["kind"] in IN_FORCE)
        needed = src if is_answer else str(body.get("cause", ""))
        if is_answer and src not in self.exchanges:
            return False
        if not is_answer and needed and needed not in self._decisions:
            return False
        self._decisions[str(body["decision"])] = src
        if not is_answer:
            self.events.append(Event(int(message.partition() or 0), message.timestamp()[1], body))
        elif self.exchanges[src].answer is None:
            self.exchanges[src].answer = body
            self.exchanges[src].answered_ms = message.timestamp()[1]
        return True

    def _arrived(self, message: Message) -> bool:
        exchange = self.exchanges.get(self._decisions.get(headers_of(message)["bus-decision"], ""))
        if exchange is None:
            return False
        exchange.arrivals += 1
        exchange.arrived_on = str(message.topic())
        exchange.is_same = message.value() == exchange.value
        return True


def _json(message: Message) -> Json:
    return cast("dict[str, Any]", json.loads(message.value() or b"{}"))
