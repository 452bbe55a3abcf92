"""What the bench measured, as JSON and as a table: how often each fault struck, how long it was felt, what it cost."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from tests.acceptance.wire import Json

STAGES = ("gate", "arbiter", "publisher")
# What a stage promises: back within so long when started again at once, taken over when not (ms).
BACK_WITHIN_MS = 5_000
TAKEN_OVER_WITHIN_MS = 15_000
OTHERS_WITHIN_MS = 500  # 99 in 100 of what is none of the dead one's
SUMS = (
    "sent",
    "messages",
    "forwarded",
    "contests",
    "granted",
    "admitted",
    "segments",
    "void_segments",
    "takeovers",
    "repeats_at_arbiter",
    "repeated_answers",
    "cuts",
    "held_back",
    "lost_on_purpose",
)


def summed(bouts: Sequence[Json]) -> Json:
    """All bouts together."""
    seconds = sum(bout["seconds"] for bout in bouts)
    total = {name: sum(bout[name] for bout in bouts) for name in SUMS}
    blows = [blow for bout in bouts for blow in bout["blows"]]
    return {
        "seconds": round(seconds, 1),
        "per_second": round(total["sent"] / seconds, 1) if seconds else 0.0,
        **total,
        "faults": {name: _fault([one for one in blows if one["fault"] == name]) for name in _names(blows)},
    }


def _names(blows: Sequence[Json]) -> list[str]:
    return sorted({blow["fault"] for blow in blows})


def _fault(blows: Sequence[Json]) -> Json:
    stages = sorted({stage for blow in blows for stage in blow["felt_ms"]})
    by_stage = {stage: sorted(blow["felt_ms"][stage] for blow in blows if stage in blow["felt_ms"]) for stage in stages}
    return {
        "count": len(blows),
        "felt_ms": {
            stage: {"count": len(felt), "median": felt[len(felt) // 2], "max": felt[-1]}
            for stage, felt in by_stage.items()
        },
        "others_p99_ms": max((blow["others"].get("p99_ms", 0) for blow in blows), default=0),
    }


def machine() -> Json:
    """On what it was measured."""
    memory_gib = round(psutil.virtual_memory().total / 2**30)
    return {
        "cores": os.cpu_count(),
        "memory_gib": memory_gib,
        "system": platform.system(),
        "python": platform.python_version(),
    }


def table(total: Json) -> Iterator[str]:
    """The lines people read."""
    columns = "".join(f"{stage:>18}" for stage in STAGES)
    yield f"  {'fault':<12}{'times':>6}{columns}{'others, p99':>14}"
    for name, one in total["faults"].items():
        held = "".join(f"{felt_in_words(one['felt_ms'].get(stage)):>18}" for stage in STAGES)
        others = f"{one['others_p99_ms']} ms" if one["others_p99_ms"] else ""
        yield f"  {name:<12}{one['count']:>6}{held}{others:>14}"
    yield "  (the longest that anything waited: median of the blows, and the worst of them)"
    yield (
        f"  {total['sent']} messages at {total['per_second']} a second; {total['takeovers']} take-overs, "
        f"{total['void_segments']} void of {total['segments'] + total['void_segments']} segments,"
    )
    yield (
        f"  {total['repeats_at_arbiter']} repeats at the arbiter and {total['repeated_answers']} in the answers, all "
        f"without effect; {total['cuts']} connections cut, {total['held_back']} EndTxn late, "
        f"{total['lost_on_purpose']} records lost in the middle"
    )


def felt_in_words(one: Json | None) -> str:
    """Median and worst, in words; "" if the fault was none of this stage's."""
    return "" if one is None else f"{one['median'] / 1000:.1f} .. {one['max'] / 1000:.1f} s"


def late(bouts: Sequence[Json]) -> Iterator[str]:
    """Stages that were not back, or not taken over, within the time that is promised."""
    for bout in bouts:
        for blow in bout["blows"]:
            bound_ms = {"kill": BACK_WITHIN_MS, "gone": TAKEN_OVER_WITHIN_MS}.get(blow["fault"])
            others_ms = blow["others"].get("p99_ms", 0)
            if blow["fault"] == "gone" and others_ms > OTHERS_WITHIN_MS:
                yield f"while {blow['target']} was gone (seed {bout['seed']}) others waited {others_ms} ms"
            felt_ms = max(blow["felt_ms"].values(), default=0)
            if bound_ms is not None and felt_ms > bound_ms:
                yield f"{blow['fault']} of {blow['target']} (seed {bout['seed']}) was felt for {felt_ms} ms"


def write(path: Path, content: str) -> None:
    """Replace a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
