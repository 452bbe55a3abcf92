"""Sets a page for a terminal: headings, labelled lines and values side by side, wrapped and never cut.

A line is a row of pieces, each a text and a style; in a pipe the styles go and the text stays, word for word.
"""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len, set_cell_size

from bus.audit.plain import printable
from bus.cli.caller import WIDTH_OFF_TERMINAL, console

Piece = tuple[str, str]
Line = tuple[Piece, ...]

WIDTH_MAX = 140  # four claims stand side by side; more would not be compared
LABEL = 12  # the column of the labels
NAME_MAX = LABEL + 6  # of a field somebody has named: longer, and there is no room for what it says
INDENT = 2
GAP = 3  # between values side by side
COLUMN_MIN = 24  # narrower, and a sentence is no sentence any more
STRONG, QUIET, ALARM, GOOD, MARK = "bold", "dim", "bold red", "green", "bold yellow"


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that is said of everything that stands side by side; ``mark`` is one character before it."""

    label: str
    values: tuple[str, ...]
    mark: str = " "
    style: str = ""


@dataclass(slots=True)
class Sheet:
    """A page of lines no longer than ``width`` characters."""

    width: int
    lines: list[Line] = field(default_factory=list)

    def blank(self) -> None:
        """An empty line, never two."""
        if self.lines and self.lines[-1]:
            self.lines.append(())

    def heading(self, name: str, note: str = "") -> None:
        """The name of a part, after an empty line."""
        self.blank()
        note = printable(note)
        self.lines.append(((name, STRONG), (f"  {note}", QUIET)) if note else ((name, STRONG),))

    def line(self, *pieces: Piece, indent: int = 0) -> None:
        """Pieces on one line; if they are too long for it, their text is wrapped and loses its styles."""
        pieces = tuple((printable(part), style) for part, style in pieces)
        text = "".join(part for part, _ in pieces)
        if cell_len(text) <= self.width:
            self.lines.append(pieces)
        else:
            self.wrapped(text[indent:], indent=indent, opening=text[:indent])

    def wrapped(self, text: str, *, indent: int = INDENT, opening: str = "", style: str = "") -> None:
        """A text after ``opening``; all its lines begin ``indent`` characters in. A longer opening is cut."""
        room = max(self.width - indent, COLUMN_MIN)
        for number, part in enumerate(wrap(text, room)):
            begin = fitted(opening, indent) if number == 0 else " " * indent
            self.lines.append(((begin, ""), (part, style)))

    def labelled(self, label: str, text: str, style: str = "") -> None:
        """A label and what belongs to it; nothing for an empty text."""
        if text:
            self.wrapped(text, indent=INDENT + LABEL, opening=f"{' ' * INDENT}{label}", style=style)

    def side_by_side(self, heads: Sequence[str], rows: Sequence[Row]) -> None:
        """Values of several things beside one another, as many as the width takes, then the next ones."""
        label = min(max((cell_len(printable(row.label)) for row in rows), default=0), NAME_MAX)
        opening = INDENT + 2 + label + 2
        fitting = max(1, (self.width - opening + GAP) // (COLUMN_MIN + GAP))
        for first in range(0, len(heads), fitting):
            if first and rows:
                self.blank()
            some = heads[first : first + fitting]
            column = (self.width - opening - GAP * (len(some) - 1)) // len(some)
            widest = [column] * len(some)
            self._across(" " * opening, [wrap(head, column) for head in some], widest, STRONG)
            for row in rows:
                begin = f"{' ' * INDENT}{row.mark} {fitted(row.label, label)}  "
                cells = [wrap(value, column) for value in row.values[first : first + fitting]]
                self._across(begin, cells, widest, row.style)

    def _across(self, opening: str, cells: Sequence[Sequence[str]], widths: Sequence[int], style: str) -> None:
        for number in range(max(map(len, cells))):
            texts = [cell[number] if number < len(cell) else "" for cell in cells]
            set_texts = [set_cell_size(text, width) for text, width in zip(texts, widths, strict=True)]
            begin = opening if number == 0 else " " * cell_len(opening)
            self.lines.append(((begin, MARK if opening.strip()[:1] == "≠" else ""), (_joined(set_texts), style)))


def _joined(texts: Iterable[str]) -> str:
    return (" " * GAP).join(texts).rstrip()


def wrap(text: str, width: int) -> list[str]:
    """The text in lines of at most ``width`` characters, broken between words where there are any."""
    lines: list[str] = [""]
    for word in printable(" ".join(text.split())).split(" "):
        rest = word
        if lines[-1] and cell_len(lines[-1]) + 1 + cell_len(rest) <= width:
            lines[-1] += f" {rest}"
            continue
        if lines[-1]:
            lines.append("")
        while cell_len(rest) > width:
            part = _fitting(rest, width)
            lines[-1], rest = part, rest[len(part) :]
            lines.append("")
        lines[-1] = rest
    return lines


def fitted(text: str, width: int) -> str:
    """The text in exactly ``width`` characters, harmless to a terminal; what is cut off is told by its end."""
    text = printable(text)
    return set_cell_size(text, width) if cell_len(text) <= width else f"{set_cell_size(text, max(width - 1, 0))}…"


def _fitting(word: str, width: int) -> str:
    part = word[: max(width, 1)]
    while len(part) > 1 and cell_len(part) > width:
        part = part[:-1]
    return part


def page_width() -> int:
    """How wide a page is set: the terminal, else what is said of a pipe."""
    screen = console(sys.stdout)
    return min(screen.width if sys.stdout.isatty() else WIDTH_OFF_TERMINAL, WIDTH_MAX)


def print_lines(lines: Iterable[Line]) -> None:
    """Write them on stdout."""
    from rich.text import Text

    screen = console(sys.stdout)
    for line in lines:
        screen.print(Text.assemble(*line), soft_wrap=True, highlight=False)


def text_of(line: Line) -> str:
    """The line without its styles."""
    return "".join(text for text, _ in line).rstrip()
