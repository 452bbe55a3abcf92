r"""The fenced blocks of README.md and docs/, as a reader would use them: commands to type, files to save, code to run.

How a page says what is to be done with a block:

- ```console: lines that begin with `$ ` are typed (a backslash at the end continues on the next line), the others are
  what one sees; `…` stands for any text, alone on a line for any lines. A command ends with 0 unless its comment says
  `exit code N`.
- a paragraph that ends in a path in code and a colon, right above the block: save the block under that name.
- ```python without such a name is run as it stands; ```java and ```javascript always have one.
- above a block `<!-- not run: why -->`, `<!-- needs: java -->`, `<!-- gives: kafkajs -->` or
  `<!-- in a terminal of its own -->`: see `Block`.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from tests.tidy.tree import ROOT, files_under

RUN = ("console", "python", "java", "javascript")
SHOWN = ("", "json", "yaml", "text", "properties", "ini")  # to be looked at, or saved; nothing to run
_FENCE = re.compile(r"^```(\S*)\s*$")
_MARK = re.compile(r"^<!-- (not run|needs|gives|in a terminal of its own)(?:: (.+?))? -->$")
_SAVED_AS = re.compile(r"`([\w./-]+\.\w+)`[^`]*:$")
_CODE = re.compile(r"#.*\bexit code (\d+)")


class PageError(AssertionError):
    """A block that does not say what is to be done with it."""


@dataclass(frozen=True, slots=True)
class Command:
    """What is typed, what one sees then (None: nothing is said about it), and the exit code."""

    line: int
    text: str
    shown: tuple[str, ...]
    code: int = 0


@dataclass(slots=True)
class Block:
    """One fenced block with the marks above it.

    ``not_run`` says why it is not run; ``needs`` are programs, or what an earlier block of the page ``gives``;
    ``is_own_terminal``: it goes on until the page ends.
    """

    page: str
    line: int
    language: str
    text: str
    saved_as: str = ""
    not_run: str = ""
    needs: tuple[str, ...] = ()
    gives: str = ""
    is_own_terminal: bool = False
    commands: list[Command] = field(default_factory=list)

    @property
    def spot(self) -> str:
        """The way an editor jumps to it."""
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """README.md and everything under docs/."""
    return [ROOT / "README.md", *files_under("docs", suffix=".md")]


def blocks_of(path: Path) -> list[Block]:
    """The blocks of a page in their order; raises `PageError` for one nobody could follow."""
    return read_blocks(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())


def read_blocks(text: str, page: str) -> list[Block]:
    """The blocks of this text."""
    lines = text.splitlines()
    found = []
    at = 0
    while at < len(lines):
        fence = _FENCE.match(lines[at])
        if fence is None:
            at += 1
            continue
        end = lines.index("```", at + 1)
        block = Block(page, at + 1, fence[1], "\n".join(lines[at + 1 : end]) + "\n")
        _read_marks(block, lines[:at])
        _read_commands(block)
        _check(block)
        found.append(block)
        at = end + 1
    return found


def _read_marks(block: Block, above: list[str]) -> None:
    for line in reversed(above):
        if not line:
            continue
        mark = _MARK.match(line)
        if mark is None and line.startswith("<!--"):
            continue
        if mark is None:
            saved = _SAVED_AS.search(line)
            block.saved_as = saved[1] if saved else ""
            return
        kind, said = mark[1], mark[2] or ""
        block.not_run = said if kind == "not run" else block.not_run
        block.needs = tuple(said.split(", ")) if kind == "needs" else block.needs
        block.gives = said if kind == "gives" else block.gives
        block.is_own_terminal = block.is_own_terminal or kind == "in a terminal of its own"


def _read_commands(block: Block) -> None:
    if block.language != "console":
        return
    typed: list[tuple[int, str, list[str]]] = []
    for number, line in enumerate(block.text.splitlines(), start=block.line + 1):
        if line.startswith("$ "):
            typed.append((number, line[2:], []))
        elif typed and typed[-1][1].endswith("\\") and not typed[-1][2]:
            first, text, _ = typed[-1]
            typed[-1] = (first, f"{text}\n{line}", [])
        elif typed:
            typed[-1][2].append(line)
        else:
            raise PageError(f"{block.page}:{number}: a console block begins with what is typed, after `$ `")
    for number, text, shown in typed:
        code = _CODE.search(text)
        block.commands.append(Command(number, text, tuple(shown), int(code[1]) if code else 0))


def _check(block: Block) -> None:
    """A block that would escape the runner is an error."""
    if block.language not in RUN + SHOWN:
        raise PageError(f"{block.spot}: say console, python, java or javascript, not {block.language!r}")
    if block.language != "console" and re.search(r"^\$ ", block.text, re.MULTILINE):
        raise PageError(f"{block.spot}: what is typed belongs into a console block")
    if block.language in ("java", "javascript") and not (block.saved_as or block.not_run):
        raise PageError(f"{block.spot}: say above it under which name to save it")
