"""Check 1: every journal is one chain from its genesis to its end, about its own input, without holes."""

import re

from bus import ENGINE
from bus.audit.book import ArbiterBook, Book, GateBook
from bus.audit.chains import Chain, Segment
from bus.audit.findings import Check, span
from bus.core.log import topics
from bus.core.log.records import canonical

_VERSION = re.compile(r"[0-9]{1,4}(\.[0-9]{1,4}){1,2}")
Expected = dict[str, object]


def check_chain(book: Book, check: Check) -> None:
    """Look at the chains of all journals."""
    for chain in book.cut:
        check.count("journals")
        for offset, sentence in chain.breaks:
            check.find(chain.place, offset, sentence)
    cut = {chain.place for chain in book.cut}
    for lane in book.lanes:
        gate = book.gates.get(lane)
        if gate is None:
            if (topics.gate_journal(lane), 0) not in cut:
                check.leave_out(f"{topics.gate_journal(lane)}: it is not there")
            continue
        _look_at(book, gate.chain, {"lane": lane}, topics.incoming(lane), check)
        _look_at_items(gate, [decided.row.offset for decided in gate.decided], check)
    for p in range(book.genesis.partitions):
        arbiter = book.arbiters.get(p)
        if arbiter is None:
            if (topics.JOURNAL, p) not in cut:
                check.leave_out(f"{topics.JOURNAL}/{p}: it is not there")
            continue
        _look_at(book, arbiter.chain, {"p": p}, topics.ARBITER, check)
        _look_at_items(arbiter, [entered.entry.o for entered in arbiter.entered], check)


def _look_at(book: Book, chain: Chain, named: Expected, source: str, check: Check) -> None:
    check.count("journals")
    check.count("segments", len(chain.segments))
    if chain.void:
        check.count("void segments", len(chain.void))
    for offset, sentence in chain.breaks:
        check.find(chain.place, offset, sentence)
    if not chain.segments:
        return
    for gap in chain.gaps:
        lost = span(gap.body["from"], gap.body["to"])
        check.leave_out(
            f"{chain.place[0]}/{chain.place[1]}: gap accepted at offset {gap.offset}: lost is input at {lost}"
        )
    expected = {**named, "gen": book.genesis.gen}
    topic_id = book.evidence.topic_ids.get(source)
    if topic_id is not None:
        expected["topic_id"] = topic_id
    for segment in chain.segments:
        _look_at_engine(chain, segment, check)
        if segment.kind == "takeover":
            _look_at_mark(chain, segment.offset, segment.body["mark"], check)
            continue
        about = expected if segment.kind == "genesis" else {**named, "gen": book.genesis.gen}
        for name, value in about.items():
            if canonical(segment.body.get(name)) != canonical(value):
                text = f"the {segment.kind} segment says {name} {segment.body.get(name)!r}, it should be {value!r}"
                check.find(chain.place, segment.offset, text)


def _look_at_engine(chain: Chain, segment: Segment, check: Check) -> None:
    written = segment.body.get("engine")
    if not isinstance(written, str) or not _VERSION.fullmatch(written):
        check.find(chain.place, segment.offset, f"the segment names no engine: {written!r}")
    elif _version(written) > _version(ENGINE):
        check.leave_out(f"{chain.place[0]}/{chain.place[1]}: engine {written} wrote it, this one is {ENGINE}")


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def _look_at_mark(chain: Chain, offset: int, mark: int, check: Check) -> None:
    if mark > offset:
        check.find(
            chain.place, offset, f"the take-over says that everything below {mark} was sent, before it was there"
        )


def _look_at_items(journal: GateBook | ArbiterBook, offsets: list[int], check: Check) -> None:
    """Rows and entries rise, and stay inside their segment."""
    for offset, sentence in journal.unread:
        check.find(journal.chain.place, offset, sentence)
    check.count("decisions", len(offsets))
    if journal.unread:
        return
    inside = iter(offsets)
    last = -1
    for segment in journal.chain.segments:
        for _ in segment.items:
            current = next(inside, None)
            if current is None:
                return
            if current <= last or not segment.body["from"] <= current <= segment.body["to"]:
                inside_of = f"{segment.body['from']} to {segment.body['to']}"
                text = f"the decision on input {current} stands out of order or outside {inside_of}"
                check.find(journal.chain.place, segment.offset, text)
            last = current
