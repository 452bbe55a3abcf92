"""The split screen: talk and answers left; who holds what, processes and the growing journal right; below, the teller.

    ┌ what the agents say, what the bus answers ┬ who holds what ──────────┐
    │                                           ├ processes ───────────────┤
    ├ the teller's line, or what is counted ────┤ the journal ─────────────┤

It is fed by `tell` and drawn whenever somebody asks; it takes no notice of the terminal.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.layout import Layout
from rich.segment import Segment as Drawn
from rich.styled import Styled

from bus.dev.demo import panels
from bus.dev.demo.holdings import Holdings
from bus.dev.demo.told import (
    Act,
    Begun,
    Checked,
    Counted,
    Ended,
    Happened,
    Journaled,
    Note,
    Processed,
    Prompted,
    Said,
    Task,
    Told,
)

WIDTH_MIN, HEIGHT_MIN = 100, 30
RIGHT_MIN, RIGHT_SHARE = 49, 0.42
HELD_ROWS, PROCESS_ROWS, NARRATOR_ROWS = 8, 7, 9
KEPT_MAX = 60  # entries; more than any screen has lines
SAME_SHOWN_MAX = 2
FRAME = 4  # columns of a panel's frame and padding


Entry = Callable[[int], RenderableType]  # a line of the talk, drawn for so many columns


class Board:
    """What stands on the split screen now."""

    def __init__(self) -> None:
        self._talk: deque[Entry] = deque(maxlen=KEPT_MAX)
        self._journal: deque[Journaled] = deque(maxlen=KEPT_MAX)
        self._holdings = Holdings()
        self._processes = Processed(())
        self._begun: Begun | None = None
        self._act: Act | None = None
        self._line: Task | Note | None = None
        self._counted: Counted | None = None
        self._prompt = ""
        self._began_ms = 0
        self._now_ms = time.time_ns() // 1_000_000
        self.checked: list[Checked] = []

    def tell(self, told: Told) -> None:
        """Take in one thing."""
        match told:
            case Begun():
                self._begun = told
            case Journaled():
                self._journal.append(told)
            case Counted():
                self._counted = told
            case Processed():
                self._processes = told
            case Prompted():
                self._prompt = told.text
            case Said():
                self._said(told)
            case Ended():
                pass  # told when the split screen has gone
            case Act() | Task() | Note() | Happened() | Checked():
                self._happened(told)

    def _happened(self, told: Act | Task | Note | Happened | Checked) -> None:
        """What gets a line among the talk."""
        match told:
            case Act():
                self._act, self._line, self._counted = told, None, None
                self._talk.append(lambda _: panels.act_entry(told))
            case Task() | Note():
                self._line = told
                self._talk.append(partial(panels.line_entry, told))
            case Happened():
                self._holdings.apply(told.event.body)
                self._talk.append(partial(panels.event_entry, told, self._seconds(told.event.answered_ms)))
            case Checked():
                self.checked.append(told)
                self._talk.append(partial(panels.check_entry, told))

    def refresh(self) -> None:
        """Leases run on."""
        self._now_ms = time.time_ns() // 1_000_000

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The whole screen, on paper of its own."""
        right = max(RIGHT_MIN, int(options.max_width * RIGHT_SHARE))
        layout = Layout()
        layout.split_column(Layout(panels.header(self._begun, self._act), size=1), Layout(name="below"))
        layout["below"].split_row(Layout(name="left"), Layout(name="right", size=right))
        left = options.max_width - right - FRAME
        talk = panels.framed(Bottom(entry(left) for entry in self._talk), "who says what · what the bus answers")
        narrator = panels.narrator(self._act, self._line, self._counted, self._prompt)
        layout["left"].split_column(Layout(talk), Layout(narrator, size=NARRATOR_ROWS))
        journal = [panels.segment_entry(one, right) for one in self._journal]
        layout["right"].split_column(
            Layout(panels.holdings(self._holdings.all(), self._now_ms, right), size=HELD_ROWS),
            Layout(panels.processes(self._processes), size=PROCESS_ROWS),
            Layout(panels.journal(Bottom(journal), self._journal[-1] if self._journal else None)),
        )
        yield Styled(layout, panels.paper(console))

    def _said(self, told: Said) -> None:
        if told.times <= SAME_SHOWN_MAX:
            if told.exchange.answer is not None:
                self._holdings.apply(told.exchange.answer)
            self._talk.append(partial(panels.exchange_entry, told.exchange, self._seconds(told.exchange.at_ms)))
            return
        if told.times > SAME_SHOWN_MAX + 1:
            self._talk.pop()
        self._talk.append(lambda _: panels.more_entry(told.times - SAME_SHOWN_MAX))

    def _seconds(self, at_ms: int) -> str:
        self._began_ms = self._began_ms or at_ms
        return f"{(at_ms - self._began_ms) / 1000:.2f}"


class Bottom:
    """Shows as much of the end of a list as there is room for."""

    def __init__(self, entries: Iterable[RenderableType]) -> None:
        self._entries = list(entries)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The last lines, those of the newest entry at the bottom."""
        room = options.height or options.max_height
        lines: list[list[Drawn]] = []
        for entry in reversed(self._entries):
            lines = [*console.render_lines(entry, options.update(height=None)), *lines]
            if len(lines) >= room:
                break
        for line in lines[-room:]:
            yield from line
            yield Drawn.line()
