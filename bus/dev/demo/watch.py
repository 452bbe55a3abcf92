"""What really happens: reads every lane, answer, outcome, journal and governed topic, and puts together what belongs.

    a message on bus.in.<lane>  +  its answer (a gate's on bus.out.<lane>, the arbiter's on bus.outcomes)
                                +  for what is admitted, the record on the governed topic   =  an exchange

The narrator tells, and the demo judges, nothing but what this file has read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, cast

from bus.core.log.records import Record
from bus.core.log.topics import ESCALATIONS, JOURNAL, OUTCOMES, answers, gate_journal, incoming
from bus.dev.demo.journals import Journals
from bus.shell import kafka
from bus.shell.follow import Reading

Json = dict[str, Any]  # Any: JSON

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
    def decision(self) -> str:
        """The id of the decision, "" as long as there is none."""
        return str(self.answer["decision"]) if self.answer else ""

    @property
    def is_complete(self) -> bool:
        """Is it answered, and has what was admitted arrived?"""
        return self.answer is not None and (self.kind != "action_admitted" or bool(self.arrived_on))


@dataclass(frozen=True, slots=True)
class Event:
    """Something the arbiter decided beside an answer: at a deadline, or because of what an answer changed."""

    partition: int
    answered_ms: int
    body: Json

    @property
    def kind(self) -> str:
        """What happened."""
        return str(self.body["kind"])


class Watch:
    """Everything seen so far; `look` reads on. Named steps: `open`, `look` as often as wanted, `close`."""

    def __init__(self, config: kafka.ClientConfig, lanes: tuple[str, ...], governed: tuple[str, ...]) -> None:
        self._lanes, self._governed = lanes, governed
        self._of_the_bus = Reading(config)
        # Governed topics are written in transactions; read_committed shows only what is final there.
        self._of_the_owners = Reading(config, isolation="read_committed")
        self._waiting: list[Record] = []
        self._decisions: dict[str, str] = {}
        self.exchanges: dict[str, Exchange] = {}
        self.events: list[Event] = []
        self.journals = Journals()
        self.cases: dict[str, Json] = {}  # the newest case file of each subject

    def open(self) -> None:
        """Begin to read everything from the beginning; raises `RetryableError`."""
        own = [name(lane) for lane in self._lanes for name in (incoming, answers, gate_journal)]
        self._of_the_bus.open([*own, OUTCOMES, ESCALATIONS, JOURNAL], tail=None)
        self._of_the_owners.open(list(self._governed), tail=None)

    def close(self) -> None:
        """Stop reading."""
        self._of_the_bus.close()
        self._of_the_owners.close()

    def look(self, wait_s: float) -> None:
        """Read what has come, and put it together; raises `RetryableError`."""
        for record in self._of_the_bus.poll(wait_s):
            if record.topic == JOURNAL or record.topic.startswith(gate_journal("")):
                self.journals.take(record)
            elif record.topic.startswith(incoming("")) or self._is_next(record):
                self._waiting.append(record)
        self._waiting += self._of_the_owners.poll(0)
        # Topics are read side by side: an answer may be here before the message it answers, and then waits for it.
        for _ in range(ROUNDS):
            self._waiting = [record for record in self._waiting if not self._place(record)]

    def all_complete(self) -> bool:
        """Has every message its answer, and everything admitted arrived?"""
        return not self._waiting and all(exchange.is_complete for exchange in self.exchanges.values())

    def _is_next(self, record: Record) -> bool:
        """Is it new? After a restart the bus sends some of it again; each record names the one before it."""
        return self._of_the_bus.followers[record.topic, record.partition].takes(record)

    def _place(self, record: Record) -> bool:
        """Put one record where it belongs; False if what it belongs to has not been read yet."""
        if record.topic in self._governed:
            return self._arrived(record)
        if record.topic == ESCALATIONS:
            file = _json(record)
            self.cases[str(file["subject"])] = file
            return True
        lane = record.topic.rpartition(".")[2]
        if record.topic == incoming(lane):
            return self._said(record, lane)
        if record.topic == answers(lane) and _headers(record)["bus-from"] != lane:
            return True  # the arbiter's, which is read from bus.outcomes
        return self._answered(record)

    def _said(self, record: Record, lane: str) -> bool:
        headers = _headers(record)
        src = f"{record.topic}/{record.partition}/{record.offset}"
        token = headers.get("ce_bustoken")
        self.exchanges[src] = Exchange(
            src=src,
            at_ms=record.timestamp_ms,
            who=headers["ce_source"].rpartition("/")[2],
            lane=lane,
            type=headers["ce_type"],
            subject=headers.get("ce_subject", ""),
            token=int(token) if token is not None else None,
            body=_json(record),
            value=record.value or b"",
        )
        return True

    def _answered(self, record: Record) -> bool:
        body = _json(record)
        src = str(body.get("src", ""))
        is_answer = bool(src) and not (record.topic == OUTCOMES and body["kind"] in IN_FORCE)
        needed = src if is_answer else str(body.get("cause", ""))
        if is_answer and src not in self.exchanges:
            return False
        if not is_answer and needed and needed not in self._decisions:
            return False
        held = str(body.get("held", ""))
        # What is released later arrives as the message that was held, not as the word that released it.
        self._decisions[str(body["decision"])] = self._decisions.get(held, src) if held else src
        if is_answer and self.exchanges[src].answer is None:
            self.exchanges[src].answer = body
            self.exchanges[src].answered_ms = record.timestamp_ms
        elif not is_answer or record.topic == OUTCOMES:
            self.events.append(Event(record.partition, record.timestamp_ms, body))
        return True

    def _arrived(self, record: Record) -> bool:
        exchange = self.exchanges.get(self._decisions.get(_headers(record)["bus-decision"], ""))
        if exchange is None:
            return False
        exchange.arrivals += 1
        exchange.arrived_on = record.topic
        exchange.is_same = record.value == exchange.value
        return True


def _headers(record: Record) -> dict[str, str]:
    """The headers by name; of two with one name the last, which is the bus's own."""
    return {name: (value or b"").decode() for name, value in record.headers}


def _json(record: Record) -> Json:
    return cast("Json", json.loads(record.value or b"{}"))
