"""What /readyz tells of a stage: has it joined and restored, is it let in, and are the topics of its lanes there?"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bus.shell.phase import Phase

# Once lost, a partition is taken over again in seconds. Lost once more within this time, it is not well: a balancer
# must not take the moments between two losses for health. The same of a login that was refused.
SETTLED_AFTER_S = 30.0
STUCK_AFTER_S = 5.0  # a round takes milliseconds; one that takes this long asks a Kafka that does not answer

Place = tuple[str, int]


@dataclass(slots=True)
class Readiness:
    """What /readyz tells of a stage: partitions by phase, and the control number it stands at."""

    stage: str
    phases: dict[str, int] = field(default_factory=dict)
    control: int = -1
    has_joined: bool = False
    is_cut_off: bool = False  # its partitions were lost, and it has not heard of its group since
    is_losing: bool = False  # a partition is lost again and again
    round_s: float = math.inf  # when the last round ended, monotonic; infinite: there is no loop behind it
    refused_s: float = -math.inf  # when Kafka, or its own double, last kept it from its work, monotonic
    missing: tuple[str, ...] = ()  # topics of its lanes that are gone

    @property
    def is_ready(self) -> bool:
        """Is it in its group and let in, and is every partition it must have restored, running and not lost often?"""
        now_s = time.monotonic()
        is_in = self.has_joined and not self.is_cut_off and now_s - self.round_s < STUCK_AFTER_S
        is_let = now_s - self.refused_s > SETTLED_AFTER_S
        is_whole = not self.is_losing and not self.missing and set(self.phases) <= {Phase.RUNNING.value}
        return is_in and is_let and is_whole and self.control >= 0

    def told(self) -> dict[str, Any]:  # Any: JSON
        """The same as /readyz writes it; what a stage does not have, or is as it must be, is left out."""
        found: dict[str, Any] = {"stage": self.stage, "ready": self.is_ready, "partitions": self.phases}
        if self.control >= 0:
            found["control"] = self.control
        if self.missing:
            found["missing"] = list(self.missing)
        return found


class Losses:
    """When each partition stopped running, to tell one loss from a partition that is lost again and again."""

    def __init__(self) -> None:
        self._running: set[Place] = set()
        self._lost_s: dict[Place, float] = {}
        self._until_s = 0.0

    def look(self, phases: Mapping[Place, Phase], now_s: float) -> bool:
        """Take in where each partition stands now; True while one was lost twice shortly before ``now_s``."""
        for place, phase in phases.items():
            if phase is Phase.RUNNING:
                self._running.add(place)
            elif place in self._running:
                self._running.discard(place)
                if now_s - self._lost_s.get(place, now_s - SETTLED_AFTER_S) < SETTLED_AFTER_S:
                    self._until_s = now_s + SETTLED_AFTER_S
                self._lost_s[place] = now_s
        self._running &= phases.keys()  # given to another process: no loss
        return now_s < self._until_s
