"""What the doctor says of history that is not whole: inputs, journals and snapshots that lack what a restore needs."""

from collections.abc import Iterable

import pytest

from bus.cli.checkup import journals, snapshots
from bus.cli.checkup.chain_watch import ChainWatch
from bus.cli.checkup.lines import Line, State
from bus.core.log.records import Record
from tests.doctor.conftest import chain

LANE = ("bus.in.sales", 0)
TAKEOVERS = chain(*[{"kind": "takeover", "nonce": str(n), "mark": 0} for n in range(6)])


def _states(lines: Iterable[Line]) -> list[str]:
    return [line.state.value for line in lines]


def _only(lines: Iterable[Line]) -> Line:
    (line,) = lines
    return line


def _watched(values: list[bytes], *, first: int = 0, is_from_start: bool = True) -> ChainWatch:
    watch = ChainWatch(first, is_from_start=is_from_start)
    for number, value in enumerate(values[first:], start=first):
        watch.take(Record("bus.journal", 0, number, 0, None, value, ()))
    return watch


def test_an_input_that_is_not_what_the_journal_needs() -> None:
    """It begins behind the journal, or ends before it; what is simply not judged yet, or all judged, is well."""
    inputs = [journals.Input(LANE, 10, 11, 6), journals.Input(LANE, 0, 3, 6), journals.Input(LANE, 0, 9, 6)]
    lines = list(journals.input_lines([*inputs, journals.Input(LANE, 6, 6, 6)]))
    assert _states(lines) == ["wrong", "wrong"]
    assert [line.remedy.rpartition("#")[2] for line in lines] == ["history_gap", "log_divergence"]


def test_a_gap_that_was_accepted_is_noted() -> None:
    """Which inputs were lost, for as long as the segment is among those that are read."""
    lost = chain({"kind": "gap", "from": 3, "to": 8})
    seen = [journals.JournalSeen(LANE, 0, 2, _watched(lost)), journals.JournalSeen(LANE, 0, 7, _watched(TAKEOVERS))]
    line = _only(journals.gap_lines(seen))
    assert (line.state, "input 3 to 8 was lost" in line.sentence) == (State.NOTE, True)


@pytest.mark.parametrize(
    ("leads_to", "said"),
    [(None, "unless a snapshot leads"), ({}, "no stage can restore"), ({LANE: 2}, "no stage"), ({LANE: 3}, "goes on")],
)
def test_a_journal_without_its_beginning(leads_to: dict[tuple[str, int], int] | None, said: str) -> None:
    """A restore needs a snapshot that leads to what is left; to prove all of it the beginning is missing anyway."""
    seen = [journals.JournalSeen(LANE, 3, 6, _watched(TAKEOVERS, first=3, is_from_start=False))]
    line = _only(line for line in journals.chain_lines(seen, leads_to) if line.check == "history")
    assert (line.state, said in line.sentence) == (State.WRONG, True)


def test_snapshots_that_a_replay_contradicts_are_wrong() -> None:
    """One of the two is wrong; none at all is no fault."""
    kept = [snapshots.Kept(2, ("arbiter/3",)), snapshots.Kept(2), snapshots.Kept()]
    assert [_states(snapshots.snapshot_lines(one)) for one in kept] == [["wrong"], ["ok"], ["ok"]]
