"""Serves one lane for all agents of this process that speak on it: one background thread sends, listens and renews.

    caller's thread   submit -> Kafka's own send queue             future.result / await
    this thread       events -> what the agent holds -> the request they answer -> future.set_result
                      delivery reports -> the broker's time, or the same message again under the same id
                      timers -> renewals, beliefs that end

Every event reaches the holdings first, whoever asked for it: what an agent believes follows the lane, in its order.
A message whose fate is unknown is sent again under its id until its caller stops waiting: the bus judges an id once.
"""

import contextlib
import logging
import os
import queue
import threading
from collections.abc import Callable, Mapping
from functools import partial

from confluent_kafka import KafkaError, KafkaException, Message

from bus.client.callbacks import Callbacks
from bus.client.clock import BrokerClock, elapsed_s
from bus.client.errors import ClientError, Closed, Misuse, Unreachable
from bus.client.event import Event, read_event
from bus.client.giving_up import why_no_answer
from bus.client.lane_link import FINAL_ERRORS, Heard, LaneLink
from bus.client.listeners import Listener, Listeners
from bus.client.look_back import first_answer
from bus.client.message import CLAIM, Draft
from bus.client.pending import OnProgress, Pending, Request, Until, WhenAnswered
from bus.client.timers import Timers
from bus.core.decision.reasons import GateReason
from bus.shell.surroundings import Aside, surroundings_of

IDLE_S = 0.2  # answers wake the thread at once; this bounds how late it sees a close, or a timer of another thread
AGAIN_S = 0.2  # between two tries to hand over what Kafka did not take
ECHO_S = 1.0  # a message that could be a silent one is asked about after this long
TOGETHER_S = 0.1  # the events of one decision are sent together
JOIN_S = 10.0
_log = logging.getLogger("agentbus.client")


class Connection:
    """One lane of one Kafka, shared by `Bus` objects. Safe from any thread; `close` may come at any time."""

    def __init__(self, settings: Mapping[str, str], lane: str) -> None:
        self.lane = lane
        self.settings = settings
        self.clock = BrokerClock()
        self.timers = Timers()
        self.around = surroundings_of(settings)
        self.callbacks = Callbacks(self.around)
        self.lock = threading.RLock()
        self._link = LaneLink(settings, lane)
        self.pending = Pending(lane)
        self._listeners = Listeners(lane)
        self._thread: Aside | None = None
        self._pid = os.getpid()
        self._opening = threading.Lock()
        self._is_stopping = False
        self._failure: ClientError | None = None
        self._later: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def open(self) -> None:
        """Connect and start to listen; raises `Unreachable`, `NotTaken`, and `Closed` if it was closed before."""
        self._check_owner()
        with self._opening:
            self._check_owner()
            if self._thread is not None:
                return
            self._link.open()
            self._thread = self.around.aside(f"agentbus-{self.lane}", self._serve, self._round)
            self._thread.start()

    def listen(self, agent: str, listener: Listener) -> None:
        """Hand every event that concerns this agent to ``listener``."""
        with self.lock:
            self._listeners.add(agent, listener)

    def leave(self, agent: str, listener: Listener) -> None:
        """Stop that."""
        with self.lock:
            self._listeners.remove(agent, listener)

    def submit(
        self,
        draft: Draft,
        timeout_s: float,
        *,
        is_waited_for: bool = True,
        until: Until = "verdict",
        when_answered: WhenAnswered | None = None,
        on_progress: OnProgress | None = None,
    ) -> Request:
        """Send a message; never blocks. Raises `Closed`, `NotTaken`, `Misuse`, and `Unreachable` if too much waits.

        What nobody waits for is given up by itself after ``timeout_s``. ``when_answered``: see `Request`.
        """
        self.open()
        now_s = elapsed_s()
        request = Request(draft, now_s, now_s + timeout_s, until, when_answered, on_progress)
        with self.lock:
            self.pending.add(request)
        try:
            self._hand_over(request)
        except BaseException as error:
            self._fail(request, Closed("it was not sent", "see the error that is raised"))
            if isinstance(error, BufferError):
                text = f"{self._link.unsent} messages wait for Kafka at {self._link.address}"
                raise Unreachable(text, "see that it runs, and send less at once") from error
            raise
        if until == "forwarded":
            self._ask_again(request)
        elif request.has_silent_type:
            self._schedule(request, now_s + ECHO_S, self._ask_again)
        if not is_waited_for:
            self._schedule(request, request.until_s, self._time_out)
        return request

    def give_up(self, request: Request) -> ClientError | None:
        """Stop waiting: the error that says what becomes of the message; None if its answer was faster."""
        with self.lock:
            if not self.pending.give_up(request):
                return None
            self._after(request)
            return why_no_answer(request, self.lane, self._link.address)

    def later(self, task: Callable[[], None]) -> None:
        """Have this done by the background thread; takes no lock, so it may be called from a finalizer."""
        self._later.put(task)

    def close(self) -> None:
        """Send what was said, stop the thread, and end every wait with `Closed`."""
        if os.getpid() != self._pid:  # a forked child that ends must not touch its parent's connection
            return
        with self._opening:
            self._is_stopping, thread = True, self._thread
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
                self._round()
        except ClientError as error:
            self._failure = error
        except Exception as error:  # noqa: BLE001  # whoever waits must hear that nobody listens any more
            _log.exception("the connection to lane %s failed", self.lane)
            reason = error.args[0].str() if isinstance(error, KafkaException) else repr(error)
            self._failure = Unreachable(f"the connection to lane {self.lane} failed ({reason})", "make a new Bus")
        finally:
            self._cut_off(self._failure or self._closed())
            self._link.close()
            self._fail_all(self._failure or self._closed())

    def _round(self) -> None:
        heard = self._link.fetch(self._wait_s())
        self._link.serve_reports()
        for one in heard:
            self._on_heard(one)
        for task in self.timers.due(elapsed_s()):
            task()
        while not self._later.empty():
            self._later.get()()

    def _cut_off(self, error: ClientError) -> None:
        """Nobody renews or listens from here on, so nobody may go on believing."""
        with self.lock:
            for listener in self._listeners.all():
                listener.cut_off(error)

    def _wait_s(self) -> float:
        next_s = self.timers.next_s()
        return IDLE_S if next_s is None else min(IDLE_S, max(0.0, next_s - elapsed_s()))

    def _hand_over(self, request: Request) -> None:
        sent_s, is_corrected = elapsed_s(), request.is_corrected

        def on_delivery(error: KafkaError | None, message: Message) -> None:
            if error is None and is_corrected:
                request.corrected.add(message.offset() or 0)
            self._on_delivery(request, error, message, sent_s)

        request.attempts += 1
        now_ms = self.clock.now_ms()
        headers = request.draft.headers(now_ms, now_ms - int((sent_s - request.asked_s) * 1000))
        self._link.produce(request.draft, headers, on_delivery)

    def _hand_over_again(self, request: Request) -> None:
        """As `_hand_over`, for the background thread: nothing is raised, what does not fit is tried later."""
        with self.lock:
            if request not in self.pending or request.remaining_s == 0:
                return
        try:
            self._hand_over(request)
        except BufferError:
            self._schedule(request, elapsed_s() + AGAIN_S, self._hand_over_again)
        except ClientError as error:
            self._fail(request, error)

    def _on_delivery(self, request: Request, error: KafkaError | None, message: Message, sent_s: float) -> None:
        if error is None:
            request.offsets.append(message.offset() or 0)
            self._learn(message.timestamp()[1], sent_s)
            with self.lock:
                self._judge_stale(request)
        elif error.code() in FINAL_ERRORS:
            self._fail(request, self._link.not_taken(request.draft, error))
        else:  # it may be in the log or not: the same id makes it one message either way
            self._schedule(request, elapsed_s() + AGAIN_S, self._hand_over_again)

    def _learn(self, append_ms: int, sent_s: float) -> None:
        self.clock.learn(append_ms, sent_s=sent_s, reported_s=elapsed_s())
        self.clock.warn_once()

    def _on_heard(self, heard: Heard) -> None:
        value = heard.record.value or b""
        event = read_event(value) if self._listeners.may_concern(value) else None
        if event is None:
            return
        with self.lock:
            asked = self.pending.find(event)
            if not asked and not heard.is_next:
                return  # it was heard before
            for listener in self._listeners.concerned(event):
                listener.hear(event)
            left = self.pending.find_given_up(event)
            followed = self.pending.follow(event)
            for request in asked:
                if event.decision not in {known.decision for known in request.events}:
                    self._on_answer(request, event)
            if heard.is_next:
                waiting = [*asked, *(request for request in followed if not request.is_left)]
                self._on_news(event, left, {request.draft.source for request in waiting})
        for request in followed:
            if request.on_progress is not None:
                self.callbacks.add(partial(request.on_progress, event))

    def _on_news(self, event: Event, left: list[Request], told: set[str]) -> None:
        """Something that happened to an agent, or an answer after its caller had left."""
        for request in left:
            self._on_late_answer(request, event)
            if event.kind in ("granted", "confirmed", "renewed", "ended"):
                told.add(request.draft.source)
        for agent in dict.fromkeys(event.recipients):
            for listener in self._listeners.of(agent):
                listener.notice(event)
                if agent not in told:
                    listener.tell(event)

    def _on_late_answer(self, left: Request, event: Event) -> None:
        if left.is_decided_by(event):
            left.close_with(event)
        elif left.draft.type == CLAIM and left.is_last(event):
            left.events = [event]
            self.pending.close_given_up(left)
            self._after(left)

    def _on_answer(self, request: Request, event: Event) -> None:
        if event.kind == "duplicate":
            self._on_duplicate(request, event)
        elif event.kind == "refused" and event.reason == GateReason.STALE:
            request.stale[event.decision] = event
            if request.is_corrected:
                self._judge_stale(request)
            else:
                self._correct(request, event)
        else:
            request.events.append(event)
            if request.is_last(event):
                self._finish(request)
            elif event.kind == "fact" and request.stated_s is None:
                request.stated_s = elapsed_s()
                self._schedule(request, request.stated_s + TOGETHER_S, self._finish)

    def _judge_stale(self, request: Request) -> None:
        """Copies that left with the wrong time are void; it is over only if one with the right time is stale, too."""
        final = [one for one in request.stale.values() if one.src.rpartition("/")[2] in map(str, request.corrected)]
        if final and request in self.pending:
            request.events.append(final[0])
            self._finish(request)

    def _correct(self, request: Request, event: Event) -> None:
        """The local clock was wrong: now that the broker's time is known, say the same with the right one."""
        request.is_corrected = True
        if not self.clock.is_learned:
            self._learn(event.at_ms, request.began_s)
        if request.attempts == 1:
            request.began_s = elapsed_s()  # the first one is void, so nothing can be counted from it
        self._hand_over_again(request)
        if request.is_echoed:  # the echo left with the wrong time as well
            self._hand_over_again(request)

    def _on_duplicate(self, request: Request, event: Event) -> None:
        """It was judged before: by an answer that is on its way, or long ago by another process of this agent."""
        first = str(event.fields.get("of", "")).rpartition(".")[2]
        request.has_passed = True
        if request.until == "forwarded":
            if not request.events:
                request.events.append(event)
                self._finish(request)
            return
        if first.isdigit() and int(first) not in request.offsets and not request.is_looked_up:
            request.is_looked_up = True
            with contextlib.suppress(RuntimeError):  # an interpreter that ends starts no thread, and waits for nothing
                self.around.aside("agentbus-look", partial(self._look_back, request, event, int(first))).start()

    def _look_back(self, request: Request, event: Event, first: int) -> None:
        try:
            found = first_answer(self.settings, self.lane, first, request, at_ms=event.at_ms)
        except (ClientError, KafkaException) as error:
            _log.warning("the first answer to %s could not be looked up: %s", request.draft.id, error)
            return
        with self.lock:
            if not found or request not in self.pending or request.events:
                return
            for one in found:
                request.follow(one)
            request.events += [one for one in found if request.takes(one)]
            if request.events and (any(map(request.is_last, request.events)) or not request.is_undecided):
                self._finish(request)

    def _ask_again(self, request: Request) -> None:
        """Nothing was said: have the gate say at least that it has judged the message, by sending it once more."""
        with self.lock:
            is_open = request in self.pending and not request.events and not request.is_echoed
            request.is_echoed = True
        if is_open:
            self._hand_over_again(request)

    def _finish(self, request: Request) -> None:
        with self.lock:
            if self.pending.remove(request):
                if request.held is not None and request.is_undecided:
                    self.pending.stand(request)
                self._after(request)
                request.future.set_result(tuple(request.events))

    def _fail(self, request: Request, error: ClientError) -> None:
        with self.lock:
            if self.pending.remove(request):
                request.events.clear()
                self._after(request)
                request.future.set_exception(error)

    def _fail_all(self, error: ClientError) -> None:
        with self.lock:
            for request in self.pending.all():
                self._fail(request, error)

    def _time_out(self, request: Request) -> None:
        with self.lock:
            if error := self.give_up(request):
                request.future.set_exception(error)

    def _after(self, request: Request) -> None:
        """It is answered, failed or given up: those who hold something hear of it before its caller does."""
        for timer in request.timers:
            self.timers.cancel(timer)
        request.timers.clear()
        if request.events and request.when_answered is not None:
            request.when_answered(request)
        if request.draft.type == CLAIM:
            for listener in self._listeners.of(request.draft.source):
                listener.settle(request.draft.subject)

    def _schedule(self, request: Request, when_s: float, step: Callable[[Request], None]) -> None:
        with self.lock:
            request.timers = [timer for timer in request.timers if timer.task is not None]
            request.timers.append(self.timers.at(when_s, partial(step, request)))

    def is_listened_for(self, agent: str) -> bool:
        """Does anybody speak as this agent here?"""
        with self.lock:
            return bool(self._listeners.of(agent))

    def is_used(self, agent: str, subject: str, token: int) -> bool:
        """Does anybody on this connection use this lease of the agent?"""
        with self.lock:
            return any(listener.holds(subject, token) for listener in self._listeners.of(agent))
