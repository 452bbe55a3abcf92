"""Reads the scripts of a folder: comments, lines that set the scene, and lines with what must come of them."""

from dataclasses import dataclass
from difflib import ndiff
from pathlib import Path

ARROW = "->"


@dataclass(frozen=True, slots=True)
class Script:
    """One script: its sentence, what is given, and (what happens, what must come of it) line by line."""

    name: str
    sentence: str
    given: tuple[str, ...]
    lines: tuple[tuple[str, str], ...]


def read_scripts(folder: Path) -> list[Script]:
    """All scripts of a folder, in the order of their names."""
    return [read_script(path) for path in sorted(folder.glob("*.txt"))]


def read_script(path: Path) -> Script:
    """Read one script; raises ValueError on a line without an arrow."""
    text = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    sentence = next((line.removeprefix("#").strip() for line in text if line.startswith("#")), "")
    said = [line for line in text if line and not line.startswith("#")]
    given = tuple(line.removeprefix("given ") for line in said if line.startswith("given "))
    lines = []
    for line in said:
        if not line.startswith("given "):
            what, arrow, result = line.partition(ARROW)
            if not arrow:
                raise ValueError(f"{path.name}: {line!r} does not say what must come of it")
            lines.append((" ".join(what.split()), " ".join(result.split())))
    return Script(path.stem, sentence, given, tuple(lines))


def difference(script: Script, results: list[str]) -> str:
    """Line by line what the script says (-) and what the bus says (+); "" if they agree."""
    wanted = [f"{what} {ARROW} {result}" for what, result in script.lines]
    found = [f"{what} {ARROW} {result}" for (what, _), result in zip(script.lines, results, strict=True)]
    return "" if wanted == found else f"{script.sentence}\n" + "\n".join(ndiff(wanted, found))
