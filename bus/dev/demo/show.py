"""One performance of the demo: gives out tasks, waits for what is seen on the topics, tells it, and keeps the score."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bus.dev.demo.company import PARTITIONS
from bus.dev.demo.processes import Processes
from bus.dev.demo.talk import Talk
from bus.dev.demo.telling import Teller
from bus.dev.demo.watch import IN_FORCE, Event, Exchange, Watch

T = TypeVar("T")

LOOK_S = 0.02
# Warm, everything is seen within a second. A restart of a stage takes some seconds, a busy machine ten times as long.
SEEN_WITHIN_S = 40.0


class NotSeenError(Exception):
    """Something that had to happen was not seen; the text says what."""


@dataclass(slots=True)
class Show:
    """What every act works with."""

    watch: Watch
    teller: Teller
    processes: Processes
    steward: Talk
    pause_s: float = 0.0
    failed: list[str] = field(default_factory=list)
    checks: int = 0
    is_set_up: bool = False  # what is said before is read, and not told
    _events_seen: int = 0
    _in_force: Counter[str] = field(default_factory=Counter)

    def act(self, number: int, title: str, about: str) -> None:
        """Begin a new act, after a breath for whoever reads."""
        time.sleep(self.pause_s)
        self.teller.act(number, title, about)

    def task(self, who: str, text: str, do: str, **body: Any) -> None:  # Any: whatever the task needs
        """Ask an agent to do something."""
        self.teller.task(who, text)
        self.processes.task(who, do, **body)

    def until(self, sentence: str, condition: Callable[[], T | None]) -> T:
        """Tell what happens until the condition gives something; raises NotSeenError with the sentence."""
        until_s = time.monotonic() + SEEN_WITHIN_S
        while not (found := condition()):
            if time.monotonic() > until_s:
                raise NotSeenError(f"not seen within {SEEN_WITHIN_S:.0f} s: {sentence}")
            self.watch.look(LOOK_S)
            self._tell()
        return found

    def answered(self, sentence: str, **like: object) -> Exchange:
        """Wait for a message like this to be answered (and, if it is admitted, to arrive); the last one."""
        return self.until(sentence, lambda: next(reversed(self.complete(**like)), None))

    def settle(self) -> None:
        """Wait until every message has its answer, and everything admitted has arrived."""
        self.until("every message is answered, and what is admitted arrives", self.watch.all_complete)

    def check(self, sentence: str, *, is_so: bool, looked_at: str = "") -> None:
        """Say whether something is so that must be so, and what was looked at if that is not to be seen."""
        self.checks += 1
        if not is_so:
            self.failed.append(sentence)
        self.teller.check(sentence, is_so=is_so, looked_at=looked_at)

    def complete(self, **like: object) -> list[Exchange]:
        """The exchanges seen to their end whose fields are like these, in the order they were answered."""
        found = [
            exchange
            for exchange in self.watch.exchanges.values()
            if exchange.is_complete and all(getattr(exchange, name) == value for name, value in like.items())
        ]
        return sorted(found, key=lambda exchange: (exchange.answered_ms, exchange.at_ms))

    def partitions_in_force(self, change: Exchange) -> int:
        """In how many partitions of the arbiter a change is in force."""
        return self._in_force[change.src]

    def _tell(self) -> None:
        new: list[Exchange | Event] = [*self._new_exchanges(), *self._new_events()]
        for one in sorted(new, key=lambda one: one.answered_ms) if self.is_set_up else []:
            if isinstance(one, Exchange):
                self.teller.exchange(one)
            else:
                self.teller.event(one)

    def _new_exchanges(self) -> Iterator[Exchange]:
        for exchange in self.watch.exchanges.values():
            if exchange.is_complete and not exchange.is_told:
                exchange.is_told = True
                yield exchange

    def _new_events(self) -> Iterator[Event]:
        for event in self.watch.events[self._events_seen :]:
            self._events_seen += 1
            if event.kind not in IN_FORCE:
                yield event
                continue
            src = str(event.body["src"])
            self._in_force[src] += 1
            if event.kind == "agent_status" and self._in_force[src] == PARTITIONS:
                yield event
