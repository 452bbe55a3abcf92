"""Does a screen look as the page says? `…` stands for any text, alone on a line for any lines; spaces count as one."""

import re
from collections.abc import Sequence

ANYTHING = "…"


def is_as_shown(shown: Sequence[str], screen: str, *, goes_on: bool = False) -> bool:
    """Are these the lines of the screen, all of them (``goes_on``: more may come below)?"""
    rest = r"(?:.*\n)*" if goes_on else ""
    pattern = "".join(_pattern(_squeezed(line)) for line in shown)
    lines = [_squeezed(line) for line in screen.splitlines()]
    text = "".join(f"{line}\n" for line in _without_blank_ends(lines))
    return re.fullmatch(pattern + rest, text) is not None


def _pattern(line: str) -> str:
    if line == ANYTHING:
        return r"(?:.*\n)*?"
    return ".*?".join(re.escape(part) for part in line.split(ANYTHING)) + r"\n"


def _squeezed(line: str) -> str:
    return re.sub(r"\s+", " ", line).strip()


def _without_blank_ends(lines: list[str]) -> list[str]:
    return "\n".join(lines).strip("\n").split("\n") if any(lines) else []
