"""What an operator may choose for the stages of a process: how often snapshots are taken, which losses are accepted."""

from dataclasses import dataclass

from bus.shell.snapshots.keeper import DAILY, Rhythm


@dataclass(frozen=True, slots=True)
class Options:
    """The choices; ``accepted_gaps`` names partitions as ``gate/sales``, ``arbiter/3``."""

    rhythm: Rhythm = DAILY
    accepted_gaps: frozenset[str] = frozenset()


AS_EVER = Options()
