"""Check 5: what went out is what was decided: nothing void, nothing missing, nothing in another order.

gate's rows       -> bus.arbiter, bus.out.<lane>, bus.refused
arbiter's entries -> bus.outcomes, bus.out.<lane>, bus.refused, bus.escalations
"""

from collections.abc import Callable

from bus.audit.book import ArbiterBook, Book, GateBook
from bus.audit.enclosing import Enclosing
from bus.audit.evidence import Place
from bus.audit.findings import Check
from bus.audit.matching import Matching
from bus.audit.rejudge import Rejudged
from bus.core.log import topics
from bus.core.outputs.answers import Predecessors, arbiter_outputs, entry_destinations, gate_outputs, row_destinations

_WRITTEN_BY_THE_BUS = (topics.ARBITER, topics.OUTCOMES, topics.REFUSED, topics.ESCALATIONS)


def check_outputs(book: Book, rejudged: dict[str, list[Rejudged]], check: Check) -> None:
    """Compare the topics the bus writes with what its decisions send."""
    matching = Matching(check, book.evidence.logs)
    if not _is_complete(book, check):
        return
    for place in _places(book):
        matching.read(place)
    for lane, gate in book.gates.items():
        _expect_of_gate(book, gate, rejudged[lane], matching)
    for arbiter in book.arbiters.values():
        _expect_of_arbiter(book, arbiter, matching)
    matching.finish()


def _is_complete(book: Book, check: Check) -> bool:
    """Without all journals nobody can say that an output has no decision behind it."""
    missing = [f"{topics.JOURNAL}/{p}" for p in range(book.genesis.partitions) if p not in book.arbiters]
    missing += [topics.gate_journal(lane) for lane in book.lanes if lane not in book.gates]
    if missing:
        check.leave_out(f"all outputs: the decisions of {', '.join(missing)} are not there as a whole")
    for arbiter in book.arbiters.values():
        if arbiter.unread:
            check.leave_out(f"all outputs: {topics.JOURNAL}/{arbiter.p} holds entries that this engine does not know")
            return False
    return not missing


def _places(book: Book) -> list[Place]:
    lanes = {topics.answers(lane) for lane in book.lanes}
    return [place for place in book.evidence.logs if place[0] in _WRITTEN_BY_THE_BUS or place[0] in lanes]


def _is_due(mark: int | None) -> Callable[[int], bool | None]:
    return lambda journal_offset: None if mark is None else journal_offset < mark


def _expect_of_gate(book: Book, gate: GateBook, rows: list[Rejudged], matching: Matching) -> None:
    sent, is_due = Predecessors(gate.lane), _is_due(book.gate_mark(gate.lane))
    for one in rows:
        row = one.decided.row
        if one.record is None or one.basis is None:
            why = "the record is gone" if one.record is None else "its change is not on bus.control"
            matching.check.leave_out(f"what {gate.source} led to, where {why}")
            for topic, partition in row_destinations(row, gate.lane, book.genesis.partitions):
                sent.link(topic, partition, f"{gate.lane}.{row.offset}")
                matching.pass_over(gate.lane, (topic, partition), f"{gate.lane}.{row.offset}")
            continue
        for output in gate_outputs(sent, one.record, one.judged, one.basis, one.decided.control):
            matching.expect(gate.lane, output, is_due=is_due(one.decided.journal_offset))


def _expect_of_arbiter(book: Book, arbiter: ArbiterBook, matching: Matching) -> None:
    source = f"{book.genesis.gen}.{arbiter.p}"
    sent, is_due = Predecessors(source), _is_due(book.arbiter_mark(arbiter.p))
    log = book.evidence.log(topics.ARBITER, arbiter.p)
    enclosing = Enclosing(book, arbiter.p, log)
    for entered in arbiter.entered:
        entry, record = entered.entry, log.by_offset.get(entered.entry.o) if log else None
        enclosed = enclosing.of(entered)
        if record is None or enclosed is None:
            why = "the record is gone" if record is None else "what goes with it is gone"
            matching.check.leave_out(f"what {topics.ARBITER}/{arbiter.p} led to, where {why}")
            for topic, partition, n in entry_destinations(entry, arbiter.p):
                sent.link(topic, partition, f"{source}.{entry.o}.{n}")
                matching.pass_over(source, (topic, partition), f"{source}.{entry.o}.{n}")
            continue
        for output in arbiter_outputs(sent, entry, record, arbiter.p, enclosed):
            matching.expect(source, output, is_due=is_due(entered.journal_offset))
