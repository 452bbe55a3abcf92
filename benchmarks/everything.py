"""`make bench`: all benchmarks one after another, each in a process of its own, and their figures as JSON in a folder.

    python -m benchmarks.everything [--full] [--only cost,latency] [--into FOLDER] [--page]

One that fails stops none of the others; the exit code is 1 then, and its figures stay as they were. Without --full
the sizes are small, about a quarter of an hour on two cores, and the figures go to build/bench; else they go to
benchmarks/results, where docs/performance.md takes them from (--page writes it anew).
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.report import Json, say

ROOT = Path(__file__).resolve().parents[1]
RESULTS, QUICK = ROOT / "benchmarks/results", ROOT / "build/bench"
PARTS = ("cost", "latency", "backlog", "beside", "restore", "growth")


def main() -> int:
    """Run them; 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="the sizes of the issue: about half an hour")
    parser.add_argument("--only", default=",".join(PARTS), metavar="NAMES")
    parser.add_argument("--into", type=Path, default=None, metavar="FOLDER")
    parser.add_argument("--page", action="store_true", help="write docs/performance.md from the figures in the end")
    options = parser.parse_args()
    folder = options.into or (RESULTS if options.full else QUICK)
    folder.mkdir(parents=True, exist_ok=True)
    began_s, failed = time.monotonic(), []
    for name in options.only.split(","):
        figures = run_part(name, is_full=options.full)
        if figures is None:
            failed.append(name)
        else:
            write(folder / f"{name}.json", figures)
    say(
        f"{len(failed)} failed{': ' + ', '.join(failed) if failed else ''}; {(time.monotonic() - began_s) / 60:.0f} min"
    )
    if options.page:
        from benchmarks import page

        page.write_all(folder)
    sys.stdout.write(f"{folder}\n")
    return 1 if failed else 0


def run_part(name: str, *, is_full: bool) -> Json | None:
    """The figures of one benchmark, None if it failed; it says why itself."""
    command = [sys.executable, "-m", f"benchmarks.{name}", "--json", *(["--full"] if is_full else [])]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=False)
    try:
        figures: Json = json.loads(done.stdout)
    except ValueError:
        say(f"{name} failed (exit code {done.returncode})")
        return None
    return figures


def write(path: Path, figures: Json) -> None:
    """Replace a file."""
    path.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
