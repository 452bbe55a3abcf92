"""Restore a partition's state: fold its journal from the first segment to the end the broker names."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, Message, TopicPartition

from bus import ENGINE
from bus.core.log.journal import Tip, advance, continues, parse_segment
from bus.shell import kafka
from bus.shell.errors import FatalError, RetryableError
from bus.shell.stage import Stage

STEP_S = 0.02  # a restore goes on in small steps: it must not stall the other partitions of this process


@dataclass(slots=True)
class Restoration:
    """One pass over a journal; `step` until it returns the end offset.

    ``mark`` is the published mark: journal offsets below it have been sent. ``unpublished`` holds the journal offsets
    of the segments that may not have been. ``attempts`` counts, per input offset, how often it was judged alone
    without a trace of success; ``is_idle`` says that the last owner took over and got nowhere.
    """

    stage: Stage
    mark: int
    tip: Tip = field(default_factory=Tip)
    unpublished: deque[int] = field(default_factory=deque)
    attempts: dict[int, int] = field(default_factory=dict)
    is_idle: bool = False
    void_segments: int = 0
    _reader: Consumer | None = None
    _progress_s: float = 0.0

    def step(self, config: kafka.ClientConfig, now_s: float) -> int | None:
        """Fold a bounded number of segments; the end offset once it is reached, else None.

        Raises `FatalError` if the journal is not this input's or begins too late, `RetryableError` if it is silent.
        """
        if self._reader is None:
            self._reader = kafka.reader(config)
            self._reader.assign([TopicPartition(self.stage.journal, self.stage.partition, 0)])
            self._progress_s = now_s
        messages = kafka.fetch(self._reader, STEP_S)
        if messages:
            self._progress_s = now_s
        elif now_s - self._progress_s > kafka.WATCHDOG_S:
            raise RetryableError("the journal does not answer")
        for message in messages:
            if kafka.is_end(message):
                self.close()
                return message.offset() or 0
            if error := message.error():
                raise kafka.read_error(error, self.stage.journal, self.stage.partition)
            self._fold(message)
        return None

    def close(self) -> None:
        """Give the reader back."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _fold(self, message: Message) -> None:
        value, offset = message.value() or b"", message.offset() or 0
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

    def _fold_decisions(self, segment: dict[str, Any], offset: int) -> None:  # Any: JSON
        _check_engine(segment)
        is_published = offset < self.mark
        self.stage.fold(segment, is_published=is_published)
        if not is_published:
            self.unpublished.append(offset)
        if segment["to"] >= segment["from"]:
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
            self.is_idle = True

    def _check_genesis(self, segment: dict[str, Any]) -> None:  # Any: JSON
        _check_engine(segment)
        wanted = self.stage.genesis()
        if any(segment.get(name) != wanted[name] for name in wanted if name != "engine"):
            next_step = "a re-created lane gets a new name; a new cluster or partition count is a migration"
            raise FatalError("foreign_journal", f"{self.stage.journal} was begun for another input", next_step)


def _check_engine(segment: dict[str, Any]) -> None:  # Any: JSON
    written = tuple(int(part) for part in str(segment.get("engine")).split("."))
    if written > tuple(int(part) for part in ENGINE.split(".")):
        text = f"engine {segment.get('engine')} wrote this journal, this is {ENGINE}"
        raise FatalError("engine_newer", text, "upgrade this process")
