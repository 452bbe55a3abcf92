"""Which record of a partition may be one that kills its stage: it is judged alone, then tried, and only then refused.

Two deaths while a record was judged alone may have had other causes: a machine that failed, an operator who lost his
patience. So before it is refused a copy of the process tries it (`bus.shell.trial`): poison is what that dies of.
"""

from dataclasses import dataclass

import structlog

from bus.core.log.records import Record
from bus.shell.restore import Restoration
from bus.shell.stage import Stage
from bus.shell.surroundings import Surroundings
from bus.shell.trial import Trial

ATTEMPTS_MAX = 2  # a record that was alone on the bench this often when the stage died is tried elsewhere
ACQUITTED_MAX = 6  # one that kills the stage and never its copy: from then on nothing helps but to refuse it
TRIAL_S_MAX = 5.0  # judging one record takes microseconds, reading what it names a second

log = structlog.get_logger("bus.suspicion")


@dataclass(slots=True)
class Suspicion:
    """What the journal says against the next record, and what came out since."""

    around: Surroundings
    is_careful: bool = False
    poison: int | None = None
    _suspect: int | None = None
    _alone: int | None = None
    _trial: Trial | None = None

    def begin(self, restored: Restoration, untold: int) -> None:
        """Take in what the journal tells; ``untold`` of the attempts are this process's own, and it lives."""
        offset = restored.stage.next_offset
        attempts = restored.attempts.get(offset, 0) - untold
        self.is_careful = restored.is_idle or any(restored.attempts.values())
        self._suspect, self._alone = offset if attempts >= ATTEMPTS_MAX else None, None
        self.poison = offset if attempts >= ACQUITTED_MAX else None

    def is_open(self, stage: Stage, record: Record) -> bool:
        """Must this record wait until it has been tried?"""
        if record.offset != self._suspect or self.poison is not None:
            return False
        if self._trial is None:
            self._trial = self.around.trial(lambda: stage.draft([record], poison=None), TRIAL_S_MAX)
        survived = self._trial.survived()
        if survived is None:
            return True
        self._trial, self._suspect = None, None
        self.poison = None if survived else record.offset
        log.warning("record_tried", journal=stage.journal, offset=record.offset, is_poison=not survived)
        return False

    def judged(self, offset: int) -> None:
        """The record was judged, or refused; its segment is under way."""
        self._alone, self.poison, self._suspect = offset, None, None

    def stands(self, offset: int) -> None:
        """What was judged up to here is out: who dies of the next record does not take this success along."""
        if offset == self._alone:
            self.is_careful, self._alone = False, None

    def close(self) -> None:
        """End a trial that is still open."""
        if self._trial is not None:
            self._trial.close()
            self._trial = None
