"""When an owner takes a snapshot of its partition, and what it hands over: a copy, between two records."""

import time
from dataclasses import dataclass

from bus.core.log.journal import Tip
from bus.shell.restore import Restoration
from bus.shell.snapshots.keeper import Job, Keeper
from bus.shell.snapshots.standing import name_of, standing_of
from bus.shell.stage import Stage, StageMaker


@dataclass(slots=True)
class Taking:
    """Counts towards the next snapshot of one partition, and takes it; without a keeper there are none."""

    keeper: Keeper | None
    make_stage: StageMaker
    _before: int = 0  # records judged between the last good snapshot and this owner
    _judged: int = 0  # by this owner since the last one it took
    _taken_s: float = 0.0

    def begin(self, restored: Restoration, now_s: float) -> None:
        """Count from where a restore has ended."""
        age_s = 0.0
        if restored.since is not None and restored.since.time_ms > 0:
            age_s = max(0.0, time.time() - restored.since.time_ms / 1000)
        self._before, self._judged, self._taken_s = restored.records, 0, now_s - age_s

    def count(self, records: int) -> None:
        """So many more were judged."""
        self._judged += records

    def is_due(self, stage: Stage, now_s: float) -> bool:
        """Is it time? Not before this owner has judged anything: what its take-over met must stay to be seen."""
        if self.keeper is None or not self._judged:
            return False
        rhythm = self.keeper.rhythm
        is_due = self._before + self._judged >= rhythm.records or now_s - self._taken_s >= rhythm.every_s
        return is_due and self.keeper.is_free(name_of(stage))

    def take(self, stage: Stage, offset: int, tip: Tip, now_s: float) -> None:
        """Hand over a copy; ``offset`` is that of the journal's last segment, and all it sends is there."""
        assert self.keeper is not None, "without a keeper none is due"
        standing = standing_of(stage, offset, tip)
        self.keeper.keep(Job(standing, stage.copy_state(), self.make_stage, stage.journal))
        self._before, self._judged, self._taken_s = 0, 0, now_s
