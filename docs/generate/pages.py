"""All pages that are made from the code, and the pages that show a file as it is."""

import re
from functools import cache
from pathlib import Path

from docs.generate import client, commands, events, exit_codes, metrics, reasons, settings, terms

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = {
    "client": client.page,
    "commands": commands.page,
    "events": events.page,
    "exit-codes": exit_codes.page,
    "metrics": metrics.page,
    "reasons": reasons.page,
    "settings": settings.page,
    "terms": terms.page,
}
# `<!-- file: examples/plain/claim.py -->` above a block: the block is that file.
_SHOWN = re.compile(r"<!-- file: (\S+) -->\n(?P<between>(?:.*\n)*?)```(?P<language>\w*)\n(?:.*\n)*?```\n")


@cache
def written() -> dict[Path, str]:
    """Every generated page with the text it must have."""
    found = {ROOT / f"docs/reference/{name}.md": page() for name, page in REFERENCE.items()}
    for path in sorted((ROOT / "docs").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        if _SHOWN.search(text):
            found[path] = _SHOWN.sub(_with_file, text)
    return found


def _with_file(match: re.Match[str]) -> str:
    content = (ROOT / match[1]).read_text(encoding="utf-8")
    return f"<!-- file: {match[1]} -->\n{match['between']}```{match['language']}\n{content}```\n"
