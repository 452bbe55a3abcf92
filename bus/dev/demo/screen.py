"""Shows the board on the terminal while the demo lasts, and leaves a summary when it is over."""

from __future__ import annotations

import os
import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live

from bus.dev.demo.board import HEIGHT_MIN, WIDTH_MIN, Board
from bus.dev.demo.narration import ending, is_whole, summary
from bus.dev.demo.told import Begun, Ended, Told

FRAME_S = 0.08  # twelve frames a second: smooth enough, and cheap


def is_wide_enough() -> bool:
    """Is there a terminal with room for the split screen, that can move its cursor?"""
    if not sys.stdout.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        return False
    console = Console()
    return console.width >= WIDTH_MIN and console.height >= HEIGHT_MIN


class Screen:
    """The split screen, from the first act to the end; a `with` block, however it is left, gives the terminal back."""

    def __init__(self) -> None:
        self._board = Board()
        self._console = Console(highlight=False)
        self._live = Live(self._board, console=self._console, screen=True, auto_refresh=False)
        self._drawn_s = 0.0

    def __enter__(self) -> Self:
        """Nothing is shown before the first act."""
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Give the terminal back."""
        self._live.stop()

    def tell(self, told: Told) -> None:
        """Take in one thing; the beginning opens the screen, the end closes it."""
        self._board.tell(told)
        if isinstance(told, Begun):
            self._live.start()
        elif isinstance(told, Ended):
            self._live.stop()
            self._console.print("\n[bold]What was checked, on what was read from the topics[/]\n")
            self._console.print(summary(self._board.checked))
            for line in ending(told):
                self._console.print(line, soft_wrap=is_whole(line))

    def refresh(self) -> None:
        """Draw, unless it was drawn a moment ago."""
        now_s = time.monotonic()
        if self._live.is_started and now_s - self._drawn_s >= FRAME_S:
            self._board.refresh()
            self._live.refresh()
            self._drawn_s = time.monotonic()
