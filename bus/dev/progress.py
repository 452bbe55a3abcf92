"""What the development broker tells while it gets ready, so that a command can show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    """The named steps from nothing to an answering broker, in their order."""

    JAVA = "java"
    FETCH = "fetch"
    FORMAT = "format"
    START = "start"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class Progress:
    """One report: the step that is under way; for `fetch` also how far it is.

    `bytes_total` counts only what has to be downloaded; all four numbers are 0 in other steps.
    Reports come from the thread that called, one at a time.
    """

    step: Step
    bytes_done: int = 0
    bytes_total: int = 0
    jars_done: int = 0
    jars_total: int = 0


OnProgress = Callable[[Progress], None]


def ignore_progress(_progress: Progress) -> None:
    """For callers who do not want to hear of it."""
