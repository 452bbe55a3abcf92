"""Tables and notes of Markdown."""

from collections.abc import Iterable, Sequence

MADE = "<!-- Made from the code by `make docs`: change it there. -->"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a bar inside a cell is kept from ending it."""
    lines = [_row(columns), "|" + "---|" * len(columns), *(_row(cells) for cells in rows)]
    return "\n".join(lines) + "\n"


def page(title: str, *parts: str) -> str:
    """A page with its title, and a note that it is made."""
    return "\n".join([f"# {title}\n", f"{MADE}\n", *(f"{part.strip()}\n" for part in parts)])


def sentence(text: str) -> str:
    """The text with a capital and a full stop, on one line, and with the code marks of Markdown."""
    flat = " ".join(text.split()).replace("``", "`")
    return flat[:1].upper() + flat[1:] + ("" if flat.endswith((".", "?", "!", ")")) else ".")


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
