"""How fast the demo is told: as fast as it happens, at reading pace, or act by act when the presenter presses Enter."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Pace(StrEnum):
    """How long a reader is given."""

    FAST = "fast"
    NORMAL = "normal"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Breath:
    """Pauses, in seconds: after a line, after a task or note, and between two acts."""

    line_s: float
    beat_s: float
    act_s: float


BREATHS = {
    Pace.FAST: Breath(0, 0, 0),
    Pace.NORMAL: Breath(0.5, 1.2, 2.5),
    Pace.SLOW: Breath(1.2, 2.5, 5.0),
}
