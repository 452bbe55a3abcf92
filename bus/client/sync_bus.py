"""The bus for an agent that waits for its answers: claim, act, send, listen; safe from any thread."""

import os
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, NoReturn, Self, TypeVar, overload

from bus.client.admitted import Builder
from bus.client.clock import elapsed_s
from bus.client.connection import Connection
from bus.client.duty import Duty
from bus.client.errors import Denied, LeaseLost, Misuse, Unanswered, Undecided
from bus.client.event import Event
from bus.client.execution import Execution
from bus.client.holding import OnLost
from bus.client.kafka_links import kafka_settings
from bus.client.lease import Failure, Lease, pauses, worth_another_try
from bus.client.message import JSON, Body
from bus.client.opened import Opened
from bus.client.pending import OnProgress, Request, Until
from bus.client.sharing import Shared
from bus.client.stores import Store
from bus.client.subscription import Start, Subscription, check_group
from bus.client.verdict import Held, Outcome, Verdict
from bus.client.voice import Extras, OnEvent, Question, Voice
from bus.core.policy.contracts import JsonObject

T = TypeVar("T")
PlainBody = dict[str, Any]  # Any: a body is whatever its contract allows

TIMEOUT_S = 30.0  # a stage that was killed is back within ten seconds; the answer then comes


class Bus:
    """One agent on the bus.

    ``agent`` is its id (or AGENTBUS_AGENT), ``lane`` its lane (AGENTBUS_LANE), ``bootstrap`` where Kafka is
    (AGENTBUS_BOOTSTRAP, else the one `agentbus dev` of this machine, else 127.0.0.1:9092); ``kafka`` are further
    settings as librdkafka names them, such as ``security.protocol`` (a file of them: AGENTBUS_KAFKA_CONFIG).
    ``timeout_s`` is how long each call waits unless it says otherwise. Opens at the first use or with ``with``; one
    background thread serves all of it. A bus that nobody knows any more is closed, and so is what is open when the
    program ends.

        with Bus(agent="spiffe://acme/agent/sales-1", lane="sales") as bus:
            with bus.claim("lead/L-1") as lead:
                lead.act("leads.email.send.v1", {"lead_id": "L-1", "to": "ada@acme.com", "subject": "Hi", "text": "…"})
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
            connection = Connection(settings, lane or os.environ.get("AGENTBUS_LANE", ""))
        else:
            connection = sharing._shared.connection
        self._voice = Voice(connection, agent or os.environ.get("AGENTBUS_AGENT", ""))
        self._shared: Shared = Shared(connection) if sharing is None else sharing._shared.taken()
        self._timeout_s = timeout_s
        self._opened = Opened(self._voice, self._shared)
        weakref.finalize(self, self._opened.drop).atexit = False  # the end of the program is seen to by `opened`

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
        self._opened.note()
        return self

    def close(self) -> None:
        """Give back every lease, end every subscription and disconnect; may be called again."""
        self._opened.close()

    def claim(
        self,
        subject: str,
        *,
        lease_ms: int | None = None,
        reasoning: str = "",
        evidence: Sequence[Mapping[str, str]] = (),
        on_lost: OnLost | None = None,
        on_progress: OnProgress | None = None,
        timeout_s: float | None = None,
    ) -> Lease:
        """Hold ``subject`` (``lead/L-1``), alone, until the lease is released or lost; it is renewed meanwhile.

        ``lease_ms`` may shorten what the terms give; ``reasoning`` and ``evidence`` (``{"uri", "sha256"}``) are kept
        for people. ``on_lost`` is called with the `LeaseLost`, in a thread of its own. Where others claim it as well it
        waits until that contest is decided; ``on_progress`` is called there with each event of it. A second claim of
        what this agent holds here is a second use of the same lease, under the same token: it ends with the last
        release. Raises `Denied` (somebody else has it: ``retry_after_ms``; or has won it: ``by``), `Undecided` if that
        takes longer than ``timeout_s``: then claim it again to go on waiting, or `withdraw`. Raises `Refused`,
        `Unanswered`, `Unreachable`.
        """
        self.open()
        until_s = elapsed_s() + self._wait_s(timeout_s)
        failed: Failure | None = None
        for pause_s in pauses():
            request = self._voice.claim(subject, lease_ms, reasoning, evidence, until_s - elapsed_s(), on_progress)
            try:
                lease = Lease(self, self._voice.held(request, self._await(request)))
                lease.revive(until_s)
            except (LeaseLost, Denied, Undecided, Unanswered) as error:
                failed = worth_another_try(error, failed, until_s=until_s, pause_s=pause_s)
                time.sleep(pause_s)
                continue
            if on_lost is not None:
                lease.on_lost(on_lost)
            return lease
        raise AssertionError("the pauses never end")

    def withdraw(self, subject: str, *, timeout_s: float | None = None) -> Verdict:
        """Take this agent's claim out of the contest for ``subject``; a `claim` that waits for it raises `Withdrawn`.

        Raises `Late` if that is decided already, `Misuse` if no claim of this bus is undecided, `Unanswered`.
        """
        request = self._voice.withdraw(subject, self._wait_s(timeout_s))
        return self._voice.verdict(request, self._await(request))

    def ask(
        self,
        subject: str,
        question: str,
        options: Sequence[str],
        *,
        within_s: float | None = None,
        on_progress: OnProgress | None = None,
        timeout_s: float | None = None,
    ) -> Outcome:
        """Let the seats of the terms choose one of ``options`` (2 to 16 codes); returns what is settled.

        The ballot ends ``within_s`` from now at the latest; what it cannot settle goes to a person. Raises `Undecided`
        after ``timeout_s`` (ask the same again to go on waiting), `Refused`, `Unanswered`.
        """
        asked = Question(question, tuple(options), within_s)
        request = self._voice.ask(subject, asked, self._wait_s(timeout_s), on_progress)
        return self._voice.outcome(request, self._await(request))

    def duties(self, *, timeout_s: float | None = None) -> Iterator[Duty[Verdict]]:
        """What others ask of this agent, as it comes: to judge an action, to vote, its turn in a negotiation.

        Each is handed out once, to one of those who iterate, unless its time is over by then. What was asked in the
        fifteen minutes before, and is still open, comes first: a restart forgets no duty. Ends when nothing came for
        ``timeout_s`` (None: waits for ever), or the bus is closed. A thousand are kept for whoever looks late.
        """
        self._voice.look_back()
        while (event := self._voice.asked.wait(timeout_s)) is not None:
            if (duty := self._voice.duty(event, self._say)) is not None:
                yield duty

    def decision_on(self, held: Held | Undecided, *, timeout_s: float | None = None) -> Verdict:
        """Wait for the decision on an action that is held: returns what was admitted.

        Raises `Refused` (``ruled_out``, ``vetoed``, ``fenced`` …), `Undecided` after ``timeout_s``, `Misuse` if this
        bus does not know of it.
        """
        request = self._voice.held_action(held, self._wait_s(timeout_s))
        return self._voice.verdict(request, self._await(request))

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
        until: Until = "verdict",
        timeout_s: float | None = None,
    ) -> Verdict:
        """Say something: a fact, a report, a message to others; returns the verdict.

        ``body`` is a dict, a dataclass, a pydantic model, or bytes (with ``content_type="application/avro"`` if they
        are Avro). An ``id`` of your own makes a message that is sent twice one message. A type that has no topic and
        states no fact gets no answer when all is well: say ``until="forwarded"`` for it, or it ends as `Unanswered`.
        ``until="decided"`` waits until a held action is decided. Raises `Refused` with all violations, `Unanswered`,
        `Undecided`, `NotTaken`.
        """
        self.open()
        extras = Extras(content_type, id, headers, expires_in_s)
        draft = self._voice.draft(message_type, body, subject, token, extras)
        request = self._voice.send(draft, self._wait_s(timeout_s), until)
        return self._voice.verdict(request, self._await(request))

    def events(self, *, timeout_s: float | None = None) -> Iterator[Event]:
        """What happens to this agent without its asking, as it happens: an ``ended``, an answer that came too late.

        Ends when nothing came for ``timeout_s`` (None: waits for ever), or the bus is closed. A thousand are kept for
        whoever looks late.
        """
        self.open()
        while (event := self._voice.inbox.wait(timeout_s)) is not None:
            yield event

    def on_event(self, call: OnEvent) -> None:
        """Call this for every such event, in the thread of the callbacks."""
        self.open()
        self._voice.when_event(call)

    @overload
    def subscribe(
        self, *topics: str, group: str, start: Start = "latest", timeout_s: float | None = None
    ) -> Subscription[PlainBody]: ...

    @overload
    def subscribe(
        self,
        *topics: str,
        group: str,
        types: Mapping[str, Builder[T]],
        start: Start = "latest",
        timeout_s: float | None = None,
    ) -> Subscription[T]: ...

    def subscribe(
        self,
        *topics: str,
        group: str,
        types: Mapping[str, Builder[Any]] | None = None,
        start: Start = "latest",
        timeout_s: float | None = None,
    ) -> Subscription[Any]:
        """Read governed topics, or ``bus.outcomes``, as a member of ``group``: iterate over what comes back.

        A ``group`` begins with ``bus.<lane>.`` (of a reader who is no lane: ``bus-read.``), else it is a `Misuse`.
        ``types`` says which types (of ``bus.outcomes``: kinds of events) are wanted and what is made of each body: a
        pydantic model, a dataclass, a TypedDict, or any callable; others are passed over. Without it every message
        comes, its body as a dict. ``start`` is where a new group begins. Iteration ends when nothing came for
        ``timeout_s`` (None: never). A message is processed once the next is asked for, or the subscription's `with`
        block has ended well; what was not is handed out again.
        """
        return self._subscription(topics, group, types, start, timeout_s)

    @overload
    def execute_once(
        self, store: Store, *topics: str, group: str, start: Start = "earliest", timeout_s: float | None = None
    ) -> Execution[PlainBody]: ...

    @overload
    def execute_once(
        self,
        store: Store,
        *topics: str,
        group: str,
        types: Mapping[str, Builder[T]],
        start: Start = "earliest",
        timeout_s: float | None = None,
    ) -> Execution[T]: ...

    def execute_once(
        self,
        store: Store,
        *topics: str,
        group: str,
        types: Mapping[str, Builder[Any]] | None = None,
        start: Start = "earliest",
        timeout_s: float | None = None,
    ) -> Execution[Any]:
        """Execute what is admitted to governed topics, each once: iterate over the actions that are to be done.

        An action is done when the next is asked for, unless ``action.failed(…)`` was called; then the bus is told
        (``bus.action.report.v1``). Decisions that are done are passed over, and so is what carries a lower token than
        the highest of its subject. Who crashes between doing and recording gets the action again, with ``is_retry``:
        see `bus.client.stores` for how to close that hole.
        """
        return Execution(self, store, self._subscription(topics, group, types, start, timeout_s))

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

    def _subscription(
        self,
        topics: tuple[str, ...],
        group: str,
        types: Mapping[str, Builder[Any]] | None,
        start: Start,
        timeout_s: float | None,
    ) -> Subscription[Any]:
        settings = self._shared.connection.settings
        check_group(group, self.lane)
        made: Subscription[Any] = Subscription(settings, topics, group, types, start, timeout_s, self._forget)
        self._opened.subscriptions.add(made)
        self._opened.note()
        return made

    def _say(self, message_type: str, body: JsonObject, subject: str, timeout_s: float | None) -> Verdict:
        return self.send(message_type, body, subject=subject, timeout_s=timeout_s)

    def _forget(self, subscription: Subscription[Any]) -> None:
        self._opened.subscriptions.discard(subscription)

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
        except BaseException:  # Ctrl-C, or what the message failed with: a lease nobody waits for is given back
            self._voice.holdings.abandon(request)
            raise
