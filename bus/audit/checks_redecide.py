"""Check 4: judging everything again gives the same: the rows of the gates, and byte for byte the arbiter's entries."""

from bus.audit.book import ArbiterBook, Book, GateBook
from bus.audit.evidence import Log
from bus.audit.findings import Check, span
from bus.audit.rejudge import Rejudged
from bus.core.arbiter import decide, evolve
from bus.core.gate import Row
from bus.core.log import topics
from bus.core.log.records import canonical
from bus.core.message.arrivals import read_arrival
from bus.core.outputs.answers import is_control_row
from bus.core.policy.contracts import JsonObject
from bus.core.policy.control import Registry
from bus.core.state.partition import PartitionState
from bus.shell.catalogue import built_in_contracts
from resolvers import RESOLVERS, RESOLVERS_VERSION

_ROW_PARTS = ("offset", "verdict", "reason", "source", "id", "hash", "at", "partitions")


def check_redecide(book: Book, rejudged: dict[str, list[Rejudged]], check: Check) -> None:
    """Judge everything again that is still there."""
    for lane in book.lanes:
        if lane not in book.gates or book.evidence.log(topics.incoming(lane)) is None:
            check.leave_out(f"lane {lane}: its journal or {topics.incoming(lane)} is not there as a whole")
            continue
        for one in rejudged[lane]:
            _look_at_row(book, book.gates[lane], one, check)
    for p in range(book.genesis.partitions):
        arbiter, log = book.arbiters.get(p), book.evidence.log(topics.ARBITER, p)
        if arbiter is None or log is None:
            check.leave_out(f"partition {p}: {topics.JOURNAL} or {topics.ARBITER} is not there as a whole")
        elif arbiter.unread:
            check.leave_out(f"{topics.JOURNAL}/{p}: it holds entries that this engine does not know")
        else:
            _redecide(book, arbiter, log, check)


def _look_at_row(book: Book, gate: GateBook, one: Rejudged, check: Check) -> None:
    if one.again is None or one.basis is None:
        why = "records that are gone" if one.record is None else "rows under a change that bus.control does not hold"
        check.leave_out(f"{gate.source}: {why}")
        return
    check.count("rows")
    row = one.decided.row
    if one.again != row:
        text = f"offset {row.offset} of {gate.source} is judged differently again: {_difference(row, one.again)}"
        check.find(gate.chain.place, one.decided.journal_offset, text)
    number = one.decided.control + 1
    is_change = is_control_row(row, gate.lane, book.genesis.partitions) and number <= len(book.changes)
    if is_change and one.basis.change != book.changes[number - 1]:
        text = f"change {number} on bus.control is not what the message asked for"
        check.find((gate.source, 0), row.offset, text)


def _difference(row: Row, again: Row) -> str:
    parts = []
    for name in _ROW_PARTS:
        stated, found = getattr(row, name), getattr(again, name)
        if stated != found:
            parts.append(f"{name} {stated or 'none'} in the journal, {found or 'none'} now")
    return "; ".join(parts)


def _as_then(again: JsonObject, written: JsonObject) -> JsonObject:
    """Judged again, as it was written: what an older engine did not have is left out, ``file_hash`` is taken as it is.

    The hash of a case file is made by the stage, from bytes the core does not have; the check of cases looks at it.
    """
    for now, then in zip(again["events"], written.get("events", ()), strict=False):
        if now["kind"] == then.get("kind") == "denied" and "wants" not in then:
            now.pop("wants", None)
        if now["kind"] == then.get("kind") == "confirmed" and "lease_ms" not in then:
            now.pop("lease_ms", None)
            now.pop("case", None)
        if now["kind"] == then.get("kind") and "file_hash" in now:
            now["file_hash"] = then.get("file_hash", "")
    basis = written.get("basis")
    if isinstance(basis, dict) and "basis" in again and "resolvers" not in basis:
        again["basis"].pop("resolvers", None)
    return again


def _redecide(book: Book, arbiter: ArbiterBook, log: Log, check: Check) -> None:
    """Decide on each record with the state the journal's own entries lead to, so that one fault stays one finding."""
    registry = Registry(book.genesis, built_in_contracts())
    state = PartitionState(
        book.genesis.gen, arbiter.p, registry, resolvers=RESOLVERS, resolvers_version=RESOLVERS_VERSION
    )
    older = []
    for entered in arbiter.entered:
        entry, record = entered.entry, log.by_offset.get(entered.entry.o)
        try:
            entered.fold_gap(state)
            if record is None:
                older.append(entry.o)
            else:
                check.count("entries")
                again = _as_then(decide(state, read_arrival(record)).to_json(), entered.raw)
                if canonical(again) != canonical(entered.raw):
                    differing = ", ".join(name for name in again if again[name] != entered.raw.get(name)) or "its form"
                    text = f"input {entry.o} is decided differently again: {differing} differ"
                    check.find(arbiter.chain.place, entered.journal_offset, text)
            evolve(state, entry)
        except (AssertionError, LookupError, TypeError, ValueError) as error:
            text = f"the entry on input {entry.o} cannot follow what came before it: {error or type(error).__name__}"
            check.find(arbiter.chain.place, entered.journal_offset, text)
            check.leave_out(f"{topics.JOURNAL}/{arbiter.p}: what follows input {entry.o}")
            return
    if older:
        why = f"{span(older[0], older[-1])} are not there any more: taken as the journal has them"
        check.leave_out(f"{topics.ARBITER}/{arbiter.p}: {why}")
