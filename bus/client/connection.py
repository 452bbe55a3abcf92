"""Serves one lane for all agents of this process that speak on it: one background thread sends, listens and renews.

    caller's thread   submit -> Kafka's own send queue             future.result / await
    this thread       answers -> the request they belong to ------> future.set_result
                      delivery reports -> the broker's time, or the same message again under the same id
                      timers -> renewals, beliefs that end

A message whose fate is unknown is sent again under its id until its caller stops waiting: the bus judges an id once.
"""

import contextlib
import json
import logging
import os
import threading
from collections.abc import Callable, Mapping

from confluent_kafka import KafkaError, KafkaException, Message

from bus.client.callbacks import Callbacks
from bus.client.clock import BrokerClock, elapsed_s
from bus.client.errors import ClientError, Closed, Misuse, Unanswered, Unreachable
from bus.client.event import Event, event_of
from bus.client.lane_link import FINAL_ERRORS, Heard, LaneLink
from bus.client.look_back import first_answer
from bus.client.message import Draft
from bus.client.pending import Pending, Request, Until
from bus.client.timers import Timers
from bus.core.reasons import GateReason
from bus.core.topics import incoming

IDLE_S = 0.2  # answers wake the thread at once; this bounds how late it sees a close, or a timer of another thread
AGAIN_S = 0.2  # between two tries to hand over what Kafka did not take
ECHO_S = 1.0  # a message that could be a silent one is asked about after this long
# What has not been said this long after the gate let a message pass will not be: a stage that was killed is back by
# then (genesis' restart_bound_ms).
SETTLE_S = 10.0
TOGETHER_S = 0.1  # the events of one decision are sent together
JOIN_S = 10.0
# With more agents than this on one connection, looking for their names takes longer than reading every answer.
NAMES_LOOKED_FOR_MAX = 4

_log = logging.getLogger("agentbus.client")

Listener = Callable[[Event], None]


class Connection:
    """One lane of one Kafka, shared by `Bus` objects. Safe from any thread; `close` may come at any time."""

    def __init__(self, settings: Mapping[str, str], lane: str) -> None:
        self.lane = lane
        self.settings = settings
        self.clock = BrokerClock()
        self.timers = Timers()
        self.callbacks = Callbacks()
        self.lock = threading.RLock()
        self._link = LaneLink(settings, lane)
        self._pending = Pending()
        self._listeners: dict[str, list[Listener]] = {}
        self._needles: tuple[bytes, ...] = ()
        self._thread: threading.Thread | None = None
        self._pid = os.getpid()
        self._opening = threading.Lock()
        self._is_stopping = False
        self._failure: ClientError | None = None
        self._is_skew_told = False

    def open(self) -> None:
        """Connect and start to listen; raises `Unreachable`, `NotTaken`, and `Closed` if it was closed before."""
        self._check_owner()
        with self._opening:
            self._check_owner()
            if self._thread is not None:
                return
            self._link.open()
            self._thread = threading.Thread(target=self._serve, name=f"agentbus-{self.lane}", daemon=True)
            self._thread.start()

    def listen(self, agent: str, listener: Listener) -> None:
        """Hand every event that concerns this agent to ``listener``, on the background thread, with the lock held."""
        with self.lock:
            self._listeners.setdefault(agent, []).append(listener)
            self._look_for_names()

    def leave(self, agent: str, listener: Listener) -> None:
        """Stop that."""
        with self.lock, contextlib.suppress(KeyError, ValueError):
            self._listeners[agent].remove(listener)
            if not self._listeners[agent]:
                del self._listeners[agent]
            self._look_for_names()

    def submit(
        self, draft: Draft, timeout_s: float, *, is_waited_for: bool = True, until: Until = "verdict"
    ) -> Request:
        """Send a message; never blocks. Raises `Closed`, `NotTaken`, `Misuse`, and `Unreachable` if too much waits.

        What nobody waits for is given up by itself after ``timeout_s``.
        """
        self.open()
        now_s = elapsed_s()
        request = Request(draft, now_s, now_s + timeout_s, until)
        with self.lock:
            self._pending.add(request)
        try:
            self._hand_over(request)
        except BaseException as error:
            with self.lock:
                self._pending.remove(request)
            if isinstance(error, BufferError):
                text = f"{self._link.unsent} messages wait for Kafka at {self._link.address}"
                raise Unreachable(text, "see that it runs, and send less at once") from error
            raise
        if until == "forwarded":
            self._ask_again(request)
        elif request.has_silent_type:
            self.timers.at(now_s + ECHO_S, lambda: self._ask_again(request))
        if not is_waited_for:
            self.timers.at(request.until_s, lambda: self._time_out(request))
        return request

    def give_up(self, request: Request) -> Unanswered | None:
        """Stop waiting: the error that says what becomes of the message; None if its answer was faster."""
        with self.lock:
            if not self._pending.give_up(request):
                return None
            src = f"{incoming(self.lane)}/0/{request.offsets[0]}" if request.offsets else ""
        waited_s = elapsed_s() - request.began_s
        text = f"no answer to {request.draft.in_words} (id {request.draft.id}) within {waited_s:.1f} s"
        if src:
            step = (
                f"The message stands in the log at {src} and takes effect once the bus gets to it: do not send it anew"
            )
        else:
            step = (
                f"Kafka at {self._link.address} has not confirmed the message: it may still take effect, so look first"
            )
        return Unanswered(text, step, identifier=request.draft.id, src=src)

    def close(self) -> None:
        """Send what was said, stop the thread, and end every wait with `Closed`."""
        if os.getpid() != self._pid:  # a forked child that ends must not touch its parent's connection
            return
        with self._opening:
            self._is_stopping = True
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(JOIN_S)
        self._fail_all(self._closed())
        self.callbacks.stop()

    @property
    def is_open(self) -> bool:
        """Can it be used?"""
        return self._thread is not None and not self._is_stopping and self._failure is None

    def _check_owner(self) -> None:
        if os.getpid() != self._pid:
            step = "make a new Bus in the child after the fork, or start processes with the method spawn"
            raise Misuse("this connection belongs to another process", step)
        if self._failure is not None:
            raise self._failure
        if self._is_stopping:
            raise self._closed()

    def _closed(self) -> Closed:
        return Closed(f"the connection to lane {self.lane} is closed", "use it inside its `with` block")

    def _serve(self) -> None:
        try:
            while not self._is_stopping:
                heard = self._link.fetch(self._wait_s())
                self._link.serve_reports()
                for one in heard:
                    self._on_heard(one)
                for task in self.timers.due(elapsed_s()):
                    task()
        except ClientError as error:
            self._failure = error
        except Exception as error:  # noqa: BLE001  # whoever waits must hear that nobody listens any more
            _log.exception("the connection to lane %s failed", self.lane)
            reason = error.args[0].str() if isinstance(error, KafkaException) else repr(error)
            self._failure = Unreachable(f"the connection to lane {self.lane} failed ({reason})", "make a new Bus")
        finally:
            self._link.close()
            self._fail_all(self._failure or self._closed())

    def _wait_s(self) -> float:
        next_s = self.timers.next_s()
        return IDLE_S if next_s is None else min(IDLE_S, max(0.0, next_s - elapsed_s()))

    def _hand_over(self, request: Request) -> None:
        sent_s = elapsed_s()

        def on_delivery(error: KafkaError | None, message: Message) -> None:
            self._on_delivery(request, error, message, sent_s)

        request.attempts += 1
        self._link.produce(request.draft, self.clock.now_ms(), on_delivery)

    def _hand_over_again(self, request: Request) -> None:
        """As `_hand_over`, for the background thread: nothing is raised, what does not fit is tried later."""
        with self.lock:
            if request not in self._pending or request.remaining_s == 0:
                return
        try:
            self._hand_over(request)
        except BufferError:
            self.timers.at(elapsed_s() + AGAIN_S, lambda: self._hand_over_again(request))
        except ClientError as error:
            self._fail(request, error)

    def _on_delivery(self, request: Request, error: KafkaError | None, message: Message, sent_s: float) -> None:
        if error is None:
            request.offsets.append(message.offset() or 0)
            self._learn(message.timestamp()[1], sent_s)
        elif error.code() in FINAL_ERRORS:
            self._fail(request, self._link.not_taken(request.draft, error))
        else:  # it may be in the log or not: the same id makes it one message either way
            self.timers.at(elapsed_s() + AGAIN_S, lambda: self._hand_over_again(request))

    def _learn(self, append_ms: int, sent_s: float) -> None:
        self.clock.learn(append_ms, sent_s=sent_s, reported_s=elapsed_s())
        if self.clock.is_wrong and not self._is_skew_told:
            self._is_skew_told = True
            told = (
                "the clock of this machine is %d ms ahead of Kafka's: messages carry the corrected time; set it right"
            )
            _log.warning(told, self.clock.skew_ms)

    def _on_heard(self, heard: Heard) -> None:
        value = heard.record.value or b""
        if self._needles and not any(needle in value for needle in self._needles):
            return
        event = _event_in(value)
        if event is None:
            return
        with self.lock:
            request = self._pending.find(event)
            if request is not None:
                if event.decision not in {told.decision for told in request.events}:
                    self._on_answer(request, event)
            elif heard.is_next:
                self._tell(event)

    def _on_answer(self, request: Request, event: Event) -> None:
        if event.kind == "duplicate":
            self._on_duplicate(request, event)
        elif event.kind == "refused" and event.reason == GateReason.STALE and not request.is_corrected:
            self._correct(request, event)
        else:
            request.events.append(event)
            if request.is_last(event):
                self._finish(request)
            elif request.stated_s is None:
                request.stated_s = elapsed_s()
                self.timers.at(request.stated_s + TOGETHER_S, lambda: self._finish_if_stated(request))

    def _correct(self, request: Request, event: Event) -> None:
        """The local clock was wrong: now that the broker's time is known, say the same with the right one."""
        request.is_corrected = True
        if not self.clock.is_learned:
            self._learn(event.at_ms, request.began_s)
        if request.attempts == 1:
            request.began_s = elapsed_s()  # the first one is void, so nothing can be counted from it
        self._hand_over_again(request)

    def _on_duplicate(self, request: Request, event: Event) -> None:
        """It was judged before: by an answer that is on its way, or long ago by another process of this agent."""
        first = str(event.fields.get("of", "")).rpartition(".")[2]
        if request.until == "forwarded":
            self._finish_silent(request, event)
            return
        if request.has_silent_type:
            self.timers.at(elapsed_s() + SETTLE_S, lambda: self._finish_silent(request, event))
        if first.isdigit() and int(first) not in request.offsets and not request.is_looked_up:
            request.is_looked_up = True
            looking = threading.Thread(target=self._look_back, args=(request, event, int(first)), daemon=True)
            looking.start()

    def _look_back(self, request: Request, event: Event, first: int) -> None:
        try:
            found = first_answer(self.settings, self.lane, first, at_ms=event.at_ms, within_s=request.remaining_s)
        except (ClientError, KafkaException) as error:
            _log.warning("the first answer to %s could not be looked up: %s", request.draft.id, error)
            return
        with self.lock:
            if found and request in self._pending and not request.events:
                request.events += found
                self._finish(request)

    def _ask_again(self, request: Request) -> None:
        """Nothing was said: have the gate say at least that it has judged the message, by sending it once more."""
        with self.lock:
            is_open = request in self._pending and not request.events and not request.is_echoed
            request.is_echoed = True
        if is_open:
            self._hand_over_again(request)

    def _finish_silent(self, request: Request, event: Event) -> None:
        with self.lock:
            if request in self._pending and not request.events:
                request.events.append(event)
                self._finish(request)

    def _finish_if_stated(self, request: Request) -> None:
        with self.lock:
            if request in self._pending:
                self._finish(request)

    def _finish(self, request: Request) -> None:
        if self._pending.remove(request):
            request.future.set_result(tuple(request.events))

    def _fail(self, request: Request, error: ClientError) -> None:
        with self.lock:
            if self._pending.remove(request):
                request.future.set_exception(error)

    def _fail_all(self, error: ClientError) -> None:
        with self.lock:
            for request in self._pending.all():
                self._fail(request, error)

    def _time_out(self, request: Request) -> None:
        with self.lock:
            if error := self.give_up(request):
                request.future.set_exception(error)

    def _tell(self, event: Event) -> None:
        """An event nobody waits for: something that happened to an agent, or an answer after its caller had left."""
        for agent in dict.fromkeys(event.recipients):
            for listener in tuple(self._listeners.get(agent, ())):
                listener(event)

    def _look_for_names(self) -> None:
        names = [*self._listeners]
        few = len(names) <= NAMES_LOOKED_FOR_MAX
        to_the_lane = f'["{self.lane}",""]'
        self._needles = tuple(text.encode() for text in (*names, to_the_lane)) if few and names else ()

    def given_up(self, event: Event) -> Request | None:
        """The request an event answers for which nobody waits any more."""
        with self.lock:
            return self._pending.find_given_up(event)


def _event_in(value: bytes) -> Event | None:
    """None for what no bus writes: in development anybody may write to a lane's answers."""
    try:
        return event_of(json.loads(value))
    except (ValueError, TypeError, AttributeError):
        _log.warning("something that is no answer stands on the lane: %r", value[:80])
        return None
