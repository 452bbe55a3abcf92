"""The owner of one partition: takes over its journal, appends what the stage decides, and sends what is final.

RESTORING --- end of journal ---> CLAIMING --- acknowledged in place ---> RUNNING
    ^                                |                                       |
    '------ somebody was first ------'-------- any hole, error, silence -----'

1. A segment is final when it is acknowledged at exactly the offset after the final one before it.
2. Only what is final is sent; an output that fails ends the ownership: sending again in order mends it.
3. The published mark moves only over segments whose outputs are all acknowledged.
4. There is one way out of every trouble: drop everything, back off, take over again.
"""

from collections import deque

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from bus import ENGINE
from bus.core.log.journal import Tip, seal
from bus.core.log.records import Output, Record
from bus.shell import kafka
from bus.shell.errors import BusError, FatalError, NotPermittedError, RetryableError
from bus.shell.flight import Flight
from bus.shell.input_check import gap_draft, lost_until
from bus.shell.links import Links
from bus.shell.phase import Phase
from bus.shell.restore import Restoration
from bus.shell.snapshots.taking import Taking
from bus.shell.stage import Draft, Stage, StageMaker
from bus.shell.surroundings import surroundings_of
from bus.shell.suspicion import Suspicion

IN_FLIGHT_MAX = 8  # appends under way at once: more would only lengthen what a lost one throws away
WAITING_RECORDS_MAX = 5_000  # fetched and not yet judged; beyond it the consumer waits
BACK_OFF_REFUSED_S = (8.0, 16.0)  # an ACL that is missing comes back by hand
BACK_OFF_S = (1.0, 3.0)  # two that take over in turns must not keep step
TOPIC_GONE = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION)
JUDGE_S_MAX = 1.0  # a stage that reads older records takes its time: what is under way is looked at in between
COMMIT_AGAIN_S = 30.0  # a commit that the client repeats may overtake a newer one: what is quiet says its offsets again
LOOK_AT_JOURNAL_EVERY_S = 5.0  # an owner that has nothing to append would not notice another one

log = structlog.get_logger("bus.owner")


class Owner:
    """One partition of one stage, driven by `advance` from the worker loop: one thread, no lock."""

    def __init__(self, links: Links, make_stage: StageMaker, now_s: float) -> None:
        self._links = links
        self._around = surroundings_of(links.config)
        self._make_stage = make_stage
        self._session = 0
        self._begin(now_s)

    def _begin(self, not_before_s: float) -> None:
        """Start from nothing; what an older session still hears of is ignored."""
        self._session += 1
        self.stage: Stage = self._make_stage()
        self.phase = Phase.RESTORING
        self._not_before_s = not_before_s
        self._restoration: Restoration | None = None
        self._tip = Tip()
        self._end = 0  # the journal offset that the next append must get
        self._mark = 0
        self._input_done = -1
        self._waiting: deque[Record] = deque()
        self._flights: deque[Flight] = deque()
        self._is_positioned = False
        self._is_paused = False
        self._suspicion = Suspicion(self._around)
        self._committed_s = 0.0
        self._is_dirty = False
        self._looked_s = not_before_s
        self._trouble = ""
        self._taking = Taking(self._links.keeper, self._make_stage)

    @property
    def is_busy(self) -> bool:
        """Is something under way that another look may finish?"""
        return bool(self._flights or self._waiting) or self.phase in (Phase.RESTORING, Phase.CLAIMING)

    def _pace(self) -> None:
        """Fetch no more while enough waits; the other partitions of the process go on."""
        if len(self._waiting) >= WAITING_RECORDS_MAX and not self._is_paused:
            self._links.consumer.pause([TopicPartition(self.stage.topic, self.stage.partition)])
            self._is_paused = True
        elif len(self._waiting) < WAITING_RECORDS_MAX // 2 and self._is_paused:
            self._links.consumer.resume([TopicPartition(self.stage.topic, self.stage.partition)])
            self._is_paused = False

    def offer(self, record: Record) -> None:
        """Take a fetched record; what is below the position, or comes at the wrong time, is dropped."""
        if self.phase is not Phase.RUNNING or not self._is_positioned:
            return
        wanted = self._waiting[-1].offset + 1 if self._waiting else self.stage.next_offset
        if record.offset > wanted:
            self._fill(wanted, record.offset - 1)
        if record.offset >= wanted:
            self._waiting.append(record)

    def _fill(self, first: int, last: int) -> None:
        """Fetch offsets that were not delivered; a transaction's marker is none, anything else must not be skipped."""
        try:
            missing = kafka.read_range(self._links.config, self.stage.topic, self.stage.partition, first, last)
        except BusError as error:  # the next take-over looks at the input, and stops this partition alone if it must
            self.lose(str(error))
        else:
            self._waiting.extend(missing[offset] for offset in sorted(missing))

    def lose(self, why: str) -> None:
        """Note trouble; the next `advance` acts on it."""
        self._trouble = self._trouble or why

    def restart(self, why: str, now_s: float) -> None:
        """Drop everything, back off, take over again."""
        log.warning("ownership_lost", **self._where, why=why)
        self._links.metrics.lost(self.stage.journal)
        self.stop()
        self._begin(now_s + self._around.uniform(*(BACK_OFF_REFUSED_S if self._links.refused else BACK_OFF_S)))

    def commit_again(self) -> None:
        """A commit failed: make it again when it suits."""
        self._is_dirty = True

    def stop(self) -> None:
        """Give the partition up; what is under way is nobody's any more."""
        if self._restoration is not None:
            self._restoration.close()
        self._suspicion.close()
        self._session += 1
        self._flights.clear()
        self._waiting.clear()
        self.phase = Phase.STOPPED

    def advance(self, now_s: float) -> None:
        """Do what can be done now, without waiting."""
        try:
            if self._trouble:
                raise RetryableError(self._trouble)
            if self.phase is Phase.RESTORING and now_s >= self._not_before_s:
                self._restore(now_s)
            elif self.phase is Phase.CLAIMING:
                self._watch(now_s)
                if all(flight.is_final for flight in self._flights):
                    self._own(now_s)
            elif self.phase is Phase.RUNNING:
                self._run(now_s)
        except FatalError as error:
            log.error("partition_stopped", **self._where, code=error.code, why=error.message, next=error.next_step)
            self._links.metrics.stopped(self.stage.journal, error.code)
            self.stop()
        except (RetryableError, KafkaException) as error:
            self._links.refused = error if isinstance(error, NotPermittedError) else self._links.refused
            self.restart(str(error), now_s)

    @property
    def _where(self) -> dict[str, object]:
        return {"journal": self.stage.journal, "partition": self.stage.partition}

    # ---- taking over ----------------------------------------------------------------------------------

    def _restore(self, now_s: float) -> None:
        if self._restoration is None:
            place = (self.stage.journal, self.stage.partition)
            mark = kafka.committed(self._links.marks, [place])[place]
            self._restoration = Restoration(self.stage, mark, self._links.shelf)
        end = self._restoration.step(self._links.config, now_s)
        if end is not None:
            self._claim(self._restoration, end, now_s)

    def _claim(self, restored: Restoration, end: int, now_s: float) -> None:
        self._tip, self._end, self._mark = restored.tip, end, restored.mark
        self.phase = Phase.CLAIMING
        if self._tip.seq == -1:
            self._append(Draft(self.stage.genesis(), self.stage.next_offset - 1), now_s)
        self._append(self._takeover(self.stage.next_offset - 1), now_s)

    def _takeover(self, to: int, **more: int) -> Draft:
        if self._untold and not more:
            more = {"survived": self._untold}
        body = {"kind": "takeover", "engine": ENGINE, "nonce": self._around.nonce(), "mark": self._mark, **more}
        return Draft(body, to)

    @property
    def _next(self) -> tuple[str, int, int]:
        return (self.stage.topic, self.stage.partition, self.stage.next_offset)

    @property
    def _untold(self) -> int:
        """How often this process has begun to judge the next record alone, and lives, unknown to the journal."""
        return self._links.judging.survived[self._next]

    def _own(self, now_s: float) -> None:
        """The take-over is in place: send again what may not have been sent, then go on where the journal ends."""
        restored = self._restoration
        assert restored is not None
        lost = lost_until(self._links, self.stage)
        place, span = (self.stage.topic, self.stage.partition), self.stage.unpublished_range()
        records = kafka.read_range(self._links.config, *place, *span) if span else {}
        again = zip(restored.unpublished, self.stage.redraft(records), strict=True)
        resent = [Flight(offset, now_s, draft, is_final=True, is_again=True) for offset, draft in again]
        self._flights.extendleft(reversed(resent))
        if not resent:  # the owner before may have gone between its two commits
            self._input_done, self._is_dirty = self.stage.next_offset, True
        self._suspicion.begin(restored, self._untold)
        self._links.judging.survived.pop(self._next, None)  # the take-over has told it
        self._taking.begin(restored, now_s)
        self._restoration = None
        if lost is not None:
            self._append(gap_draft(self._links, self.stage, lost), now_s)
        self.phase = Phase.RUNNING
        self._links.metrics.took_over(self.stage.journal, restored.void_segments)
        log.info("took_over", **self._where, position=self.stage.next_offset, sent_again=len(resent))

    # ---- running --------------------------------------------------------------------------------------

    def _run(self, now_s: float) -> None:
        if not self._is_positioned:
            self._position()
        self._publish(now_s)
        self._retire(now_s)
        self._watch(now_s)
        until_s = self._around.now_s() + JUDGE_S_MAX
        # A snapshot is taken where everything is published: for that it lets what is under way land, a round trip.
        is_due = self._taking.is_due(self.stage, now_s)
        room = 0 if is_due else IN_FLIGHT_MAX
        while len(self._flights) < room and self._judge(now_s) and self._around.now_s() < until_s:
            pass
        if is_due and not self._flights:
            self._taking.take(self.stage, self._end - 1, self._tip, now_s)
        self._pace()
        if not self.is_busy and now_s - self._looked_s > LOOK_AT_JOURNAL_EVERY_S:
            self._look_at_journal(now_s)

    def _position(self) -> None:
        place = TopicPartition(self.stage.topic, self.stage.partition, self.stage.next_offset)
        try:
            self._links.consumer.seek(place)
            self._links.consumer.resume([place])
        except KafkaException:  # the fetcher has not started yet; the next round tries again
            return
        self._is_positioned = True

    def _watch(self, now_s: float) -> None:
        if self._flights and now_s - self._flights[0].started_s > kafka.WATCHDOG_S:
            raise RetryableError("an append or an output was not acknowledged in time")

    def _judge(self, now_s: float) -> bool:
        """Judge what waits into one segment and append it; False if there is nothing to append."""
        count = min(len(self._waiting), kafka.POLL_RECORDS_MAX)
        if self._suspicion.is_careful and count:
            if self._flights or self._suspicion.is_open(self.stage, self._waiting[0]):
                return False
            count = 1
            self._probe(self._waiting[0].offset, now_s)
        batch = [self._waiting[i] for i in range(count)]
        at = self._next
        try:
            with self._links.judging.of(*at):
                draft, judged = self.stage.draft(batch, poison=self._suspicion.poison)
        except (BusError, KafkaException):
            raise
        except Exception:
            self._links.judging.survived.pop(at, None)  # the record did it: the probe before it counts
            raise
        if draft is None:
            return False
        for _ in range(judged):
            self._waiting.popleft()
        self._append(draft, now_s)
        self._taking.count(judged)
        if judged:
            self._suspicion.judged(draft.to)
        return True

    def _look_at_journal(self, now_s: float) -> None:
        self._looked_s = now_s
        _, end = kafka.ends(self._links.marks, self.stage.journal, self.stage.partition)
        if end != self._end:
            raise RetryableError(f"the journal ends at {end}, not at {self._end}: somebody else wrote")

    def _probe(self, offset: int, now_s: float) -> None:
        """Say in the journal which record is judged alone, so that one that kills the stage is known by it.

        Who loses the partition in between, and not its life, says so in its next take-over: that one killed nobody.
        """
        self._links.judging.survived[self._next] += 1
        self._append(self._takeover(offset - 1, probe=offset), now_s)
        if self._links.producer.flush(kafka.WATCHDOG_S):
            raise RetryableError("a probe was not acknowledged in time")
        if self._trouble:
            raise RetryableError(self._trouble)

    def _append(self, draft: Draft, now_s: float) -> None:
        value, self._tip = seal(self._tip, draft.body, draft.items)
        flight = Flight(self._end, now_s, draft)
        self._end += 1
        self._flights.append(flight)
        session = self._session

        def on_delivery(error: KafkaError | None, message: Message) -> None:
            if session != self._session:
                return
            if error is not None:
                self._note_failure("an append", error)
            elif message.offset() != flight.offset:
                self.lose(f"an append landed at {message.offset()}, not at {flight.offset}: somebody else wrote")
            else:
                flight.is_final = True
                self._links.broker_time.learn(message.timestamp()[1])

        journal, partition, key = self.stage.journal, self.stage.partition, self.stage.key()
        self._links.producer.produce(journal, value=value, key=key, partition=partition, on_delivery=on_delivery)

    def _note_failure(self, what: str, error: KafkaError) -> None:
        self.lose(f"{what} failed: {error.str()}")
        if error.code() in TOPIC_GONE:
            log.error("topic_missing", **self._where, what=what, next="`agentbus topics plan` says what to do")
        if error.code() in kafka.NOT_ALLOWED:
            self._links.refused = kafka.not_allowed(what, error)
        if error.fatal():
            self._links.fatal = error.str()

    def _publish(self, now_s: float) -> None:
        """Send the outputs of final segments, in order; stop where something must be acknowledged first."""
        for flight in self._flights:
            if flight.is_again and flight.sent == 0:
                flight.started_s = max(flight.started_s, now_s)
            if not flight.is_final or not self._send(flight):
                return

    def _send(self, flight: Flight) -> bool:
        """Send what is left of a segment's outputs; False if the next segment's must wait."""
        first, last = flight.draft.outputs, flight.draft.last
        if flight.sent < len(first) + len(last):
            on_delivery = self._acknowledging(flight)
            while flight.sent < len(first):
                if not self._produce(flight, first[flight.sent], on_delivery):
                    return False
            for output in last[flight.sent - len(first) :]:
                # One at a time: each says that everything before it is there.
                if flight.acknowledged < flight.sent or not self._produce(flight, output, on_delivery):
                    return False
        return not last or flight.is_done

    def _acknowledging(self, flight: Flight) -> kafka.OnDelivery:
        """What counts the acknowledged outputs of a flight: one for all of them."""
        session = self._session

        def on_delivery(error: KafkaError | None, message: Message) -> None:
            if session != self._session:
                return
            if error is not None:
                self._note_failure(f"an output to {message.topic()}", error)
            else:
                flight.acknowledged += 1

        return on_delivery

    def _produce(self, flight: Flight, output: Output, on_delivery: kafka.OnDelivery) -> bool:
        try:
            topic, partition, key, value, headers, _ = output
            self._links.producer.produce(
                topic, value=value, key=key, partition=partition, headers=list(headers), on_delivery=on_delivery
            )
        except BufferError:  # the client's queue is full; the next round goes on here
            return False
        except KafkaException as error:
            if error.args[0].code() != KafkaError.MSG_SIZE_TOO_LARGE:  # tidy: ok the client's name
                raise
            text = f"an output to {output.topic} is larger than the topic takes"
            raise FatalError("output_too_large", text, "report it with the record at the position") from error
        flight.sent += 1
        return True

    def _retire(self, now_s: float) -> None:
        while self._flights and self._flights[0].is_done:
            flight = self._flights.popleft()
            self._mark, self._input_done = flight.offset + 1, flight.draft.to + 1
            self._suspicion.stands(flight.draft.to)
            self._links.metrics.published(self.stage.journal, now_s - flight.started_s)
            self._is_dirty = True

    def to_commit(self, now_s: float) -> tuple[TopicPartition, TopicPartition] | None:
        """Position and mark to commit now, None if they stand; one that is too old is harmless, so nobody waits."""
        if self.phase is not Phase.RUNNING or self._input_done < 0:
            return None
        if not self._is_dirty and now_s - self._committed_s < COMMIT_AGAIN_S:
            return None
        self._committed_s, self._is_dirty = now_s, False
        position = TopicPartition(self.stage.topic, self.stage.partition, self._input_done)
        return position, TopicPartition(self.stage.journal, self.stage.partition, self._mark)
