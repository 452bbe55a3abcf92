"""Follows one journal record by record without keeping it: is it one chain, and how far has it come?

The rules are those of an audit (bus/audit/chains.py), for a journal of any length. A watch may begin in the middle:
then the first segment it meets stands for all before it, and what cannot be told from there it leaves open.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from bus.core.log.journal import Tip, advance, continues, parse_segment
from bus.core.log.records import Record, digest

REMEMBERED_MAX = 2_000  # segments whose successors may still come: an owner that lost the race stops within seconds
FINDINGS_MAX = 5  # one changed segment voids all that follow; the first places tell where to look


@dataclass(slots=True)
class ChainWatch:
    """What has been seen of one journal. Times are append times in epoch milliseconds."""

    next_offset: int
    is_from_start: bool
    tip: Tip = field(default_factory=Tip)
    chain_end: int = 0  # the offset after the last valid segment
    segments: int = 0
    void: int = 0
    breaks: list[str] = field(default_factory=list)
    suspect: int | None = None  # a segment that names a predecessor nobody has, until something valid follows
    engines: set[str] = field(default_factory=set)
    control: int | None = None
    control_sent: int | None = None  # how far control is known to have been sent; None if the marks do not tell
    next_input: int | None = None
    took_over_at: list[int] = field(default_factory=list)
    stalled: dict[str, int] = field(default_factory=dict)  # lane -> when a tick last left it out
    gaps: list[tuple[int, int]] = field(default_factory=list)  # first and last input that was lost, and accepted
    _numbered: list[tuple[int, int]] = field(default_factory=list)  # offset -> the control number from there on
    _seqs: OrderedDict[str, int] = field(default_factory=OrderedDict)

    def take(self, record: Record) -> None:
        """Take in the next record of the journal."""
        if record.offset > self.next_offset:
            self._broken(record.offset, f"offsets {self.next_offset} to {record.offset - 1} are missing")
        self.next_offset = record.offset + 1
        value = record.value or b""
        segment = parse_segment(value)
        if segment is None or not isinstance(segment.get("seq"), int):
            self.void += 1
            self._broken(record.offset, "the record is no segment of the bus")
            return
        if not self.is_from_start and not self.segments:
            self.tip = Tip(segment["seq"] - 1, str(segment.get("prev", "")))  # what stands before is not looked at
        if continues(self.tip, segment):
            self._continue(record, segment, value)
        else:
            self._void(record.offset, segment)
        self._seqs[digest(value)] = segment["seq"]
        while len(self._seqs) > REMEMBERED_MAX:
            self._seqs.popitem(last=False)

    def close(self, log_end: int, mark: int | None) -> None:
        """The journal has been read to ``log_end``; below ``mark`` everything had been sent."""
        if self.suspect is not None:
            self._broken(self.suspect, "the segment names a predecessor that is not there: one of the two was changed")
        if self.next_offset < log_end:
            self._broken(self.next_offset, f"the tail was cut: the log ends at {log_end}")
        sent = [number for offset, number in self._numbered if mark is not None and offset < mark]
        self.control_sent = sent[-1] if sent else None
        if mark is not None and mark > log_end:
            self._broken(log_end, f"the tail was cut: everything below {mark} had been sent")
        elif mark is not None and self.segments and mark > self.chain_end and self.suspect is None:
            self._broken(self.chain_end, f"the chain ends here, yet everything below {mark} had been sent")

    @property
    def needs_more(self) -> bool:
        """Begun in the middle, it cannot tell a lost race from a changed segment: only the whole journal does."""
        return not self.is_from_start and (self.void > 0 or bool(self.breaks) or self.suspect is not None)

    def _continue(self, record: Record, segment: dict[str, Any], value: bytes) -> None:  # Any: JSON
        self.tip = advance(self.tip, value)
        self.chain_end = record.offset + 1
        self.segments += 1
        self.suspect = None
        self.engines.add(str(segment.get("engine", "")))
        match segment.get("kind"):
            case "genesis":
                self.next_input = 0
            case "takeover":
                self.took_over_at.append(record.timestamp_ms)
                del self.took_over_at[:-REMEMBERED_MAX]
            case "gate":
                self.control, self.next_input = _control_after(segment), _next(segment)
            case "arbiter":
                self.next_input = _next(segment)
                for entry in segment.get("entries", ()):
                    self._entry(entry, record.timestamp_ms)
            case "gap":  # lost before it was judged, and accepted
                self.next_input = _next(segment)
                self.gaps.append((segment.get("from", 0), segment.get("to", 0)))
                del self.gaps[:-REMEMBERED_MAX]
            case other:
                self._broken(record.offset, f"the segment is of kind {other}, which this version does not know")
        if self.control is not None and (not self._numbered or self._numbered[-1][1] != self.control):
            self._numbered.append((record.offset, self.control))
            del self._numbered[:-REMEMBERED_MAX]

    def _entry(self, entry: dict[str, Any], at_ms: int) -> None:  # Any: JSON
        if "basis" in entry:
            self.control = entry["basis"].get("control", self.control)
        for lane in entry.get("stalled", ()):
            self.stalled[str(lane)] = at_ms

    def _void(self, offset: int, segment: dict[str, Any]) -> None:  # Any: JSON
        self.void += 1
        known = self._seqs.get(str(segment.get("prev")))
        if known is not None and segment["seq"] != known + 1:
            self._broken(offset, f"the segment has seq {segment['seq']} and names the one with seq {known}")
        elif known is None and segment["seq"] == self.tip.seq + 1 and self.suspect is None:
            self.suspect = offset

    def _broken(self, offset: int, sentence: str) -> None:
        if len(self.breaks) < FINDINGS_MAX:
            self.breaks.append(f"offset {offset}: {sentence}")


def _control_after(segment: dict[str, Any]) -> int | None:  # Any: JSON
    """The number in force after a gate's segment: its own, or the one that its last row has accepted."""
    rows, number = segment.get("rows", ()), segment.get("control")
    is_change = bool(rows) and len(rows[-1][7]) > 1  # an accepted change goes to all partitions, two at least
    return number + 1 if is_change and isinstance(number, int) else number


def _next(segment: dict[str, Any]) -> int | None:  # Any: JSON
    return segment["to"] + 1 if isinstance(segment.get("to"), int) else None
