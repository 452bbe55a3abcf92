"""What is in the repository: its files, their lines and their syntax trees, as git would see them."""

import ast
import re
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# A rule broken on purpose says so at the spot, on the same line or the one above: `# tidy: ok <why>`, in Markdown
# `<!-- tidy: ok <why> -->`. Without a why it does not count.
_EXCUSE = re.compile(r"(?:#|<!--)\s*tidy: ok\s+(?!-->)\S+")


@dataclass(frozen=True, slots=True)
class Spot:
    """One line of one file, the way an editor jumps to it."""

    path: Path
    line: int

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"


@cache
def files() -> tuple[Path, ...]:
    """Every file that is tracked by git or about to be, in order."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found = (ROOT / name for name in sorted(set(listed.split("\0"))) if name)
    return tuple(path for path in found if path.is_file())


def files_under(*folders: str, suffix: str) -> list[Path]:
    """The files with this suffix under these folders of the repository."""
    roots = [ROOT / folder for folder in folders]
    return [path for path in files() if path.suffix == suffix and any(path.is_relative_to(root) for root in roots)]


@cache
def text_of(path: Path) -> str:
    """The text of a file, or nothing if it is none (a picture)."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def lines_of(path: Path) -> list[str]:
    """The lines of a file."""
    return text_of(path).splitlines()


@cache
def syntax_of(path: Path) -> ast.Module:
    """The syntax tree of a Python file."""
    return ast.parse(text_of(path), filename=str(path))


def is_excused(path: Path, line: int) -> bool:
    """Does line number ``line`` (from 1), or the one above, say why it breaks a rule?"""
    nearby = lines_of(path)[max(0, line - 2) : line]
    return any(_EXCUSE.search(text) for text in nearby)


def is_sentence(text: str) -> bool:
    """Is this at least three words that end like a sentence?"""
    return len(text.split()) >= 3 and text.rstrip()[-1] in ".?!"
