"""Folds a journal into its valid chain, and tells a segment that lost a race from one that was tampered with.

Void segments are no fault: of two owners that write at once one loses, and a lost append voids what was sent behind
it. But no owner can have written these:

1. a record that is no segment at all;
2. a segment whose ``seq`` is not the one after the segment it names;
3. a segment with the number the chain waits for, which names a predecessor that is not there, and nothing valid after
   it: the predecessor was changed;
4. void segments at the end of the log that a mark says were final;
5. a hole in the log, or an end before the mark: records were taken away.
"""

from dataclasses import dataclass, field
from typing import Any

from bus.audit.evidence import Log, Place
from bus.audit.findings import span
from bus.core.log.journal import Tip, advance, continues, parse_segment
from bus.core.log.records import canonical, digest

_DECISIONS = {"gate": "rows", "arbiter": "entries"}


@dataclass(frozen=True, slots=True)
class Segment:
    """A valid segment: its offset in the journal, and what it says."""

    offset: int
    body: dict[str, Any]  # Any: JSON

    @property
    def kind(self) -> str:
        """``genesis``, ``takeover``, ``gap``, ``gate`` or ``arbiter``."""
        return str(self.body.get("kind"))

    @property
    def items(self) -> list[Any]:  # Any: JSON
        """The rows or entries; none if it is no segment of decisions."""
        return list(self.body[_DECISIONS[self.kind]]) if self.kind in _DECISIONS else []


@dataclass(slots=True)
class Chain:
    """The valid chain of one journal; ``breaks`` are offsets and sentences of what no owner can have written."""

    place: Place
    segments: list[Segment] = field(default_factory=list)
    void: list[int] = field(default_factory=list)
    breaks: list[tuple[int | None, str]] = field(default_factory=list)
    tip: Tip = field(default_factory=Tip)
    next_journal_offset: int = 0
    next_input: int = 0

    @property
    def gaps(self) -> list[Segment]:
        """Where records were lost before anybody judged them, and a person accepted that."""
        return [segment for segment in self.segments if segment.kind == "gap"]


def fold_chain(place: Place, log: Log, mark: int | None) -> Chain:
    """Fold a journal; ``mark`` is the journal offset below which its owner said that all was sent, if it is known."""
    chain = Chain(place)
    if log.first > 0:
        chain.breaks.append((None, f"the journal begins at offset {log.first}: the segments before it are gone"))
        return chain
    seqs: dict[str, object] = {}
    suspect: int | None = None  # rule 3, unless something valid follows
    for record in log.records:
        value = record.value or b""
        segment = parse_segment(value)
        if segment is None or not isinstance(segment.get("seq"), int):
            chain.void.append(record.offset)
            chain.breaks.append((record.offset, "the record is no segment of the bus"))
            continue
        if continues(chain.tip, segment):
            _take(chain, record.offset, segment, value)
            suspect = None
        else:
            chain.void.append(record.offset)
            known = seqs.get(str(segment.get("prev")))
            if known is not None and segment["seq"] != known + 1:  # type: ignore[operator]  # only integers are kept
                text = f"the segment has seq {segment['seq']} and names the one with seq {known}"
                chain.breaks.append((record.offset, text))
            elif known is None and segment["seq"] == chain.tip.seq + 1 and suspect is None:
                suspect = record.offset
        seqs[digest(value)] = segment["seq"]
    _judge_holes(chain, log)
    _judge_end(chain, log, mark, suspect)
    return chain


def _take(chain: Chain, offset: int, segment: dict[str, Any], value: bytes) -> None:  # Any: JSON
    chain.tip = advance(chain.tip, value)
    chain.next_journal_offset = offset + 1
    if canonical(segment) != value:
        chain.breaks.append((offset, "the segment is not canonical JSON: the bus did not write it so"))
    if wrong := _misformed(chain, segment):
        chain.breaks.append((offset, wrong))
        return
    chain.segments.append(Segment(offset, segment))
    if segment["kind"] in (*_DECISIONS, "gap"):
        chain.next_input = segment["to"] + 1


def _misformed(chain: Chain, segment: dict[str, Any]) -> str:  # Any: JSON
    """Why a segment in its place cannot be read; "" if it can."""
    kind = segment.get("kind")
    if kind == "genesis":
        return ""
    if kind == "takeover":
        return "" if isinstance(segment.get("mark"), int) else "the take-over states no mark"
    if not isinstance(kind, str) or kind not in (*_DECISIONS, "gap"):
        return f"the segment is of kind {kind}, which this engine does not know"
    items = [] if kind == "gap" else segment.get(_DECISIONS[kind])
    first, to = segment.get("from"), segment.get("to")
    if type(first) is not int or type(to) is not int or not isinstance(items, list):
        return "the segment does not say what it is about"
    if first != chain.next_input:
        return f"the segment begins at input {first}, the one before ended at {chain.next_input - 1}"
    return "" if to >= first - 1 else f"the segment ends at input {to}, before it begins at {first}"


def _judge_holes(chain: Chain, log: Log) -> None:
    expected = 0
    for record in log.records:
        if record.offset > expected:
            text = f"{span(expected, record.offset - 1)} of the journal are missing"
            chain.breaks.append((record.offset, text))
        expected = record.offset + 1
    if expected < log.end:
        text = f"the tail was cut: {span(expected, log.end - 1)} of the journal are missing"
        chain.breaks.append((None, text))


def _judge_end(chain: Chain, log: Log, mark: int | None, suspect: int | None) -> None:
    last = chain.next_journal_offset - 1
    if suspect is not None:
        count = sum(1 for offset in chain.void if offset >= suspect)
        text = (
            f"this segment and the one at offset {suspect}, which names it by its hash, do not fit together any more:"
            f" one of them was changed; {count} segments lost their place by it"
        )
        chain.breaks.append((last, text))
    if mark is not None and mark > log.end:
        text = f"the tail was cut: the journal ends at offset {log.end}, yet everything below {mark} had been sent"
        chain.breaks.append((None, text))
    elif mark is not None and mark > last + 1 and suspect is None:
        text = f"the valid chain ends here, yet everything below offset {mark} had been sent: what followed was changed"
        chain.breaks.append((last, text))
