"""One performance of the demo: gives out tasks, waits for what is seen on the topics, tells it, and keeps the score."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bus.dev.demo.company import PARTITIONS
from bus.dev.demo.journals import Segment
from bus.dev.demo.keys import Keys
from bus.dev.demo.pace import Breath
from bus.dev.demo.processes import Processes
from bus.dev.demo.told import (
    Act,
    Checked,
    Counted,
    Happened,
    Journaled,
    Note,
    Processed,
    Prompted,
    Said,
    Task,
    Teller,
    Told,
)
from bus.dev.demo.watch import IN_FORCE, Event, Exchange, Json, Watch
from bus.shell.lane_talk import LaneTalk, Saying
from bus.shell.steward import Steward

T = TypeVar("T")

ACTS = 9
ANSWERED_WITHIN_S = 60.0  # a viewer that has gone for coffee does not stop the demo
LOOK_S = 0.02
# Warm, everything is seen within a second. A restart of a stage takes some seconds, a busy machine ten times as long.
SEEN_WITHIN_S = 40.0
SAME_READ_MAX = 2  # of a loop; after that a reader knows it


class NotSeenError(Exception):
    """Something that had to happen was not seen; the text says what."""


@dataclass(slots=True)
class Show:
    """What every act works with."""

    watch: Watch
    teller: Teller
    processes: Processes
    steward: Steward
    breath: Breath
    keys: Keys
    talk: LaneTalk
    is_stepwise: bool = False
    failed: list[str] = field(default_factory=list)
    checks: int = 0
    is_set_up: bool = False  # what is said before is read, and not told
    counting: Callable[[], Counted] | None = None
    _is_hurried: bool = False
    _events_seen: int = 0
    _segments_seen: int = 0
    _unlinked: int = 0
    _in_force: Counter[str] = field(default_factory=Counter)
    _same: tuple[str, ...] = ()
    _same_times: int = 0
    _last_count: Counted | None = None
    _last_processes: Processed | None = None

    def act(self, number: int, title: str, about: str) -> None:
        """Begin a new act, after a breath for whoever reads, or when the presenter is ready."""
        if self.is_stepwise:
            self._await_enter()
        else:
            self.rest(self.breath.act_s)
        self._say(Act(number, ACTS, title, about))
        self.rest(self.breath.act_s)

    def task(self, who: str, text: str, do: str, **body: Any) -> None:  # Any: whatever the task needs
        """Ask an agent to do something."""
        self._say(Task(who, text))
        self.rest(0 if self._is_hurried else self.breath.beat_s)
        self.processes.task(who, do, **body)

    def note(self, text: str) -> None:
        """Say what the demo itself does, and let it sink in."""
        self._say(Note(text))
        self.rest(self.breath.beat_s)

    def until(self, sentence: str, condition: Callable[[], T | None]) -> T:
        """Tell what happens until the condition gives something; raises NotSeenError with the sentence.

        How long it takes to read what is told does not count.
        """
        looked_s = 0.0
        while not (found := condition()):
            if looked_s > SEEN_WITHIN_S:
                raise NotSeenError(f"not seen within {SEEN_WITHIN_S:.0f} s: {sentence}")
            began_s = time.monotonic()
            self._look(LOOK_S)
            looked_s += time.monotonic() - began_s
            self._tell()
        self._tell()
        return found

    def answered(self, sentence: str, **like: object) -> Exchange:
        """Wait for a message like this to be answered (and, if it is admitted, to arrive); the last one."""
        return self.until(sentence, lambda: next(reversed(self.complete(**like)), None))

    def desk(self, person: str, message_type: str, subject: str, body: Json) -> None:
        """A person says something at the desk, as anybody with a Kafka client could."""
        self.talk.send([Saying(message_type, person, json.dumps(body).encode(), subject)])

    def settle(self) -> None:
        """Wait until every message has its answer, and everything admitted has arrived."""
        self.until("every message is answered, and what is admitted arrives", self.watch.all_complete)

    def rest(self, seconds: float) -> None:
        """Let so much time pass; what moves goes on moving."""
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0:
            self._look(min(LOOK_S, left_s))

    @contextlib.contextmanager
    def hurry(self) -> Iterator[None]:
        """Within it nobody is given time to read: what matters is what happens at the same time."""
        self._is_hurried = True
        try:
            yield
        finally:
            self._is_hurried = False

    def check(self, sentence: str, *, is_so: bool, looked_at: str = "") -> None:
        """Say whether something is so that must be so, and what was looked at if that is not to be seen."""
        self.checks += 1
        if not is_so:
            self.failed.append(sentence)
        self._say(Checked(sentence, is_so, looked_at))
        self.rest(self.breath.line_s)

    def count(self) -> Counted:
        """Say how far what is being counted has come."""
        assert self.counting is not None, "something is being counted"
        counted = dataclasses.replace(self.counting(), is_milestone=True)
        self._say(counted)
        return counted

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

    def ask(self, question: str, answers: Mapping[str, str], otherwise: str) -> str:
        """Let the viewer choose by a key; without a keyboard, or an answer in time, it is ``otherwise``."""
        if not self.keys.is_there:
            return otherwise
        self._say(Prompted(question))
        until_s = time.monotonic() + ANSWERED_WITHIN_S
        chosen = ""
        while not chosen and time.monotonic() < until_s:
            typed = self.keys.typed().decode(errors="ignore").lower()
            chosen = next((answers[key] for key in typed if key in answers), "")
            self._look(LOOK_S)
        self._say(Prompted(""))
        return chosen or otherwise

    def _await_enter(self) -> None:
        self._say(Prompted("Enter: go on"))
        while not self.keys.is_enter_pressed():
            self._look(LOOK_S)
        self._say(Prompted(""))

    def _say(self, told: Told) -> None:
        self.teller.tell(told)
        self._same, self._same_times = (), 0
        self.teller.refresh()

    def _look(self, wait_s: float) -> None:
        """Read on, and let what moves on the screen move."""
        self.watch.look(wait_s)
        processes = Processed(self.processes.states())
        if processes != self._last_processes:
            self._last_processes = processes
            self.teller.tell(processes)
        if self.counting is not None and (counted := self.counting()) != self._last_count:
            self._last_count = counted
            self.teller.tell(counted)
        self.teller.refresh()

    def _tell(self) -> None:
        """Tell everything new in the order it happened; reading takes time, in which more may come."""
        while new := self._new():
            if not self.is_set_up:
                return
            for one in sorted(new, key=_happened_ms):
                self.rest(self._tell_one(one))

    def _tell_one(self, one: Exchange | Event | Segment) -> float:
        """Tell it; how many seconds a reader needs for it."""
        match one:
            case Segment():
                self._unlinked += not one.is_linked
                journals = self.watch.journals
                self.teller.tell(Journaled(one, journals.chains, len(journals.segments), self._unlinked))
                return 0
            case Event():
                self._say(Happened(one))
            case Exchange():
                same = (one.who, one.type, one.kind, one.reason)
                self._same_times = self._same_times + 1 if same == self._same else 1
                self._same = same
                self.teller.tell(Said(one, self._same_times))
        return 0 if self._is_hurried or self._same_times > SAME_READ_MAX else self.breath.line_s

    def _new(self) -> list[Exchange | Event | Segment]:
        return [*self._new_segments(), *self._new_exchanges(), *self._new_events()]

    def _new_segments(self) -> list[Segment]:
        found = self.watch.journals.segments[self._segments_seen :]
        self._segments_seen += len(found)
        return found

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


def _happened_ms(one: Exchange | Event | Segment) -> int:
    return one.at_ms if isinstance(one, Segment) else one.answered_ms
