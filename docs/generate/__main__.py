"""Writes the pages of docs/reference from the code, and the files that pages show; `make docs` runs it.

python -m docs.generate           writes what differs
python -m docs.generate --check   says what would differ, and ends with 3
"""

import sys

from docs.generate.pages import ROOT, written


def main() -> int:
    """Write or compare; the exit code."""
    differing = [path for path, text in written().items() if not path.exists() or path.read_text("utf-8") != text]
    for path in differing:
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")
        if "--check" not in sys.argv:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(written()[path], encoding="utf-8")
    return 3 if differing and "--check" in sys.argv else 0


sys.exit(main())
