"""The parts of the split screen: each a function from what is known to what is drawn."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.box import ROUNDED
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from bus.dev.demo import words
from bus.dev.demo.holdings import Holding
from bus.dev.demo.palette import ACCENT, BAD, GOOD, INK2, INK3, LINE, NEWS, PAPER, SCREEN, TRACK, WAIT, hue
from bus.dev.demo.told import Act, Begun, Checked, Counted, Happened, Journaled, Note, Process, Processed, Task
from bus.dev.demo.watch import Exchange

AT_WIDTH, WHO_WIDTH = 7, 13
ALIGNED = 64  # columns of talk from which the texts stand under one another
HELD_TEXTS = 35  # of the right column: subject, token, gaps and frame; the bar gets the rest
WIDE = 56  # the right column from which chains and hashes are shown at more length
SOON = 1 / 5  # of the lease
DEAD = {"killed": ("✗", BAD), "ended": ("○", WAIT)}
COUNTED_WIDTH = 24
BEFORE = "All you will see is read from Kafka's topics as it happens; nothing of it is written beforehand."
TOKEN = re.compile(r"(?:under )?(token (?:is )?)\d{8,}(\d{4})\b")


def paper(console: Console) -> str:
    """The screen's own background; none where there are no colours."""
    return "" if console.no_color else PAPER


def header(begun: Begun | None, act: Act | None) -> RenderableType:
    """What this is, what runs where, and how far it has come."""
    grid = Table.grid(expand=True, padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    where = f"   Apache Kafka {begun.kafka} at {begun.bootstrap}" if begun else ""
    at = f"act {act.number} of {act.of}" if act else ""
    grid.add_row(Text.assemble(("agentbus demo", f"bold {ACCENT}"), (where, INK3)), Text(at, style="bold"))
    return Padding(grid, (0, 2))


def framed(content: RenderableType, title: str, subtitle: str = "") -> Panel:
    """A part with its name on the frame."""
    return Panel(
        content,
        box=ROUNDED,
        title=Text(f" {title} ", style=INK2),
        title_align="left",
        subtitle=Text(f" {subtitle} ", style=INK3) if subtitle else None,
        subtitle_align="right",
        border_style=LINE,
        padding=(0, 1),
    )


def narrator(act: Act | None, line: Task | Note | None, counted: Counted | None, prompt: str) -> Panel:
    """What this act is about, or what is being counted; and what was done last."""
    parts: list[RenderableType] = []
    if counted is not None:
        parts.append(_bars(counted))
    else:
        parts.append(Text(f"{act.about if act else BEFORE}\n", style="italic"))
    if isinstance(line, Task):
        parts.append(Text.assemble((f"▸ {line.who} ", f"bold {hue(SCREEN, line.who)}"), line.what))
    elif isinstance(line, Note):
        parts.append(Text(f"▸ {line.text}", style=f"bold {SCREEN['person']}"))
    return framed(Group(*parts), act.title if act else "nine agents, one bus", prompt)


def _bars(counted: Counted) -> RenderableType:
    """Four bars that must come to the same end."""
    grid = Table.grid(padding=(0, 1))
    for name in ("sent", "judged", "answered", "arrived"):
        number = int(getattr(counted, name))
        full = round(COUNTED_WIDTH * min(number, counted.of) / counted.of)
        colour = SCREEN[GOOD] if number == counted.of else SCREEN[WAIT]
        bar = Text.assemble(("━" * full, colour), ("─" * (COUNTED_WIDTH - full), TRACK))
        grid.add_row(Text(name), bar, Text(f"{number:>3} of {counted.of}", style="bold"))
    return Group(Text(counted.what, style="italic"), grid)


def holdings(held: Sequence[Holding], now_ms: int, width: int) -> Panel:
    """Each resource with its holder, its token, and what is left of the lease."""
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True, justify="right")
    for one in held:
        grid.add_row(Text(one.subject, style="bold"), _holder(one), Text(f"token {one.token}", style=INK2))
        grid.add_row(Text(""), *_lease(one, now_ms, width - HELD_TEXTS))
    return framed(grid if held else Text("nobody holds anything yet", style=INK3), "who holds what")


def _holder(one: Holding) -> Text:
    if one.agent:
        name = words.short(one.agent)
        return Text(name, style=f"bold {hue(SCREEN, name)}")
    if one.kept_for:
        return Text(f"kept for {words.short(one.kept_for)}", style=SCREEN[WAIT])
    return Text("free", style=INK3)


def _lease(one: Holding, now_ms: int, width: int) -> tuple[Text, Text]:
    if one.until_ms <= one.from_ms:
        return Text(""), Text("")
    share = min(1.0, max(0.0, (one.until_ms - now_ms) / (one.until_ms - one.from_ms)))
    full = round(share * width)
    colour = SCREEN[WAIT] if one.kept_for or share < SOON else SCREEN[GOOD]
    left_s = max(0, one.until_ms - now_ms) // 1000
    bar = Text.assemble(("━" * full, colour), ("─" * (width - full), TRACK))
    return bar, Text(f"{left_s} s", style=INK2)


def processes(told: Processed) -> Panel:
    """Every process there is or was, left the bus and its Kafka, right the agents."""
    of_the_bus = [one for one in told.processes if "-" not in one.name]
    agents = [one for one in told.processes if "-" in one.name]
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(ratio=1, no_wrap=True)
    grid.add_column(no_wrap=True)
    for row in range(max(len(of_the_bus), len(agents))):
        grid.add_row(*(_process(column[row]) if row < len(column) else Text("") for column in (of_the_bus, agents)))
    return framed(grid, "processes")


def _process(one: Process) -> Text:
    if one.state == "alive":
        name_style = f"bold {hue(SCREEN, one.name)}" if "-" in one.name else "bold"
        return Text.assemble(("● ", SCREEN[GOOD]), (one.name, name_style), (f" {one.pid}", INK2))
    mark, colour = DEAD[one.state]
    text = Text.assemble((f"{mark} ", f"bold {SCREEN[colour]}"), (one.name, f"strike {SCREEN[colour]}"))
    return text.append(f" {one.pid} {one.state}", style=SCREEN[colour])


def journal(content: RenderableType, last: Journaled | None) -> Panel:
    """The chains as they grow."""
    if last is None:
        return framed(content, "the journal")
    linked = "all linked ✓" if not last.unlinked else f"{last.unlinked} NOT LINKED ✗"
    return framed(content, "the journal", f"{last.segments} segments, {last.chains} chains, {linked}")


def segment_entry(told: Journaled, width: int) -> RenderableType:
    """A segment: its chain and number, the hash of the one before it, its own, and what it decides."""
    segment, digits = told.segment, 6 if width >= WIDE else 4
    before = segment.prev[:digits] or "·" * digits
    line = Text(no_wrap=True, overflow="ellipsis")
    chain_style = ACCENT if segment.chain.startswith("arbiter") else INK2
    chain = f"{segment.chain:<16}" if width >= WIDE else f"{segment.chain.removeprefix('gate '):<11.11}"
    line.append(chain, style=chain_style)
    line.append(f" {segment.seq:>3} ", style=INK3)
    line.append(before, style=INK3).append("→" if segment.is_linked else "✗", style=SCREEN[GOOD])
    line.append(segment.hash[:digits], style="bold")
    is_new_owner = segment.body["kind"] == "takeover"
    return line.append(f" {words.decided(segment)}", style=f"bold {SCREEN[WAIT]}" if is_new_owner else chain_style)


def exchange_entry(exchange: Exchange, at: str, width: int) -> RenderableType:
    """A message, and under it the bus's answer, and why."""
    who = Text(exchange.who, style=f"bold {hue(SCREEN, exchange.who)}")
    verdict = words.verdict(exchange)
    word = Text(f"{verdict.mark} {verdict.word}", style=f"bold {SCREEN[verdict.colour]}")
    why = Text(_brief("\n".join(verdict.why)), style=INK2)
    message = _line(at, who, Text(_brief(words.said(exchange))), width)
    return Group(message, _line(f"{exchange.answered_ms - exchange.at_ms} ms", word, why, width))


def event_entry(told: Happened, at: str, width: int) -> RenderableType:
    """Something that answers no message."""
    return _line(at, Text("the bus", style=f"bold {SCREEN[NEWS]}"), Text(words.told(told.event)), width)


def line_entry(told: Task | Note, width: int) -> RenderableType:
    """What somebody is asked, or what the demo does."""
    match told:
        case Task():
            return _line("", Text(told.who, style=INK3), Text(told.what, style=f"italic {INK3}"), width)
        case Note():
            style = SCREEN["person"]
            return _line("", Text("the demo", style=f"bold {style}"), Text(told.text, style=style), width)


def check_entry(told: Checked, width: int) -> RenderableType:
    """Something that had to be so."""
    mark = Text("✓ checked", SCREEN[GOOD]) if told.is_so else Text("✗ not so", f"bold {SCREEN[BAD]}")
    text = Text(told.sentence)
    return _line("", mark, text.append(f"\n{told.looked_at}", style=INK3) if told.looked_at else text, width)


def more_entry(times: int) -> RenderableType:
    """So many times more what stands above."""
    return Text(f"        ⋮  {times} times more the same", style=INK3)


def act_entry(told: Act) -> RenderableType:
    """The line between two acts."""
    return Text(f"\n── {told.number}  {told.title}", style=f"bold {ACCENT}")


def _brief(text: str) -> str:
    """Tokens by their last digits, as people compare them; who holds what has them in full."""
    return TOKEN.sub(r"\1…\2", text)


def _line(at: str, who: Text, text: Text, width: int) -> Table:
    """When, who, what; where there is little room the text begins right behind the name."""
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(width=AT_WIDTH, justify="right", no_wrap=True)
    if width < ALIGNED:
        grid.add_column(ratio=1)
        grid.add_row(Text(at, style=INK3), Text.assemble(who, " ", text))
    else:
        grid.add_column(width=WHO_WIDTH, no_wrap=True)
        grid.add_column(ratio=1)
        grid.add_row(Text(at, style=INK3), who, text)
    return grid
