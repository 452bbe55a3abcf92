"""What a restore refuses: a snapshot of another chain, one that is not whole, decisions of a newer engine."""

from collections.abc import Callable
from typing import Any

import pytest

from bus.core.log.journal import parse_segment
from bus.core.log.records import Record, digest
from bus.shell.errors import FatalError
from bus.shell.restore import Restoration
from bus.shell.snapshots.loading import Loading, UnusableError
from bus.shell.snapshots.records import Packing, Part, Snapshot, Standing
from bus.shell.snapshots.shelf import Shelf
from bus.sim.message import SimMessage
from tests.properties.stages import Run, arbiter_stage, run
from tests.rules.arbiter_script import World

NOBODY = {"bootstrap.servers": "127.0.0.1:1"}
SAID = ("0.1 sales claims lead/L-1 as c1", "0.2 support claims lead/L-2 as c2")


@pytest.fixture
def world() -> World:
    """A partition in which somebody holds something."""
    made = World()
    made.given("terms lead lease=60")
    for line in SAID:
        made.play(line)
    return made


def _message(value: bytes, offset: int) -> Any:  # Any: what the client library gives is of its own type
    return SimMessage(Record("bus.journal", 0, offset, 0, None, value, ()))


def _snapshot(stage: Any, value: bytes) -> tuple[Snapshot, list[bytes]]:
    """A snapshot of a stage whose last segment is at offset 5 with these bytes, and its parts."""
    packing = Packing()
    parts = [part for part in packing.pack(stage.copy_state().lines()) if part is not None]
    begun = stage.genesis()
    standing = Standing("arbiter", "0", begun["gen"], begun["topic_id"], 5, 5, digest(value), stage.next_offset)
    where = tuple(Part(n, digest(part)) for n, part in enumerate(parts))
    return Snapshot("x", "1.0", standing, packing.state_hash, packing.size, where), parts


def _judged(world: World) -> tuple[Any, Run]:
    stage = arbiter_stage(world)
    return stage, run(stage, world.log.records, [2])


def test_a_snapshot_is_only_good_for_the_chain_it_was_taken_of(world: World) -> None:
    """The segment it names is looked at: if another one stands there, it is never offered again."""
    stage, ran = _judged(world)
    snapshot, _ = _snapshot(stage, ran.values[-1])
    shelf = Shelf(NOBODY)
    restoring = Restoration(arbiter_stage(world), 0, shelf, since=snapshot)
    restoring._fold(_message(ran.values[-1], 5))
    with pytest.raises(UnusableError, match="another chain"):
        restoring._fold(_message(ran.values[-1] + b" ", 5))
    assert shelf._spoiled == {snapshot.place}


@pytest.mark.parametrize("spoil", [lambda lines: lines[:-1], lambda lines: [*lines[1:], lines[0]]])
def test_a_snapshot_whose_lines_are_not_those_that_were_written_is_not_used(
    world: World, spoil: Callable[[list[bytes]], list[bytes]]
) -> None:
    """One line less, or in another order: the hash over all of them says so, and the restore begins elsewhere."""
    stage, ran = _judged(world)
    snapshot, _ = _snapshot(stage, ran.values[-1])
    lines = spoil(list(stage.copy_state().lines()))
    loading = Loading(snapshot, arbiter_stage(world).state_reader())
    for value in Packing().pack(lines):
        if value is not None:
            loading._lines.extend(loading._unpacking.unpack(value))
    with pytest.raises(ValueError, match="another hash"):
        loading._finish()


def test_what_a_newer_engine_decided_is_not_folded(world: World) -> None:
    """Nobody knows what its entries mean: the partition stops, and says which engine it needs."""
    _, ran = _judged(world)
    segment = parse_segment(ran.values[0])
    assert segment is not None
    restoring = Restoration(arbiter_stage(world), 0)
    with pytest.raises(FatalError, match="engine 1.999 wrote this journal"):
        restoring._fold_decisions({**segment, "engine": "1.999"}, 1)
    restoring._fold_decisions(segment, 1)
    assert restoring.stage.next_offset == segment["to"] + 1
