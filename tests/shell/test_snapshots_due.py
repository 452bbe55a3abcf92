"""When a snapshot is due: after so many records or so much time, and never before anything was judged."""

from typing import Any

import pytest

from bus.core.log.journal import Tip
from bus.shell.metrics import Metrics
from bus.shell.restore import Restoration
from bus.shell.settings import Settings
from bus.shell.snapshots.keeper import Keeper, Rhythm
from bus.shell.snapshots.taking import Taking
from tests.properties.stages import arbiter_stage
from tests.rules.arbiter_script import World

NOBODY = {"bootstrap.servers": "127.0.0.1:1"}


def _taking(rhythm: Rhythm, since_last: int) -> tuple[Taking, Any, Keeper]:  # Any: a stage
    """An owner's counter behind a restore of so many records, its stage, and a keeper that nobody has started."""
    stage = arbiter_stage(World())
    keeper = Keeper(NOBODY, Metrics(), rhythm)
    taking = Taking(keeper, lambda: stage)
    taking.begin(Restoration(stage, 0, records=since_last), 100.0)
    return taking, stage, keeper


@pytest.mark.parametrize(
    ("since_last", "judged", "is_due"), [(0, 9, False), (0, 10, True), (9, 1, True), (50, 0, False)]
)
def test_a_snapshot_is_due_after_so_many_records(since_last: int, judged: int, *, is_due: bool) -> None:
    """Those judged before the take-over count, but one at least must be judged behind it."""
    taking, stage, _ = _taking(Rhythm(records=10), since_last)
    taking.count(judged)
    assert taking.is_due(stage, 100.0) is is_due


def test_a_snapshot_is_due_after_so_much_time() -> None:
    """A quiet partition has one a day, if anything came at all: AGENTBUS_SNAPSHOT_EVERY_S is its time."""
    rhythm = Rhythm(every_s=Settings(snapshot_every_s=60.0).snapshot_every_s)
    taking, stage, _ = _taking(rhythm, 0)
    assert not taking.is_due(stage, 161.0), "nothing was judged"
    taking.count(1)
    assert not taking.is_due(stage, 159.0)
    assert taking.is_due(stage, 161.0)


def test_one_snapshot_of_a_partition_at_a_time() -> None:
    """While a copy waits to be written or checked no other is taken, and the count begins anew with each."""
    taking, stage, keeper = _taking(Rhythm(records=10), 0)
    taking.count(10)
    taking.take(stage, 7, Tip(3, "x"), 200.0)
    job = keeper._jobs.get_nowait()
    assert (job.standing.key, job.standing.offset, job.standing.seq) == ("arbiter/0", 7, 3)
    taking.count(10)
    assert not taking.is_due(stage, 200.0)
    keeper._busy.clear()
    assert taking.is_due(stage, 200.0)
