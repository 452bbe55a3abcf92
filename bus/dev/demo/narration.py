"""Tells the demo as a story: aligned, coloured lines, as wide as a page, on any terminal, in a pipe, in a log."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from bus.dev.demo import words
from bus.dev.demo.palette import BAD, GOOD, NARRATED, NEWS, hue
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

WIDTH_MAX = 100
HOW_TO_READ = """\
What follows is read from the topics as it happens; nothing of it is written beforehand.
Left the second of the message, right how long the bus took to answer, both by Kafka's own clock."""
SECONDS_WIDTH, WHO_WIDTH, VERDICT_WIDTH, TOOK_WIDTH = 6, 14, 11, 8
SAME_SHOWN_MAX = 2  # of a loop; how often it went on is said afterwards


class Narrator:
    """For people, at 100 columns; colours as the terminal and NO_COLOR allow, never without the word."""

    def __init__(self) -> None:
        width = min(WIDTH_MAX, Console().width) if sys.stdout.isatty() else WIDTH_MAX
        self._console = Console(width=width, highlight=False)
        self._began_ms = 0
        self._is_checking = True  # no blank line before the first
        self._more = 0
        self._pids: dict[str, int] = {}

    def tell(self, told: Told) -> None:
        """Tell one thing; journals and bars that grow are for the split screen."""
        match told:
            case Said():
                self._said(told)
            case Processed():
                self._pids = {process.name: process.pid for process in told.processes}
            case Journaled() | Counted(is_milestone=False) | Prompted(text=""):
                pass
            case _:
                self._say_how_often()
                self._tell_whole(told)

    def _tell_whole(self, told: Told) -> None:
        """What is told at once, whatever follows."""
        match told:
            case Begun():
                self._begun(told)
            case Act():
                self._act(told)
            case Checked():
                self._checked(told)
            case Prompted():
                self._print(Text(f"\n{' ' * SECONDS_WIDTH} {told.text}", style="dim"))
            case Ended():
                for line in ending(told):
                    self._print(line)
            case Task() | Note() | Happened() | Counted():
                self._tell_line(told)
            case Said() | Processed() | Journaled():
                raise AssertionError("unreachable: told above")

    def _tell_line(self, told: Task | Note | Happened | Counted) -> None:
        match told:
            case Task():
                self._line("", Text(told.who, style="dim"), Text(told.what, style="dim italic"))
            case Note():
                self._line("", Text("the demo", style="bold magenta"), Text(told.text, style="magenta"))
            case Happened():
                at = self._seconds(told.event.answered_ms)
                self._line(at, Text("the bus", style=f"bold {NARRATED[NEWS]}"), Text(words.told(told.event)))
            case Counted():
                self._line("", Text("counted", style="bold magenta"), Text(words.counted(told)))

    def refresh(self) -> None:
        """Nothing moves."""

    def _begun(self, told: Begun) -> None:
        self._print(Text("\nagentbus demo", style="bold"))
        stages = " · ".join(f"{name} (pid {self._pids[name]})" for name in ("gate", "arbiter"))
        about = f"Apache Kafka {told.kafka} at {told.bootstrap} · {stages} · {len(told.agents)} agents"
        self._print(Text(about, style="dim"))
        self._print(Text(HOW_TO_READ, style="dim"))

    def _act(self, told: Act) -> None:
        self._print(Text(""))
        self._print(Rule(Text(f"{told.number}  {told.title}", style="bold"), align="left", style="dim"))
        self._print(Padding(Text(told.about, style="italic"), (0, 0, 1, 3)))
        self._is_checking = False

    def _said(self, told: Said) -> None:
        """A message, and under it the bus's answer."""
        if told.times > SAME_SHOWN_MAX:
            self._more += 1
            return
        if told.times == 1:
            self._say_how_often()
        exchange, verdict = told.exchange, words.verdict(told.exchange)
        who = Text(exchange.who, style=f"bold {hue(NARRATED, exchange.who)}")
        self._line(self._seconds(exchange.at_ms), who, Text(words.said(exchange)))
        answer = Table.grid(padding=(0, 1))
        answer.add_column(width=VERDICT_WIDTH)
        answer.add_column(width=self._console.width - SECONDS_WIDTH - WHO_WIDTH - VERDICT_WIDTH - TOOK_WIDTH - 5)
        answer.add_column(width=TOOK_WIDTH, justify="right")
        took = f"{exchange.answered_ms - exchange.at_ms} ms"
        word = Text(f"{verdict.mark} {verdict.word}", style=f"bold {NARRATED[verdict.colour]}")
        answer.add_row(word, Text("\n".join(verdict.why)), Text(took, style="dim"))
        self._line("", Text(""), answer)

    def _checked(self, told: Checked) -> None:
        good, bad = NARRATED[GOOD], NARRATED[BAD]
        mark = Text("✓ checked", style=good) if told.is_so else Text("✗ not so", style=f"bold {bad}")
        self._line("", mark, Text(told.sentence), is_check=True)
        if told.looked_at:
            self._line("", Text(""), Text(told.looked_at, style="dim"), is_check=True)

    def _line(self, at: str, who: Text, text: RenderableType, *, is_check: bool = False) -> None:
        """One line; what happens and what was checked stand apart."""
        if is_check is not self._is_checking:
            self._print(Text(""))
        self._is_checking = is_check
        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=SECONDS_WIDTH)
        grid.add_column(width=WHO_WIDTH)
        grid.add_column()
        grid.add_row(Text(at, style="dim", justify="right"), who, text)
        self._print(grid)

    def _say_how_often(self) -> None:
        more, self._more = self._more, 0
        if more:
            self._line("", Text("⋮", style="dim"), Text(f"{more} times more the same", style="dim"))

    def _seconds(self, at_ms: int) -> str:
        self._began_ms = self._began_ms or at_ms
        return f"{(at_ms - self._began_ms) / 1000:.2f}"

    def _print(self, what: RenderableType) -> None:
        """Print without the blanks that tables leave at the ends of lines."""
        with self._console.capture() as captured:
            self._console.print(what, soft_wrap=is_whole(what))
        for line in captured.get().splitlines():
            sys.stdout.write(line.rstrip() + "\n")
        sys.stdout.flush()


def ending(told: Ended) -> list[Text]:
    """How it went, and what to try next; commands in one line each, so that they can be copied."""
    if told.failed:
        text = f"{len(told.failed)} of {told.checks} checks failed; what is marked ✗ above did not happen."
        score = Text(f"\n{text}", style=f"bold {NARRATED[BAD]}")
    else:
        text = f"All {told.checks} things checked are so; it took {told.took_s:.1f} s."
        score = Text(f"\n{text}", style=f"bold {NARRATED[GOOD]}")
    where = " in another terminal" if told.kept else ""
    lines = [score, Text(told.kept or "The bus ends here.")]
    if told.evidence:
        lines.append(Text(f"What happened is kept in {told.evidence}, as anybody may check it.", no_wrap=True))
    title = f"Three things to try{where}" if len(told.things_to_try) > 1 else "To find out why"
    lines.append(Text(f"\n{title}", style="bold"))
    for one in told.things_to_try:
        lines.append(Text(f"\n  {one.command}", style=f"bold {NARRATED[NEWS]}", no_wrap=True))
        lines.append(Text(f"    {one.why}"))
    return lines


def is_whole(what: RenderableType) -> bool:
    """Must it stay on one line, however narrow the terminal?"""
    return isinstance(what, Text) and bool(what.no_wrap)


def summary(checked: Sequence[Checked]) -> RenderableType:
    """All that was checked, a line each."""
    grid = Table.grid(padding=(0, 1))
    for one in checked:
        mark = Text("✓", style=NARRATED[GOOD]) if one.is_so else Text("✗ not so", style=f"bold {NARRATED[BAD]}")
        grid.add_row(mark, Text(one.sentence))
    return grid
