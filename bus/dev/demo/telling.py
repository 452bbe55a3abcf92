"""Tells the demo as it happens: for people in aligned, coloured lines, for programs as one JSON object a line."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any, Protocol

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from bus.dev.demo import words
from bus.dev.demo.watch import Event, Exchange

WIDTH_MAX = 100
HOW_TO_READ = """\
What follows is read from the topics as it happens; nothing of it is written beforehand.
Left the second of the message, right how long the bus took to answer, both by Kafka's own clock."""
SECONDS_WIDTH, WHO_WIDTH, VERDICT_WIDTH, TOOK_WIDTH = 6, 14, 11, 8
CHECKING_ACT = 5  # has nothing but checks
SAME_SHOWN_MAX = 2  # of a loop; how often it went on is said afterwards


class Teller(Protocol):
    """Who tells. Each method is one thing that can be told."""

    def begin(self, facts: dict[str, Any]) -> None: ...  # Any: JSON  # noqa: D102
    def act(self, number: int, title: str, about: str) -> None: ...  # noqa: D102
    def exchange(self, exchange: Exchange) -> None: ...  # noqa: D102
    def event(self, event: Event) -> None: ...  # noqa: D102
    def task(self, who: str, what: str) -> None: ...  # noqa: D102
    def note(self, text: str) -> None: ...  # noqa: D102
    def check(self, sentence: str, *, is_so: bool, looked_at: str) -> None: ...  # noqa: D102
    def end(self, facts: dict[str, Any]) -> None: ...  # Any: JSON  # noqa: D102


class JsonTeller:
    """For programs."""

    def __init__(self) -> None:
        self._act = 0

    def begin(self, facts: dict[str, Any]) -> None:
        """What runs where."""
        self._write("begin", **facts)

    def act(self, number: int, title: str, about: str) -> None:
        """A new act."""
        self._act = number
        self._write("act", title=title, about=about)

    def exchange(self, exchange: Exchange) -> None:
        """A message and its answer."""
        arrived = {"arrived_on": exchange.arrived_on, "is_same_bytes": exchange.is_same} if exchange.arrived_on else {}
        self._write(
            "exchange",
            at=exchange.at_ms,
            answered_ms=exchange.answered_ms - exchange.at_ms,
            src=exchange.src,
            agent=exchange.who,
            type=exchange.type,
            subject=exchange.subject,
            answer=exchange.answer,
            **arrived,
        )

    def event(self, event: Event) -> None:
        """Something that answers no message."""
        self._write("event", partition=event.partition, body=event.body)

    def task(self, who: str, what: str) -> None:
        """Somebody is asked to do something."""
        self._write("task", agent=who, what=what)

    def note(self, text: str) -> None:
        """What the demo itself does."""
        self._write("note", text=text)

    def check(self, sentence: str, *, is_so: bool, looked_at: str) -> None:
        """Something that had to be so."""
        self._write("check", sentence=sentence, is_so=is_so, looked_at=looked_at)

    def end(self, facts: dict[str, Any]) -> None:
        """The last line."""
        self._write("end", **facts)

    def _write(self, demo: str, **facts: Any) -> None:  # Any: JSON
        sys.stdout.write(json.dumps({"demo": demo, "act": self._act, **facts}, sort_keys=True) + "\n")
        sys.stdout.flush()


class PersonTeller:
    """For people, at 100 columns; colours as the terminal and NO_COLOR allow, never without the word."""

    def __init__(self, things_to_try: Sequence[tuple[str, str]]) -> None:
        self._things_to_try = things_to_try
        width = min(WIDTH_MAX, Console().width) if sys.stdout.isatty() else WIDTH_MAX
        self._console = Console(width=width, highlight=False)
        self._began_ms = 0
        self._is_checking = False
        self._same: tuple[str, ...] = ()
        self._same_count = 0

    def begin(self, facts: dict[str, Any]) -> None:
        """What runs where."""
        self._console.print()
        self._console.print(Text("agentbus demo", style="bold"))
        about = f"Apache Kafka {facts['kafka']} at {facts['bootstrap']} · gate (pid {facts['gate']}) · "
        about += f"arbiter (pid {facts['arbiter']}) · {len(facts['agents'])} agents"
        self._console.print(Text(about, style="dim"))
        self._console.print(Text(HOW_TO_READ, style="dim"))

    def act(self, number: int, title: str, about: str) -> None:
        """A new act."""
        self._say_how_often()
        self._console.print()
        self._console.print(Rule(Text(f"{number}  {title}", style="bold"), align="left", style="dim"))
        self._console.print(Padding(Text(about, style="italic"), (0, 0, 1, 3)))
        self._is_checking = number == CHECKING_ACT

    def exchange(self, exchange: Exchange) -> None:
        """A message, and under it the bus's answer."""
        verdict = words.verdict(exchange)
        same = (exchange.who, exchange.type, exchange.kind, exchange.reason)
        if self._is_once_more(same):
            return
        self._line(self._seconds(exchange.at_ms), Text(exchange.who, style="bold"), Text(words.said(exchange)))
        answer = Table.grid(padding=(0, 1))
        answer.add_column(width=VERDICT_WIDTH)
        answer.add_column(width=self._console.width - SECONDS_WIDTH - WHO_WIDTH - VERDICT_WIDTH - TOOK_WIDTH - 5)
        answer.add_column(width=TOOK_WIDTH, justify="right")
        took = f"{exchange.answered_ms - exchange.at_ms} ms"
        word = Text(f"{verdict.mark} {verdict.word}", style=f"bold {verdict.colour}")
        answer.add_row(word, Text("\n".join(verdict.why)), Text(took, style="dim"))
        self._line("", Text(""), answer)

    def event(self, event: Event) -> None:
        """Something that answers no message."""
        self._say_how_often()
        at = self._seconds(event.answered_ms)
        self._line(at, Text("the bus", style="bold cyan"), Text(words.told(event), style="cyan"))

    def task(self, who: str, what: str) -> None:
        """Somebody is asked to do something."""
        self._say_how_often()
        self._line("", Text(who, style="dim"), Text(what, style="dim italic"))

    def note(self, text: str) -> None:
        """What the demo itself does."""
        self._say_how_often()
        self._line("", Text("the demo", style="bold magenta"), Text(text, style="magenta"))

    def check(self, sentence: str, *, is_so: bool, looked_at: str) -> None:
        """Something that had to be so."""
        self._say_how_often()
        mark = Text("✓ checked", style="green") if is_so else Text("✗ not so", style="bold red")
        self._line("", mark, Text(sentence), is_check=True)
        if looked_at:
            self._line("", Text(""), Text(looked_at, style="dim"), is_check=True)

    def end(self, facts: dict[str, Any]) -> None:
        """How it went, and what to try next."""
        self._say_how_often()
        self._console.print()
        if facts["failed"]:
            text = f"{len(facts['failed'])} of {facts['checks']} checks failed; what is marked ✗ above did not happen."
            self._console.print(Text(text, style="bold red"))
            return
        took = f"{facts['took_s']:.1f} s"
        self._console.print(
            Text(
                f"All {facts['checks']} things checked are so. Everything is stopped; it took {took}.",
                style="bold green",
            )
        )
        self._console.print()
        self._console.print(Text("Three things to try", style="bold"))
        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=SECONDS_WIDTH - 4)
        grid.add_column(no_wrap=True)
        grid.add_column()
        for command, why in self._things_to_try:
            grid.add_row("", Text(command, style="bold cyan"), Text(f" {why}"))
        self._console.print(grid)

    def _line(self, at: str, who: Text, text: RenderableType, *, is_check: bool = False) -> None:
        """One line; what happens and what was checked stand apart."""
        if is_check is not self._is_checking:
            self._console.print()
        self._is_checking = is_check
        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=SECONDS_WIDTH)
        grid.add_column(width=WHO_WIDTH)
        grid.add_column()
        grid.add_row(Text(at, style="dim", justify="right"), who, text)
        self._console.print(grid)

    def _is_once_more(self, same: tuple[str, ...]) -> bool:
        if same != self._same:
            self._say_how_often()
            self._same = same
        self._same_count += 1
        return self._same_count > SAME_SHOWN_MAX

    def _say_how_often(self) -> None:
        more = self._same_count - SAME_SHOWN_MAX
        self._same, self._same_count = (), 0
        if more > 0:
            self._line("", Text("⋮", style="dim"), Text(f"{more} times more the same", style="dim"))

    def _seconds(self, at_ms: int) -> str:
        self._began_ms = self._began_ms or at_ms
        return f"{(at_ms - self._began_ms) / 1000:.2f}"
