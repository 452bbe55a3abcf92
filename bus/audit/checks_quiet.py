"""Check 7: is the bus quiet, with everything decided, sent and released? A busy one is still moving, and no fault."""

from bus.audit.book import Book
from bus.audit.evidence import GATE_GROUP, Evidence
from bus.audit.findings import Check
from bus.core.log import topics


def check_quiet(book: Book, check: Check) -> None:
    """Compare the marks with the ends."""
    for place, offset, sentence in book.flaws:
        if place[0] == topics.PUBLISHED:
            check.find(place, offset, sentence)
    if not book.evidence.marks:
        check.leave_out("the groups' marks are not there")
        return
    for lane, gate in book.gates.items():
        place = (topics.incoming(lane), 0)
        _forwarded(book.evidence, lane, check)
        _sent(gate.chain.place[0], 0, gate.chain.next_journal_offset, book.gate_mark(lane), check)
        log = book.evidence.logs.get(place)
        if log is not None and gate.chain.next_input < log.end:
            check.still_moving(f"{place[0]}/0: the gate is at {gate.chain.next_input} of {log.end}")
    for p, arbiter in book.arbiters.items():
        _sent(topics.JOURNAL, p, arbiter.chain.next_journal_offset, book.arbiter_mark(p), check)
        log = book.evidence.log(topics.ARBITER, p)
        if log is not None and arbiter.chain.next_input < log.end:
            check.still_moving(f"{topics.ARBITER}/{p}: the arbiter is at {arbiter.chain.next_input} of {log.end}")
        _released(book, p, check)


def _forwarded(evidence: Evidence, lane: str, check: Check) -> None:
    place = (topics.incoming(lane), 0)
    log, mark = evidence.logs.get(place), evidence.mark(GATE_GROUP, place)
    if log is None or mark is None:
        check.leave_out(f"{place[0]}: its end or the mark of {GATE_GROUP} is not there")
        return
    check.count("marks")
    if mark > log.end:
        check.find(place, None, f"the log ends at {log.end}, yet the gate has forwarded up to {mark}: its tail was cut")
    elif mark < log.end:
        check.still_moving(f"{place[0]}/0: forwarded up to {mark} of {log.end}")


def _sent(topic: str, partition: int, end: int, mark: int | None, check: Check) -> None:
    """A mark beyond the end is a finding of the chain."""
    if mark is None:
        check.leave_out(f"{topic}/{partition}: its published mark is not there")
        return
    check.count("marks")
    if mark < end:
        check.still_moving(f"{topic}/{partition}: sent up to {mark} of {end}")


def _released(book: Book, p: int, check: Check) -> None:
    end, mark = book.arbiters[p].chain.next_journal_offset, book.released.get(p)
    if mark is None:
        if any(not topic.startswith("bus.") for topic, _ in book.evidence.logs):
            check.still_moving(f"{topics.JOURNAL}/{p}: no publisher has said yet how far it is")
        return
    check.count("marks")
    log = book.evidence.log(topics.JOURNAL, p)
    if log is not None and mark > log.end:
        text = f"the journal ends at {log.end}, yet the publisher has released up to {mark}: its tail was cut"
        check.find((topics.JOURNAL, p), None, text)
    elif mark < end:
        check.still_moving(f"{topics.JOURNAL}/{p}: released up to {mark} of {end}")
