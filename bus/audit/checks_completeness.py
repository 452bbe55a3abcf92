"""Check 3: every record that came in has exactly one verdict, and every forwarded message exactly one decision.

bus.in.<lane> = rows      rows forwarded to p = entries of p, in order      bus.arbiter[p] = entries
accepted control messages = bus.control, numbered without a hole           every claim has one answer
"""

from bus.audit.answered import Claims
from bus.audit.book import ArbiterBook, Book, Decided, Entered, GateBook
from bus.audit.evidence import Log, Place
from bus.audit.findings import Check, ranges, span
from bus.core.decision.entries import Entry
from bus.core.log import topics
from bus.core.log.records import Record
from bus.core.log.topics import lane_and_offset
from bus.core.message.arrivals import read_arrival
from bus.core.message.envelope import message_hash
from bus.core.outputs.answers import is_control_row
from bus.core.policy.control import Change
from bus.core.steps.acts import CLAIM
from bus.shell.control_log import change_of


def check_completeness(book: Book, check: Check) -> None:
    """Join what came in with what was decided."""
    for lane in book.lanes:
        gate, log = book.gates.get(lane), book.evidence.log(topics.incoming(lane))
        if gate is None or log is None:
            check.leave_out(
                f"lane {lane}: {topics.gate_journal(lane)} or {topics.incoming(lane)} is not there as a whole"
            )
            continue
        decided = {decided.row.offset: decided for decided in gate.decided}
        _join((gate.source, 0), log, set(decided), gate.chain.next_input, "row", check)
        _look_at_rows(gate, log, check)
    for p in range(book.genesis.partitions):
        arbiter, log = book.arbiters.get(p), book.evidence.log(topics.ARBITER, p)
        if arbiter is None or log is None:
            check.leave_out(f"partition {p}: {topics.JOURNAL} or {topics.ARBITER} is not there as a whole")
            continue
        entered = {entered.entry.o for entered in arbiter.entered}
        _join((topics.ARBITER, p), log, entered, arbiter.chain.next_input, "entry", check)
        _look_at_entries(arbiter, log, check)
    _look_at_ways(book, check)
    _look_at_control(book, check)


def _join(place: Place, log: Log, decided: set[int], next_input: int, called: str, check: Check) -> None:
    """Every record below ``next_input`` is decided, and every decision is about a record."""
    check.count("records", len(log.records))
    lacking = [r.offset for r in log.records if r.offset < next_input and r.offset not in decided]
    for first, last in ranges(lacking):
        check.find(place, first, f"no {called} for {span(first, last)}: nobody decided on it")
    if next_input > log.end:
        check.find(place, None, f"the journal speaks of inputs up to {next_input - 1}, the log ends at {log.end}")
    waiting = sum(1 for record in log.records if record.offset >= next_input)
    if waiting:
        check.still_moving(f"{place[0]}/{place[1]}: {waiting:,} records are not decided yet")
    there = log.by_offset
    gone = sorted(offset for offset in decided if offset not in there)
    old = [offset for offset in gone if offset < log.first]
    if old:
        check.leave_out(f"{place[0]}/{place[1]}: {span(old[0], old[-1])} are older than what Kafka keeps")
    for first, last in ranges([offset for offset in gone if offset >= log.first]):
        check.find(place, first, f"a {called} for {span(first, last)}, yet no such record is there")


def _look_at_rows(gate: GateBook, log: Log, check: Check) -> None:
    """The message hash is that of the record, and ``at`` never falls."""
    at_ms = control = 0
    for decided in gate.decided:
        row, record = decided.row, log.by_offset.get(decided.row.offset)
        if decided.control < control:
            text = f"the control number falls from {control} to {decided.control}, row {row.offset}"
            check.find(gate.chain.place, decided.journal_offset, text)
        control = decided.control
        if row.at < at_ms:
            check.find(gate.chain.place, decided.journal_offset, f"at falls from {at_ms} to {row.at}, row {row.offset}")
        if record is not None:
            if message_hash(record) != row.hash:
                check.find((gate.source, 0), row.offset, "the record is not the one the gate judged: its hash differs")
            if row.at != max(record.timestamp_ms, at_ms):
                text = f"row {row.offset} says at {row.at}, the broker's times give {max(record.timestamp_ms, at_ms)}"
                check.find(gate.chain.place, decided.journal_offset, text)
        at_ms = row.at


def _look_at_entries(arbiter: ArbiterBook, log: Log, check: Check) -> None:
    """The entry is about the record at its offset; every claim has one answer, at once or when its contest ends."""
    claims = Claims()
    for entered in arbiter.entered:
        entry, record = entered.entry, log.by_offset.get(entered.entry.o)
        if record is not None and (wrong := _differs(entry, record)):
            check.find((topics.ARBITER, arbiter.p), entry.o, f"the entry does not fit the record: {wrong}")
        if entry.type == CLAIM and entry.verdict != "repeat":
            check.count("claims")
        for wrong in claims.take(entry):
            check.find(arbiter.chain.place, entered.journal_offset, wrong)


def _differs(entry: Entry, record: Record) -> str:
    """Which statement of the entry is not the record's; "" if all are."""
    arrived = read_arrival(record)
    if entry.verdict == "tick":
        names: tuple[str, ...] = ("after", "now", "stalled")
    elif entry.verdict == "repeat":
        names = ("src",)
    else:
        names = ("src", "at", "hash")
    return ", ".join(name for name in names if getattr(entry, name) != getattr(arrived, name, None))


# ---- from the gates to the arbiter --------------------------------------------------------------------------


def _look_at_ways(book: Book, check: Check) -> None:
    """What each gate forwarded to each partition is what was decided there, once and in order."""
    taken = {p: _taken(arbiter.entered) for p, arbiter in book.arbiters.items()}
    for p, by_lane in taken.items():
        for lane in sorted(by_lane.keys() - book.gates.keys()):
            entered = by_lane[lane][0][1]
            text = f"input {entered.entry.o} was taken from lane {lane}, which has no gate"
            check.find((topics.JOURNAL, p), entered.journal_offset, text)
    for lane, gate in book.gates.items():
        mark = book.gate_mark(lane)
        ways: dict[int, list[Decided]] = {}
        for decided in gate.decided:
            for p in decided.row.partitions:
                ways.setdefault(p, []).append(decided)
        for p, by_lane in taken.items():
            gaps = [gap.offset for gap in book.arbiters[p].chain.gaps]
            way, lost = _without_lost(ways.get(p, []), by_lane.get(lane, []), gaps)
            if gaps:
                text = f"{topics.ARBITER}/{p}: a gap was accepted there: what {gate.source} forwarded may be in it"
                check.leave_out(text)
            check.count("forwarded and lost in a gap", lost) if lost else None
            _look_at_way(gate, p, way, by_lane.get(lane, []), check)
            rest = [] if gaps else way[len(by_lane.get(lane, [])) :]
            _look_at_missing(book, gate, p, rest, mark, check)


def _without_lost(ways: list[Decided], taken: list[tuple[int, Entered]], gaps: list[int]) -> tuple[list[Decided], int]:
    """What was forwarded, without what an accepted gap has taken, and how much that is."""
    kept: list[Decided] = []
    place, before = 0, -1
    for offset, entered in taken:
        if any(before < gap < entered.journal_offset for gap in gaps):
            place = next((n for n in range(place, len(ways)) if ways[n].row.offset == offset), place)
        kept += ways[place : place + 1]
        place, before = place + 1, entered.journal_offset
    lost = place - len(kept) if gaps else 0
    return kept + ways[place:], max(0, lost)


def _taken(entered: list[Entered]) -> dict[str, list[tuple[int, Entered]]]:
    """Per lane, the offsets of its records that had an effect in this partition."""
    found: dict[str, list[tuple[int, Entered]]] = {}
    for one in entered:
        origin = lane_and_offset(one.entry.src) if one.entry.verdict not in ("tick", "repeat") else None
        if origin is not None:
            found.setdefault(origin[0], []).append((origin[1], one))
    return found


def _look_at_way(gate: GateBook, p: int, ways: list[Decided], taken: list[tuple[int, Entered]], check: Check) -> None:
    check.count("forwarded", len(taken))
    wanted = [decided.row.offset for decided in ways]
    for place, (offset, entered) in enumerate(taken):
        if place >= len(wanted) or wanted[place] != offset:
            expected = f"offset {wanted[place]}" if place < len(wanted) else "nothing"
            text = f"input {entered.entry.o} is {gate.source} offset {offset}; its gate forwarded {expected} here next"
            check.find((topics.JOURNAL, p), entered.journal_offset, text)
            return


def _look_at_missing(book: Book, gate: GateBook, p: int, rest: list[Decided], mark: int | None, check: Check) -> None:
    """Forwarded, as the gate says, yet not decided: lost if it was sent and everything here is decided."""
    log, arbiter = book.evidence.log(topics.ARBITER, p), book.arbiters[p]
    is_decided = log is not None and arbiter.chain.next_input >= log.end
    lost = [d.row.offset for d in rest if is_decided and mark is not None and d.journal_offset < mark]
    for first, last in ranges(lost):
        text = f"{span(first, last)} was forwarded to {topics.ARBITER}/{p} and never decided there"
        check.find((gate.source, 0), first, text)
    if len(rest) > len(lost):
        text = f"{gate.source}/0: {len(rest) - len(lost):,} forwarded messages are on their way to partition {p}"
        check.still_moving(text)


# ---- control ------------------------------------------------------------------------------------------------


def _look_at_control(book: Book, check: Check) -> None:
    """Accepted control messages and ``bus.control`` say the same, numbered without a hole."""
    log, gate = book.evidence.log(topics.CONTROL), book.gates.get(topics.OPERATORS_LANE)
    if log is None or gate is None:
        check.leave_out("control numbers: bus.control or the operators' journal is not there")
        return
    _look_at_flaws(book, topics.CONTROL, check)
    partitions = book.genesis.partitions
    accepted = [d for d in gate.decided if is_control_row(d.row, topics.OPERATORS_LANE, partitions)]
    for number, decided in enumerate(accepted, start=1):
        check.count("changes")
        if decided.control != number - 1:
            text = f"change {number} (row {decided.row.offset}) was judged under control number {decided.control}"
            check.find(gate.chain.place, decided.journal_offset, text)
    stated = _stated_changes(log, accepted, check)
    mark = book.gate_mark(topics.OPERATORS_LANE)
    for number, decided in enumerate(accepted[stated:], start=stated + 1):
        if mark is not None and decided.journal_offset < mark:
            text = f"change {number} was accepted and is not on bus.control"
            check.find((gate.source, 0), decided.row.offset, text)
        else:
            check.still_moving(f"change {number} is on its way to bus.control")


def _look_at_flaws(book: Book, topic: str, check: Check) -> None:
    for place, offset, sentence in book.flaws:
        if place[0] == topic:
            check.find(place, offset, sentence)


def _stated_changes(log: Log, accepted: list[Decided], check: Check) -> int:
    """Go through ``bus.control``; the highest number it holds without a hole."""
    place = (topics.CONTROL, 0)
    seen: dict[int, tuple[Change, Record]] = {}
    for record in log.records[1:]:
        change = change_of(record)
        if change is None:
            check.find(place, record.offset, "the record is no change of the bus")
            continue
        if change.number in seen:
            if seen[change.number][0] != change:
                check.find(place, record.offset, f"change {change.number} is repeated with another content")
        elif change.number != len(seen) + 1:
            check.find(place, record.offset, f"change {change.number} follows change {len(seen)}")
        else:
            seen[change.number] = (change, record)
            _look_at_decision(change, record, accepted, check)
    return len(seen)


def _look_at_decision(change: Change, record: Record, accepted: list[Decided], check: Check) -> None:
    named = dict(record.headers).get("bus-decision")
    row = accepted[change.number - 1].row if change.number <= len(accepted) else None
    if row is None or named != f"{topics.OPERATORS_LANE}.{row.offset}".encode():
        text = f"change {change.number} names a decision that the operators' gate did not make"
        check.find((topics.CONTROL, 0), record.offset, text)
