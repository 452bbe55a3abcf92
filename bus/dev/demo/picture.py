"""Draws the split screen into a file: an SVG of the moment in which most is seen to go on."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from bus.dev.demo.board import Board
from bus.dev.demo.told import Counted, Ended, Note, Told

WIDTH, HEIGHT = 120, 38
DARK = TerminalTheme((13, 16, 19), (233, 236, 239), [(0, 0, 0)] * 8, [(0, 0, 0)] * 8)
TITLE = "agentbus demo"
# As rich's own, without the fonts it would fetch from elsewhere.
FORM = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="-9 -25 {width} {height}" role="img">
<title>agentbus demo: a process is killed while messages are under way</title>
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
font-size: {char_height}px; line-height: {line_height}px; }}
{styles}
</style>
<defs>{lines}</defs>
<rect x="-9" y="-25" width="100%" height="100%" rx="10" fill="#0d1013"/>
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</svg>
"""


class Painter:
    """A teller without a terminal: it keeps the picture of the last milestone at which something was missing."""

    def __init__(self, path: Path) -> None:
        self._board = Board()
        self._path = path
        self._picture = ""

    def tell(self, told: Told) -> None:
        """Take in one thing; while a process is gone and messages wait, the picture is taken."""
        self._board.tell(told)
        match told:
            case Counted() if told.is_milestone and told.arrived < told.of:
                self._picture = self._drawn()
            case Note() | Ended() if self._picture:
                self._path.write_text(self._picture, encoding="utf-8")

    def refresh(self) -> None:
        """Leases run on."""
        self._board.refresh()

    def _drawn(self) -> str:
        console = Console(width=WIDTH, height=HEIGHT, record=True, file=io.StringIO(), color_system="truecolor")
        console.print(self._board, height=HEIGHT)
        return console.export_svg(title=TITLE, theme=DARK, code_format=FORM, unique_id="demo")
