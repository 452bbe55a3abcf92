"""The bus for an agent that waits for its answers: claim, act, send, listen; safe from any thread."""

import atexit
import contextlib
import logging
import os
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import NoReturn, Self

from bus.client.connection import Connection
from bus.client.errors import ClientError, LeaseLost, Misuse, Refused, Unanswered
from bus.client.event import Event
from bus.client.holding import ENDED_BY_ANSWER, Holding, OnLost
from bus.client.kafka_links import kafka_settings
from bus.client.message import JSON, Body, Draft
from bus.client.pending import Request
from bus.client.sharing import Shared
from bus.client.verdict import Verdict
from bus.client.voice import Extras, OnEvent, Voice

TIMEOUT_S = 30.0  # a stage that was killed is back within ten seconds; the answer then comes
LEAVING_S = 5.0  # how long the end of a `with` block waits to hear that its lease has ended

_log = logging.getLogger("agentbus.client")


class Bus:
    """One agent on the bus.

    ``agent`` is its id (or AGENTBUS_AGENT), ``lane`` its lane (AGENTBUS_LANE), ``bootstrap`` where Kafka is
    (AGENTBUS_BOOTSTRAP, else 127.0.0.1:9092); ``kafka`` are further settings as librdkafka names them, such as
    ``security.protocol`` (a file of them: AGENTBUS_KAFKA_CONFIG). ``timeout_s`` is how long each call waits unless it
    says otherwise. Opens at the first use or with ``with``; one background thread serves all of it.

        with Bus(agent="spiffe://acme/agent/sales-1", lane="sales") as bus:
            with bus.claim("lead/L-1") as lead:
                lead.act("leads.email.send.v1", {"lead_id": "L-1", "to": "ada@example.com", "text": "Hello"})
    """

    def __init__(
        self,
        *,
        agent: str = "",
        lane: str = "",
        bootstrap: str = "",
        kafka: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
        sharing: "Bus | None" = None,
    ) -> None:
        if sharing is None:
            settings = kafka_settings(bootstrap, kafka)
            shared = Shared(Connection(settings, lane or os.environ.get("AGENTBUS_LANE", "")))
        else:
            shared = sharing._shared.taken()
        self._shared: Shared = shared
        self._voice = Voice(self._shared.connection, agent or os.environ.get("AGENTBUS_AGENT", ""))
        self._timeout_s = timeout_s

    @property
    def agent(self) -> str:
        """Who speaks here."""
        return self._voice.agent

    @property
    def lane(self) -> str:
        """The lane it speaks on."""
        return self._shared.connection.lane

    @property
    def clock_skew_ms(self) -> int | None:
        """How far this machine's clock is ahead of Kafka's (negative: behind); None before the first message."""
        return self._shared.connection.clock.skew_ms

    @property
    def is_open(self) -> bool:
        """Is it connected?"""
        return self._shared.connection.is_open

    def as_agent(self, agent: str) -> "Bus":
        """Another agent of the same lane on the same connection: a hundred of them cost one reader.

        It is closed on its own; the connection ends with the last of those who share it.
        """
        return Bus(agent=agent, timeout_s=self._timeout_s, sharing=self)

    def open(self) -> Self:
        """Connect now; raises `Unreachable`, `NotTaken`."""
        self._voice.open()
        _close_at_exit(self)
        return self

    def close(self) -> None:
        """Give back every lease and disconnect; may be called again."""
        self._voice.close()
        self._shared.give_back()
        _open_buses.discard(self)

    def claim(
        self,
        subject: str,
        *,
        lease_ms: int | None = None,
        reasoning: str = "",
        evidence: Sequence[Mapping[str, str]] = (),
        on_lost: OnLost | None = None,
        timeout_s: float | None = None,
    ) -> "Lease":
        """Hold ``subject`` (``lead/L-1``), alone, until the lease is released or lost; it is renewed meanwhile.

        ``lease_ms`` may shorten what the terms give; ``reasoning`` and ``evidence`` (``{"uri", "sha256"}``) are kept
        for people. ``on_lost`` is called with the `LeaseLost`, in a thread of its own. Raises `Denied` (somebody else
        has it: ``retry_after_ms``), `Refused`, `Unanswered`, `Unreachable`.
        """
        self.open()
        request = self._voice.claim(subject, lease_ms, reasoning, evidence, self._wait_s(timeout_s))
        holding = self._voice.held(request, self._await(request))
        lease = Lease(self, holding)
        if on_lost is not None:
            holding.when_lost(on_lost)
        if not holding.is_held:  # the claim was so long on its way that the belief has ended: ask for more first
            lease.renew(timeout_s=timeout_s)
        return lease

    def send(  # noqa: PLR0913  # all but two are optional headers of the message
        self,
        message_type: str,
        body: Body,
        *,
        subject: str = "",
        token: int | None = None,
        content_type: str = JSON,
        id: str = "",
        headers: Mapping[str, str] | None = None,
        expires_in_s: float | None = None,
        timeout_s: float | None = None,
    ) -> Verdict:
        """Say something: a fact, a report, a message to others; returns the verdict.

        ``body`` is a dict, a dataclass, a pydantic model, or bytes (with ``content_type="application/avro"`` if they
        are Avro). An ``id`` of your own makes a message that is sent twice one message. Raises `Refused` with all
        violations, `Unanswered`, `NotTaken`.
        """
        self.open()
        extras = Extras(content_type, id, headers, expires_in_s)
        draft = self._voice.draft(message_type, body, subject, token, extras)
        request = self._voice.send(draft, self._wait_s(timeout_s))
        return self._voice.verdict(request, self._await(request))

    def events(self, *, timeout_s: float | None = None) -> Iterator[Event]:
        """What happens to this agent without its asking, as it happens: an ``ended``, an answer that came too late.

        Ends when nothing came for ``timeout_s`` (None: waits for ever), or the bus is closed. A thousand are kept for
        whoever looks late.
        """
        self.open()
        while (event := self._voice.next_event(timeout_s)) is not None:
            yield event

    def on_event(self, call: OnEvent) -> None:
        """Call this for every such event, in the thread of the callbacks."""
        self.open()
        self._voice.when_event(call)

    def __enter__(self) -> Self:
        """Connect."""
        return self.open()

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def __reduce__(self) -> NoReturn:
        """A connection cannot travel."""
        raise Misuse(
            "a Bus cannot be pickled or copied", "make a new one in the other process, with the same arguments"
        )

    def __repr__(self) -> str:
        return f"<Bus {self.agent} on lane {self.lane}>"

    def _wait_s(self, timeout_s: float | None) -> float:
        return self._timeout_s if timeout_s is None else timeout_s

    def _await(self, request: Request) -> tuple[Event, ...]:
        try:
            return request.future.result(request.remaining_s)
        except TimeoutError:
            error = self._shared.connection.give_up(request)
            if error is not None:
                raise error from None
            return request.future.result()
        except KeyboardInterrupt:
            self._shared.connection.give_up(request)  # what is granted now is given back
            raise


class Lease:
    """A resource that this agent holds. Leaving its ``with`` block releases it."""

    def __init__(self, bus: Bus, holding: Holding) -> None:
        self._bus = bus
        self._holding = holding
        self._is_left = False

    @property
    def subject(self) -> str:
        """What is held."""
        return self._holding.subject

    @property
    def token(self) -> int:
        """The fencing token: give it to whatever you write to outside Kafka, which should refuse lower ones."""
        return self._holding.token

    @property
    def until_ms(self) -> int:
        """When the bus ends the lease unless it is renewed, in epoch milliseconds of the broker."""
        return self._holding.until_ms

    @property
    def is_held(self) -> bool:
        """Is it held at this moment? It turns False before the bus can give the resource to anybody else."""
        return self._holding.is_held

    @property
    def remaining_s(self) -> float:
        """For how long that is sure without another renewal."""
        return self._holding.remaining_s

    @property
    def loss(self) -> LeaseLost | None:
        """Why it is lost, None if it is not."""
        return self._holding.loss

    def on_lost(self, call: Callable[[LeaseLost], object]) -> None:
        """Call this when it is lost, at once if it is; in the thread of the callbacks."""
        self._holding.when_lost(call)

    def check(self) -> None:
        """Raise `LeaseLost` unless it is held: for long work between two acts."""
        self._holding.check()

    def wait_lost(self, timeout_s: float | None = None) -> bool:
        """Wait until it is lost or released; False if it is still held after ``timeout_s``."""
        return self._holding.ended.wait(timeout_s)

    def act(
        self,
        message_type: str,
        body: Body,
        *,
        content_type: str = JSON,
        id: str = "",
        headers: Mapping[str, str] | None = None,
        expires_in_s: float | None = None,
        timeout_s: float | None = None,
    ) -> Verdict:
        """Do something with what is held: a guarded action under its token; returns what was admitted.

        Raises `LeaseLost` without sending if it is held no more, `Fenced` or `Late` if the bus says so, `Refused` with
        all violations, `Unanswered`.
        """
        self._holding.check()
        try:
            return self._bus.send(
                message_type,
                body,
                subject=self.subject,
                token=self.token,
                content_type=content_type,
                id=id,
                headers=headers,
                expires_in_s=expires_in_s,
                timeout_s=timeout_s,
            )
        except Refused as refused:
            if refused.reason in ENDED_BY_ANSWER:
                self._holding.lose(refused.reason, refused.detail)
            raise

    def renew(self, *, timeout_s: float | None = None) -> None:
        """Renew it now; the background does so by itself. Raises `LeaseLost`, `Unanswered`."""
        bus = self._bus
        try:
            request = bus._voice.send(self._holding.draft_renewal(), bus._wait_s(timeout_s))
            self._holding.on_renewal(bus._await(request)[-1], request)
        finally:
            self._holding.check_belief()
        self._holding.check()

    def release(self, *, to: str = "", reason: str = "", timeout_s: float | None = None) -> None:
        """Give it back; with ``to`` only that agent (an id) may claim it for a while. Nothing if it is over already.

        Raises `LeaseLost` if it was lost before, `Unanswered`.
        """
        draft = self.begin_release(to=to, reason=reason)
        if draft is not None:
            request = self._bus._voice.send(draft, self._bus._wait_s(timeout_s))
            self.end_release(request, self._bus._await(request))

    def begin_release(self, *, to: str = "", reason: str = "") -> Draft | None:
        """Believe in it no more: the message that says so, None if others in this process use it, or it is over."""
        if self._is_left or self._holding.state == "released":
            return None
        self._is_left = True
        if not self._bus._voice.holdings.is_last_use(self._holding):
            return None
        self._holding.check()
        self._holding.release()
        return self._holding.draft_release(to=to, reason=reason)

    def end_release(self, request: Request, events: tuple[Event, ...]) -> None:
        """Take in what the bus said to that."""
        try:
            self._bus._voice.verdict(request, events)
        except Refused as refused:
            if refused.reason not in ENDED_BY_ANSWER:
                raise
            raise LeaseLost(self.subject, self.token, refused.reason, refused.detail) from None

    def __enter__(self) -> Self:
        """The lease itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Release it. A loss that nobody has noticed yet is raised, unless something else is raised already."""
        timeout_s = min(LEAVING_S, self._bus._timeout_s)
        try:
            self.release(timeout_s=timeout_s)
        except Unanswered as unanswered:
            _log.warning("%s was released, but not confirmed: %s", self.subject, unanswered)
        except ClientError:
            if kind is None:
                raise

    def __reduce__(self) -> NoReturn:
        """A lease belongs to the process that renews it."""
        raise Misuse("a Lease cannot be pickled or copied", "hand its token over, or release it to the other agent")

    def __repr__(self) -> str:
        return f"<Lease of {self.subject} under token {self.token}: {self._holding.state}>"


_open_buses: "weakref.WeakSet[Bus]" = weakref.WeakSet()


def _close_at_exit(bus: Bus) -> None:
    _open_buses.add(bus)


@atexit.register
def _close_all() -> None:
    """An interpreter that ends gives back what its agents hold."""
    for bus in list(_open_buses):
        with contextlib.suppress(ClientError):
            bus.close()
