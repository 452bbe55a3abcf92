"""One agent on a connection: what it sends and how it takes answers, whether its caller blocks or awaits.

Every method here returns at once. `Bus` waits for a `Request` with its future, `AsyncBus` awaits it.
"""

import queue
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from bus.client.connection import Connection
from bus.client.errors import Closed, Misuse
from bus.client.event import Event
from bus.client.holding import Holding
from bus.client.holdings import Holdings
from bus.client.message import CLAIM, JSON, Body, Draft, encoded, further_headers
from bus.client.pending import Request, Until
from bus.client.verdict import Verdict, verdict_of
from bus.core.topics import LANE_NAME

# Whoever does not take in what happens to it loses the oldest of it; what it asks is always answered.
EVENTS_MAX = 1_000

_AGENT = re.compile(r"spiffe://[a-z0-9.-]{1,255}/(agent|person)/[A-Za-z0-9._-]{1,128}")
_SUBJECT = re.compile(r"[a-z][a-z0-9_-]{0,63}/[A-Za-z0-9._:-]{1,128}")
_TYPE = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*){2}\.v[1-9][0-9]*")

OnEvent = Callable[[Event], object]


@dataclass(frozen=True, slots=True)
class Extras:
    """What a message may say beyond its body. ``expires_in_s`` counts from now, by the broker's clock."""

    content_type: str = JSON
    id: str = ""
    headers: Mapping[str, str] | None = None
    expires_in_s: float | None = None


@dataclass(slots=True)
class Voice:
    """An agent that speaks on a connection. Named steps: ``open``, the rest, ``close``."""

    connection: Connection
    agent: str
    holdings: Holdings = field(init=False)
    _events: "queue.Queue[Event | None]" = field(init=False)
    _on_event: list[OnEvent] = field(default_factory=list)
    _is_listening: bool = False
    _is_closed: bool = False

    def __post_init__(self) -> None:
        if not _AGENT.fullmatch(self.agent):
            text = f"{self.agent or 'nobody'} is no agent's id"
            raise Misuse(text, "give agent='spiffe://<domain>/agent/<name>', or set AGENTBUS_AGENT")
        if not LANE_NAME.fullmatch(self.connection.lane):
            text = f"{self.connection.lane or 'nothing'} is no lane"
            raise Misuse(text, "give lane='<name>' as the agent is registered, or set AGENTBUS_LANE")
        self._events = queue.Queue(EVENTS_MAX)
        self.holdings = Holdings(self.connection, self.agent, self._unasked)

    def open(self) -> None:
        """Connect; may be called again. Raises `Unreachable`, `NotTaken`, `Closed`."""
        if self._is_closed:
            raise Closed(f"the bus of {self.agent} is closed", "use it inside its `with` block, or make a new one")
        self.connection.open()
        with self.connection.lock:
            if not self._is_listening:
                self._is_listening = True
                self.holdings.open()

    def close(self) -> None:
        """Give back what is held; the connection stays."""
        self._is_closed = True
        if self._is_listening:
            self.holdings.close()
        while True:
            try:
                self._events.put_nowait(None)
            except queue.Full:
                self._drop_oldest()
            else:
                return

    def claim(
        self,
        subject: str,
        lease_ms: int | None,
        reasoning: str,
        evidence: Sequence[Mapping[str, str]],
        timeout_s: float,
    ) -> Request:
        """Send a claim."""
        self.open()
        body: dict[str, object] = {}
        if lease_ms is not None:
            body["lease_ms"] = lease_ms
        if reasoning:
            body["reasoning"] = reasoning
        if evidence:
            body["evidence"] = [dict(one) for one in evidence]
        draft = Draft(self.agent, CLAIM, encoded(body), subject=_checked(subject, _SUBJECT, "subject", "lead/L-1"))
        return self.connection.submit(draft, timeout_s)

    def held(self, request: Request, events: tuple[Event, ...]) -> Holding:
        """The holding that the answer to a claim stands for; raises `Denied`, `Refused`."""
        self.verdict(request, events)
        return self.holdings.take(events[-1], request)

    def draft(self, message_type: str, body: Body, subject: str, token: int | None, extras: Extras) -> Draft:
        """A message of this agent; raises `Misuse` if it can never be one."""
        _checked(message_type, _TYPE, "type", "leads.email.send.v1")
        if subject:
            _checked(subject, _SUBJECT, "subject", "lead/L-1")
        expires_ms = None
        if extras.expires_in_s is not None:
            expires_ms = self.connection.clock.now_ms() + int(extras.expires_in_s * 1000)
        made = Draft(
            source=self.agent,
            type=message_type,
            value=encoded(body),
            subject=subject,
            token=token,
            content_type=extras.content_type,
            expires_ms=expires_ms,
            more=further_headers(extras.headers),
            **({"id": extras.id} if extras.id else {}),
        )
        return made

    def send(self, draft: Draft, timeout_s: float, until: Until = "verdict") -> Request:
        """Send a message."""
        self.open()
        return self.connection.submit(draft, timeout_s, until=until)

    def verdict(self, request: Request, events: tuple[Event, ...]) -> Verdict:
        """What the answer says; raises `Refused`, `Denied`."""
        return verdict_of(request.draft, events, now_ms=self.connection.clock.now_ms())

    def when_event(self, call: OnEvent) -> None:
        """Call this, on the callbacks' thread, for every event that is no answer."""
        with self.connection.lock:
            self._on_event.append(call)

    def next_event(self, timeout_s: float | None) -> Event | None:
        """The next event that is no answer; None once the time is over or the bus is closed."""
        try:
            return self._events.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def _unasked(self, event: Event) -> None:
        """On the background thread, with the lock held."""
        for call in self._on_event:
            self.connection.callbacks.add(partial(call, event))
        if self._events.full():
            self._drop_oldest()
        self._events.put_nowait(event)

    def _drop_oldest(self) -> None:
        try:
            self._events.get_nowait()
        except queue.Empty:
            return


def _checked(text: str, form: re.Pattern[str], what: str, example: str) -> str:
    if not form.fullmatch(text):
        raise Misuse(f"{text!r} is no {what}", f"write it as {example}")
    return text
