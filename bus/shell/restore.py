"""Restore a partition's state: the newest good snapshot and the journal behind it, or the journal from its beginning.

looking for a snapshot -> reading it -> folding the journal to the end the broker names
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, Message, TopicPartition

from bus import ENGINE
from bus.core.log.journal import Tip, advance, continues, parse_segment
from bus.core.log.records import digest
from bus.shell import kafka
from bus.shell.errors import FatalError, RetryableError
from bus.shell.snapshots.keeper import fits
from bus.shell.snapshots.loading import Loading, UnusableError
from bus.shell.snapshots.records import Snapshot
from bus.shell.snapshots.shelf import Shelf
from bus.shell.snapshots.standing import standing_of
from bus.shell.stage import Stage
from bus.shell.surroundings import surroundings_of

STEP_S = 0.02  # a restore goes on in small steps: it must not stall the other partitions of this process
RUNBOOK = "docs/runbook.md#history_gap"


@dataclass(slots=True)
class Restoration:
    """One pass over a journal; `step` until it returns the end offset.

    ``mark`` is the published mark: journal offsets below it have been sent. ``unpublished`` holds the journal offsets
    of the segments that may not have been. ``attempts`` counts, per input offset, how often it was judged alone
    without a trace of success; ``is_idle`` says that the last owner took over and got nowhere. ``since`` is the
    snapshot it began with, ``records`` how many inputs were judged behind it.
    """

    stage: Stage
    mark: int
    shelf: Shelf | None = None
    tip: Tip = field(default_factory=Tip)
    unpublished: deque[int] = field(default_factory=deque)
    attempts: dict[int, int] = field(default_factory=dict)
    is_idle: bool = False
    void_segments: int = 0
    since: Snapshot | None = None
    records: int = 0
    _is_found: bool = False
    _loading: Loading | None = None
    _reader: Consumer | None = None
    _waiting: deque[Message] = field(default_factory=deque)
    _progress_s: float = 0.0

    def step(self, config: kafka.ClientConfig, now_s: float) -> int | None:
        """Do a bounded piece; the journal's end offset once it is reached, else None.

        Raises `FatalError` if the journal is not this input's or begins too late, `RetryableError` if it is silent.
        """
        if not self._is_found:
            self._find()
        elif self._loading is not None:
            self._load(self._loading, config)
        else:
            return self._read(config, now_s)
        return None

    def close(self) -> None:
        """Give the reader back."""
        if self._loading is not None:
            self._loading.close()
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    # ---- the snapshot ---------------------------------------------------------------------------------

    def _find(self) -> None:
        standing = standing_of(self.stage, -1, self.tip)
        if self.shelf is not None and not self.shelf.look(standing.key):
            return
        self._is_found = True
        found = self.shelf.newest(standing.key) if self.shelf is not None else None
        if found is not None and fits(found, standing):
            _check_engine(found.engine)
            self.since = found
            self._loading = Loading(found, self.stage.state_reader())

    def _load(self, loading: Loading, config: kafka.ClientConfig) -> None:
        try:
            if not loading.step(config, STEP_S):
                return
        except UnusableError:
            self._spoil()
            raise
        self._loading = None
        where = loading.snapshot.standing
        self.tip, self.mark = Tip(where.seq, where.prev), max(self.mark, where.offset + 1)

    def _spoil(self) -> None:
        assert self.shelf is not None, "a snapshot was found on a shelf"
        assert self.since is not None, "one was found"
        self.shelf.spoil(self.since)

    # ---- the journal ----------------------------------------------------------------------------------

    def _read(self, config: kafka.ClientConfig, now_s: float) -> int | None:
        if self._reader is None:
            self._open(config)
            self._progress_s = now_s
        assert self._reader is not None, "it was just opened"
        if not self._waiting:
            self._waiting.extend(kafka.fetch(self._reader, STEP_S))
            if self._waiting:
                self._progress_s = now_s
            elif now_s - self._progress_s > kafka.WATCHDOG_S:
                raise RetryableError("the journal does not answer")
        around = surroundings_of(config)
        until_s = around.now_s() + STEP_S
        while self._waiting:
            message = self._waiting.popleft()
            if kafka.is_end(message):
                self.close()
                return message.offset() or 0
            if error := message.error():
                raise kafka.read_error(error, self.stage.journal, self.stage.partition)
            self._fold(message)
            if around.now_s() >= until_s:
                break
        return None

    def _open(self, config: kafka.ClientConfig) -> None:
        self._reader = kafka.reader(config)
        place = (self.stage.journal, self.stage.partition)
        start, wanted = 0, 0
        if self.since is not None:
            wanted = self.since.standing.offset + 1
            start = wanted - 1  # its last segment is looked at once more: is it the same chain?
        first, end = kafka.ends(self._reader, *place)
        if first > wanted or end < wanted:
            gone = f"begins at {first}" if first > wanted else f"ends at {end}"
            text = f"{place[0]}/{place[1]} {gone}, and no snapshot leads there: {wanted} is needed"
            raise FatalError("history_gap", text, f"bring its records back; see {RUNBOOK}")
        self._reader.assign([TopicPartition(*place, max(first, start))])

    def _fold(self, message: Message) -> None:
        value, offset = message.value() or b"", message.offset() or 0
        if self.since is not None and offset <= self.since.standing.offset:
            self._check_chain(value, self.since)
            return
        segment = parse_segment(value)
        if segment is None or not continues(self.tip, segment):
            self.void_segments += 1
            return
        self.tip = advance(self.tip, value)
        match segment["kind"]:
            case "genesis":
                self._check_genesis(segment)
            case "takeover":
                self._fold_takeover(segment)
            case _:
                self._fold_decisions(segment, offset)

    def _check_chain(self, value: bytes, since: Snapshot) -> None:
        if digest(value) != since.standing.prev:
            self._spoil()
            text = f"the snapshot of {since.standing.key} is about another chain than {self.stage.journal}"
            raise UnusableError(text, "the restore begins at an older one")

    def _fold_decisions(self, segment: dict[str, Any], offset: int) -> None:  # Any: JSON
        _check_engine(segment.get("engine"))
        is_published = offset < self.mark
        self.stage.fold(segment, is_published=is_published)
        if not is_published:
            self.unpublished.append(offset)
        if segment["to"] >= segment["from"]:
            self.records += segment["to"] - segment["from"] + 1
            self.attempts.clear()
            self.is_idle = False

    def _fold_takeover(self, segment: dict[str, Any]) -> None:  # Any: JSON
        self.mark = max(self.mark, segment["mark"])
        published = 0
        while self.unpublished and self.unpublished[0] < self.mark:
            self.unpublished.popleft()
            published += 1
        if published:
            self.stage.mark_published(published)
        if "probe" in segment:
            self.attempts[segment["probe"]] = self.attempts.get(segment["probe"], 0) + 1
        else:
            offset = self.stage.next_offset
            self.attempts[offset] = max(0, self.attempts.get(offset, 0) - segment.get("survived", 0))
            self.is_idle = True

    def _check_genesis(self, segment: dict[str, Any]) -> None:  # Any: JSON
        _check_engine(segment.get("engine"))
        wanted = self.stage.genesis()
        if any(segment.get(name) != wanted[name] for name in wanted if name != "engine"):
            next_step = "a re-created lane gets a new name; a new cluster or partition count is a migration"
            raise FatalError("foreign_journal", f"{self.stage.journal} was begun for another input", next_step)


def _check_engine(engine: object) -> None:
    written = tuple(int(part) for part in str(engine).split("."))
    if written > tuple(int(part) for part in ENGINE.split(".")):
        text = f"engine {engine} wrote this journal, this is {ENGINE}"
        raise FatalError("engine_newer", text, "upgrade this process; see docs/runbook.md#engine_newer")
