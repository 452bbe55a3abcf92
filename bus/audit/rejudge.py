"""Judges every record of a lane again, by the registry its row names, as far as the records are still there."""

from dataclasses import dataclass

from bus.audit.book import Book, Decided, GateBook, Registries
from bus.core.decision.reasons import GateReason
from bus.core.gate import GateBasis, GateState, Judged, Refusal, Row, arrival_ms, decide, evolve, refusal_again
from bus.core.log import topics
from bus.core.log.records import Record
from bus.core.policy.control import Registry
from bus.shell.gather import Gatherer
from bus.shell.validation import ContractError


@dataclass(frozen=True, slots=True)
class Rejudged:
    """A row of the journal, its record (None: gone), and what judging the record again gives.

    ``again`` is None where that cannot be known; ``judged`` is the journal's row with the refusal behind it.
    """

    decided: Decided
    record: Record | None
    again: Row | None
    judged: Judged
    basis: GateBasis | None


def rejudge(book: Book, gate: GateBook) -> list[Rejudged]:
    """All rows of a lane, judged again."""
    log = book.evidence.log(gate.source)
    registries = Registries(book)
    # What topics there were when a change was judged is not written anywhere: both answers are tried.
    gatherers = [Gatherer(gate.lane, lambda _: True)]
    if gate.lane == topics.OPERATORS_LANE:
        gatherers.append(Gatherer(gate.lane, lambda _: False))
    state = GateState()
    found = []
    for decided in gate.decided:
        record = log.by_offset.get(decided.row.offset) if log else None
        found.append(_rejudged(state, decided, record, registries.at(decided.control), gatherers))
        evolve(state, decided.row)
    return found


def _rejudged(
    state: GateState, decided: Decided, record: Record | None, registry: Registry | None, gatherers: list[Gatherer]
) -> Rejudged:
    row = decided.row
    seen = state.seen.get((row.source, row.id)) if row.verdict == "duplicate" else None
    first_offset = seen.offset if seen else None
    if record is None or registry is None:
        return Rejudged(decided, record, None, Judged(row, None, first_offset), None)
    if row.reason == GateReason.POISON:
        refusal = Refusal(GateReason.POISON, "judging it killed the stage twice")
        basis = GateBasis(row.source, row.id, "", "", row.hash)
        return Rejudged(decided, record, row, Judged(row, refusal), basis)
    at = arrival_ms(state, record.timestamp_ms)
    tried = []
    for gatherer in gatherers:
        try:
            basis = gatherer.gather(record, at, registry)
        except ContractError:  # what was set is not what is there now: the check of bus.control says so
            return Rejudged(decided, record, None, Judged(row, None, first_offset), None)
        judged = decide(state, row.offset, at, basis)
        tried.append((judged, basis))
        if judged.row == row:
            return Rejudged(decided, record, row, judged, basis)
    judged, basis = tried[0]
    return Rejudged(decided, record, judged.row, Judged(row, refusal_again(row, basis), first_offset), basis)
