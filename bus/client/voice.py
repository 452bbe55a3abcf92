"""One agent on a connection: what it sends and how it takes answers, whether its caller blocks or awaits.

Every method here returns at once. `Bus` waits for a `Request` with its future, `AsyncBus` awaits it.
"""

import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from confluent_kafka import KafkaException

from bus.client.connection import Connection
from bus.client.duty import Duties, Duty, Said, Say
from bus.client.errors import ClientError, Closed, Misuse, Undecided
from bus.client.event import Event
from bus.client.giving_up import wait_again
from bus.client.holding import Holding
from bus.client.holdings import Holdings
from bus.client.inbox import Inbox
from bus.client.look_back import duties_left
from bus.client.message import ASK, CLAIM, JSON, Body, Draft, encoded, further_headers, withdrawal_of
from bus.client.pending import OnProgress, Request, Until
from bus.client.verdict import Held, Outcome, Verdict, outcome_of, verdict_of
from bus.core.log.topics import LANE_NAME
from bus.core.policy.contracts import JsonObject

_AGENT = re.compile(r"spiffe://[a-z0-9.-]{1,255}/(agent|person)/[A-Za-z0-9._-]{1,128}")
_SUBJECT = re.compile(r"[a-z][a-z0-9_-]{0,63}/[A-Za-z0-9._:-]{1,128}")
_ID = re.compile(r"[!-~]{1,64}")
_TYPE = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*){2}\.v[1-9][0-9]*")

OnEvent = Callable[[Event], object]
_log = logging.getLogger("agentbus.client")


@dataclass(frozen=True, slots=True)
class Extras:
    """What a message may say beyond its body. ``expires_in_s`` counts from the call, by the broker's clock."""

    content_type: str = JSON
    id: str = ""
    headers: Mapping[str, str] | None = None
    expires_in_s: float | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What the seats are asked. The ballot ends ``within_s`` from the call, or earlier, as the terms say."""

    question: str
    options: tuple[str, ...]
    within_s: float | None = None

    def body(self, now_ms: int) -> JsonObject:
        """As it is sent; ``now_ms`` is the broker's time."""
        until = {} if self.within_s is None else {"until": now_ms + int(self.within_s * 1000)}
        return {"question": self.question, "options": list(self.options), **until}

    def is_of(self, draft: Draft) -> bool:
        """Is it the same as one that was sent?"""
        sent = json.loads(draft.value)
        return (sent["question"], tuple(sent["options"])) == (self.question, self.options)


@dataclass(slots=True, eq=False)
class Voice:
    """An agent that speaks on a connection. Named steps: ``open``, the rest, ``close``."""

    connection: Connection
    agent: str
    holdings: Holdings = field(init=False)
    inbox: Inbox = field(default_factory=Inbox)
    asked: Inbox = field(default_factory=Inbox)  # what others ask of the agent
    _duties: Duties = field(init=False)
    _on_event: list[OnEvent] = field(default_factory=list)
    _is_listening: bool = False
    _is_closed: bool = False
    _has_looked_back: bool = False

    def __post_init__(self) -> None:
        if not _AGENT.fullmatch(self.agent):
            text = f"{self.agent or 'nobody'} is no agent's id"
            raise Misuse(text, "give agent='spiffe://<domain>/agent/<name>', or set AGENTBUS_AGENT")
        if not LANE_NAME.fullmatch(self.connection.lane):
            text = f"{self.connection.lane or 'nothing'} is no lane"
            raise Misuse(text, "give lane='<name>' as the agent is registered, or set AGENTBUS_LANE")
        self.holdings = Holdings(self.connection, self.agent)
        self._duties = Duties(self.agent)

    def open(self) -> None:
        """Connect; may be called again. Raises `Unreachable`, `NotTaken`, `Closed`."""
        if self._is_closed:
            raise Closed(f"the bus of {self.agent} is closed", "use it inside its `with` block, or make a new one")
        self.connection.open()
        with self.connection.lock:
            if not self._is_listening:
                self._is_listening = True
                self.connection.listen(self.agent, self)

    def close(self) -> None:
        """Give back what is held; the connection stays."""
        self._is_closed = True
        if self._is_listening:
            self.connection.leave(self.agent, self)
            self.holdings.close()
        self.inbox.close()
        self.asked.close()

    def claim(
        self,
        subject: str,
        lease_ms: int | None,
        reasoning: str,
        evidence: Sequence[Mapping[str, str]],
        timeout_s: float,
        on_progress: OnProgress | None = None,
    ) -> Request:
        """Send a claim, or wait once more for one that is undecided."""
        self.open()
        _checked(subject, _SUBJECT, "subject", "lead/L-1")
        self._hear_progress(on_progress)
        for left in self._undecided(subject):
            is_claim = left.draft.type == CLAIM
            if is_claim and wait_again(self.connection, left, timeout_s, self.holdings.on_claim, on_progress):
                return left
        body: dict[str, object] = {}
        if lease_ms is not None:
            body["lease_ms"] = lease_ms
        if reasoning:
            body["reasoning"] = reasoning
        if evidence:
            body["evidence"] = [dict(one) for one in evidence]
        draft = Draft(self.agent, CLAIM, encoded(body), subject=subject)
        self.holdings.check_room()
        return self.connection.submit(draft, timeout_s, when_answered=self.holdings.on_claim, on_progress=on_progress)

    def held(self, request: Request, events: tuple[Event, ...]) -> Holding:
        """The holding that the answer to a claim stands for; raises `Denied`, `Refused`."""
        self.verdict(request, events)
        return self.holdings.taken(request)

    def withdraw(self, subject: str, timeout_s: float) -> Request:
        """Take a claim out of its contest."""
        self.open()
        with self.connection.lock:
            claims = self.connection.pending.claims(self.agent, subject)
        if not claims:
            text = f"no claim of this agent on {subject} is undecided here"
            raise Misuse(text, "withdraw while a claim waits, or after it has ended as Undecided")
        return self.connection.submit(withdrawal_of(claims[-1].draft), timeout_s)

    def ask(self, subject: str, question: Question, timeout_s: float, on_progress: OnProgress | None = None) -> Request:
        """Put a question to the seats, or wait once more for its answer."""
        self.open()
        self._hear_progress(on_progress)
        for left in self._undecided(_checked(subject, _SUBJECT, "subject", "lead/L-1")):
            is_same = left.draft.type == ASK and question.is_of(left.draft)
            if is_same and wait_again(self.connection, left, timeout_s, on_progress=on_progress):
                return left
        draft = Draft(self.agent, ASK, encoded(question.body(self.connection.clock.now_ms())), subject=subject)
        return self.connection.submit(draft, timeout_s, until="decided", on_progress=on_progress)

    def outcome(self, request: Request, events: tuple[Event, ...]) -> Outcome:
        """How a question was settled; raises `Refused`."""
        return outcome_of(request.draft, events, now_ms=self.connection.clock.now_ms())

    def held_action(self, what: Held | Undecided, timeout_s: float) -> Request:
        """Wait for the decision on an action that is held, which may be there already."""
        self.open()
        with self.connection.lock:
            left = self.connection.pending.left((self.agent, what.id))
        if left is None or left.held is None:
            raise Misuse(f"nothing is known here of a held action {what.id}", "wait where it was sent, and once")
        wait_again(self.connection, left, timeout_s, self.holdings.on_act)  # if it is decided, that is the answer
        return left

    def _undecided(self, subject: str) -> list[Request]:
        with self.connection.lock:
            return self.connection.pending.undecided(self.agent, subject)

    def _hear_progress(self, on_progress: OnProgress | None) -> None:
        if on_progress is not None:
            self.connection.callbacks.start()

    def draft(self, message_type: str, body: Body, subject: str, token: int | None, extras: Extras) -> Draft:
        """A message of this agent; raises `Misuse` if it can never be one."""
        _checked(message_type, _TYPE, "type", "leads.email.send.v1")
        if subject:
            _checked(subject, _SUBJECT, "subject", "lead/L-1")
        if extras.id:
            _checked(extras.id, _ID, "id: it has 1 to 64 visible ASCII characters", "order-17")
        made = Draft(
            source=self.agent,
            type=message_type,
            value=encoded(body),
            subject=subject,
            token=token,
            content_type=extras.content_type,
            expires_in_ms=None if extras.expires_in_s is None else int(extras.expires_in_s * 1000),
            more=further_headers(extras.headers),
            **({"id": extras.id} if extras.id else {}),
        )
        return made

    def send(self, draft: Draft, timeout_s: float, until: Until = "verdict") -> Request:
        """Send a message; one under a token may find that its lease is over."""
        self.open()
        when_answered = None if draft.token is None else self.holdings.on_act
        return self.connection.submit(draft, timeout_s, until=until, when_answered=when_answered)

    def renew(self, holding: Holding, timeout_s: float) -> Request:
        """Send a renewal."""
        self.open()
        return self.connection.submit(holding.draft_renewal(), timeout_s, when_answered=holding.on_renewal)

    def verdict(self, request: Request, events: tuple[Event, ...]) -> Verdict:
        """What the answer says; raises `Refused`, `Denied`."""
        return verdict_of(request.draft, events, now_ms=self.connection.clock.now_ms())

    def when_event(self, call: OnEvent) -> None:
        """Call this, on the callbacks' thread, for every event that is no answer."""
        with self.connection.lock:
            self.connection.callbacks.start()
            self._on_event.append(call)

    def look_back(self) -> None:
        """Find what was asked of the agent before it listened, once; blocks. What Kafka does not tell is not found."""
        self.open()
        with self.connection.lock:
            is_first, self._has_looked_back = not self._has_looked_back, True
        if not is_first:
            return
        try:
            left = duties_left(
                self.connection.settings, self.connection.lane, self.agent, now_ms=self.connection.clock.now_ms()
            )
        except (ClientError, KafkaException) as error:
            _log.warning("what %s was asked for before could not be looked up: %s", self.agent, error)
            return
        with self.connection.lock:
            for event in left:
                self._duties.notice(event)
        self.asked.put_first(left)

    def duty(self, event: Event, say: Say[Said]) -> Duty[Said] | None:
        """What an event of ``asked`` asks for; None if the time for it is over."""
        duty, clock = self._duties.duty(event, say), self.connection.clock
        is_over = clock.is_learned and duty.deadline_ms is not None and duty.deadline_ms <= clock.now_ms()
        return None if is_over else duty

    def hear(self, event: Event) -> None:
        """As `Listener`."""
        self.holdings.hear(event)

    def notice(self, event: Event) -> None:
        """As `Listener`."""
        self.holdings.notice(event)
        if self._duties.notice(event):
            self.asked.put(event)

    def tell(self, event: Event) -> None:
        """As `Listener`."""
        for call in self._on_event:
            self.connection.callbacks.add(partial(call, event))
        self.inbox.put(event)

    def settle(self, subject: str) -> None:
        """As `Listener`."""
        self.holdings.settle(subject)

    def holds(self, subject: str, token: int) -> bool:
        """As `Listener`."""
        return self.holdings.holds(subject, token)

    def cut_off(self, error: ClientError) -> None:
        """As `Listener`."""
        self.holdings.cut_off(error)
        self.inbox.close()
        self.asked.close()


def _checked(text: str, form: re.Pattern[str], what: str, example: str) -> str:
    if not form.fullmatch(text):
        raise Misuse(f"{text!r} is no {what}", f"write it as {example}")
    return text
