"""Sets a table without lines: whole in a pipe, and never wider than the terminal of whoever reads it there.

What does not fit is shortened in the middle with "…": the two ends of an id tell it apart from others. A list goes on
below, in its own column. Columns that are only nice to have go first.
"""

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from rich.cells import cell_len

GAP = "  "
COLUMN_MIN = 6  # narrower, and a cell says nothing any more
SPARED_MAX = 12  # columns this narrow (times, numbers, short names) are shortened only when nothing else helps
LIST_LINES_MAX = 4  # of a list in one cell; who wants a longer one whole has --json
CUT = "…"
ID = "spiffe://"  # of an agent's or a person's id the name alone says enough to whoever knows the bus


def set_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, width: int | None, optional: Sequence[str] = ()
) -> list[str]:
    """The lines of a table, its header first; ``width`` in characters, None for no limit.

    ``optional`` names columns that may be left out on a narrow terminal, the first of them first.
    """
    kept = list(range(len(columns)))
    for name in optional:
        if width is None or _total(_widths(columns, rows, kept)) <= width:
            break
        kept.remove(columns.index(name))
    widths = _widths(columns, rows, kept)
    if width is not None:
        _narrow(widths, width)
    lines = [[columns[index] for index in kept], *([row[index] for index in kept] for row in rows)]
    return [line for cells in lines for line in _lines(cells, widths)]


def shortened(text: str, width: int) -> str:
    """The text in at most ``width`` characters: a list without its last items, anything else without its middle."""
    if cell_len(text) <= width:
        return text
    if text.startswith(ID) and cell_len(name := f"{CUT}/{text.rpartition('/')[2]}") <= width:
        return name
    if ", " in text:
        kept = text
        while ", " in kept:
            kept = kept.rpartition(", ")[0]
            if cell_len(kept) + 3 <= width:
                return f"{kept}, {CUT}"
    if " " in text:  # a sentence is read from its beginning
        return _cut(text, width - 1).rstrip() + CUT
    tail = (width - 1) * 3 // 5  # the end of an id says more than its beginning
    return _cut(text, width - 1 - tail) + CUT + _cut(text[::-1], tail)[::-1]


def _cut(text: str, width: int) -> str:
    kept = text[: max(width, 0)]
    while cell_len(kept) > width:
        kept = kept[:-1]
    return kept


def _widths(columns: Sequence[str], rows: Sequence[Sequence[str]], kept: Sequence[int]) -> list[int]:
    return [max(cell_len(columns[i]), *(cell_len(row[i]) for row in rows), 1) for i in kept]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _narrow(widths: list[int], width: int) -> None:
    """Take from the widest column until all fit, or none can give more."""
    for floor in (SPARED_MAX, COLUMN_MIN):
        while _total(widths) > width and max(widths) > floor:
            widest = widths.index(max(widths))
            widths[widest] -= 1


def _lines(cells: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    """A row, and below it what a list in one of its cells has no room for beside the others."""
    fitted = [_cell(cell, width) for cell, width in zip(cells, widths, strict=True)]
    for texts in zip_longest(*fitted, fillvalue=""):
        padded = [text + " " * (width - cell_len(text)) for text, width in zip(texts, widths, strict=True)]
        yield GAP.join(padded).rstrip()


def _cell(text: str, width: int) -> list[str]:
    """The text in lines of at most ``width`` characters: one, but of a list that is too long several."""
    if cell_len(text) <= width or ", " not in text or text.startswith(ID):
        return [shortened(text, width)]
    lines: list[str] = []
    items = text.split(", ")
    for place, one in enumerate(items):
        item = one if place == len(items) - 1 else f"{one},"
        if lines and cell_len(lines[-1]) + 1 + cell_len(item) <= width:
            lines[-1] += f" {item}"
        elif len(lines) == LIST_LINES_MAX - 1 and not _fits(items[place:], width):
            return [*lines, shortened(f"and {len(items) - place} more", width)]
        else:
            lines.append(item if cell_len(item) <= width else shortened(item, width))
    return lines


def _fits(items: Sequence[str], width: int) -> bool:
    return cell_len(", ".join(items)) <= width
