"""Writes what the committed runs of the fault bench measured into its page.

python -m tests.faults.page           writes docs/fault-bench.md
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.acceptance.wire import Json
from tests.faults.results import STAGES, felt_in_words

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/fault-bench.md"
RUNS = (ROOT / "benchmarks/torture-1.json", ROOT / "benchmarks/torture-3.json")
BEGIN, END = "<!-- results -->\n", "<!-- end of results -->"


def with_results(text: str) -> str:
    """The page with the tables of all committed runs in their place."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    told = [line for path in RUNS if path.exists() for line in _told(json.loads(path.read_text(encoding="utf-8")))]
    return before + BEGIN + "".join(f"{line}\n" for line in told) + END + after


def _told(run: Json) -> Iterator[str]:
    asked, total, machine = run["asked"], run["total"], run["machine"]
    brokers = "one broker" if asked["brokers"] == 1 else f"{asked['brokers']} brokers"
    yield f"### {brokers.capitalize()}, {asked['rate']} messages a second, {asked['minutes']:g} minutes"
    yield ""
    yield (
        f"{run['passed']} checks passed, {run['failed']} failed (seed {asked['seed']}; {machine['cores']} cores, "
        f"{machine['memory_gib']} GiB, {machine['system']}, Python {machine['python']})."
    )
    yield f"{total['sent']:,} messages were sent at {total['per_second']} a second; {total['contests']:,} contests,"
    yield f"{total['granted']:,} grants, {total['admitted']:,} admitted to governed topics."
    yield f"{total['takeovers']} take-overs, {total['void_segments']} of {_segments(total):,} segments void,"
    yield f"{total['repeats_at_arbiter']} repeats at the arbiter, {total['repeated_answers']} in the answers;"
    yield f"{total['cuts']} connections cut, {total['held_back']} ends of transactions late,"
    yield f"{total['lost_on_purpose']} records lost in the middle of a delivery."
    yield ""
    yield f"| Fault | Times | {' | '.join(f'Felt at the {stage}' for stage in STAGES)} | Others, 99 in 100 |"
    yield f"|---|---|{'---|' * len(STAGES)}---|"
    for name, one in total["faults"].items():
        held = " | ".join(felt_in_words(one["felt_ms"].get(stage)) for stage in STAGES)
        others = f"{one['others_p99_ms']} ms" if one["others_p99_ms"] else ""
        yield f"| `{name}` | {one['count']} | {held} | {others} |"
    yield ""
    yield "(Median of the blows, and the worst of them.)"
    yield ""


def _segments(total: Json) -> int:
    return int(total["segments"] + total["void_segments"])


def main() -> int:
    """Write the page."""
    PAGE.write_text(with_results(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
