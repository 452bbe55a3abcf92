"""I8 for snapshots: a state written down at any point, read back and gone on with, is the state of who read it all."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bus.core.log.records import digest
from tests.properties.stages import (
    Run,
    arbiter_stage,
    control_log,
    difference,
    fold,
    gate_stage,
    lane_records,
    run,
)
from tests.properties.traffic import MOVES, PLAYS, Move, played

SEEDS = st.integers(0, 10**6)
SIZES = st.lists(st.integers(1, 12), max_size=20)
LANES = st.sampled_from(["sales", "operators"])
CUTS = st.integers(0, 60)
COUNT = 40


def written(stage: Any) -> list[bytes]:  # Any: one of the two stages
    """All that a stage knows, as the lines of a snapshot."""
    return list(stage.copy_state().lines())


def read_back(stage: Any, lines: list[bytes]) -> Any:  # Any: as above
    """A stage that knew nothing, once it has read these lines."""
    reader = stage.state_reader()
    for line in lines:
        reader.take(line)
    reader.finish()
    return stage


def _states(stage: Any, ran: Run) -> list[str]:  # Any: as above
    """The hash of the state after each of the segments, folded from 0."""
    found = [digest(b"\n".join(written(stage)))]
    for value in ran.values:
        fold(stage, [value], 1)
        found.append(digest(b"\n".join(written(stage))))
    return found


@PLAYS
@given(MOVES, SIZES, CUTS)
def test_an_arbiter_goes_on_from_a_snapshot_as_from_the_beginning(
    moves: list[Move], sizes: list[int], cut: int
) -> None:
    """Snapshot at any segment and tail: the same state hash at every later segment, and the same decisions."""
    world = played(moves)
    records, live = world.log.records, arbiter_stage(world)
    ran = run(live, records, sizes)
    whole = _states(arbiter_stage(world), ran)
    assert digest(b"\n".join(written(live))) == whole[-1], "who decided knows something else than who folds"
    cut = min(cut, len(ran.values))
    at_cut = arbiter_stage(world)
    fold(at_cut, ran.values[:cut], cut)
    lines = written(at_cut)
    after = read_back(arbiter_stage(world), lines)
    assert written(after) == lines
    assert _states(after, Run(ran.values[cut:])) == whole[cut:]
    again = read_back(arbiter_stage(world), lines)
    later = run(again, records[again.next_offset :], [3])
    assert not difference(later.outputs(), ran.outputs(cut))
    assert ran.decisions()[len(ran.decisions()) - len(later.decisions()) :] == later.decisions()


@given(LANES, SEEDS, SIZES, CUTS)
def test_a_gate_goes_on_from_a_snapshot_as_from_the_beginning(lane: str, seed: int, sizes: list[int], cut: int) -> None:
    """The same for a lane: what it remembers of ids, what it sent last, and the control number it stands at."""
    records, live = lane_records(lane, seed, COUNT), gate_stage(lane, control_log(lane))
    ran = run(live, records, sizes)
    whole = _states(gate_stage(lane, control_log(lane)), ran)
    assert digest(b"\n".join(written(live))) == whole[-1], "who decided knows something else than who folds"
    cut = min(cut, len(ran.values))
    changed = [output for output in ran.outputs(0, cut) if output.topic == "bus.control"]
    at_cut = gate_stage(lane, control_log(lane))
    fold(at_cut, ran.values[:cut], cut)
    lines = written(at_cut)
    again = read_back(gate_stage(lane, control_log(lane, *changed)), lines)
    assert written(again) == lines
    later = run(again, records[again.next_offset :], [3])
    assert not difference(later.outputs(), ran.outputs(cut))
    assert digest(b"\n".join(written(again))) == whole[-1]


@PLAYS
@given(MOVES, CUTS)
def test_a_copy_stays_as_it_was(moves: list[Move], cut: int) -> None:
    """Lines made long after the copy was taken tell of the moment it was taken."""
    world = played(moves)
    records, stage = world.log.records, arbiter_stage(world)
    cut = min(cut, len(records))
    run(stage, records[:cut], [3])
    at_once, copy = written(stage), stage.copy_state()
    run(stage, records[cut:], [3])
    assert list(copy.lines()) == at_once
