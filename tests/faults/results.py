"""What the bench measured, as JSON and as a table: how often each fault struck, how long it was felt, what it cost."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from tests.acceptance.wire import Json

# What a stage promises: back within so long when started again at once, taken over when not (ms).
BACK_WITHIN_MS = 5_000
TAKEN_OVER_WITHIN_MS = 15_000
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
    felt = sorted(blow["felt_ms"] for blow in blows)
    by_stage = {
        stage: max(blow["felt_ms"] for blow in blows if blow["target"].startswith(stage))
        for stage in ("gate", "arbiter", "publisher")
        if any(blow["target"].startswith(stage) for blow in blows)
    }
    others = max((blow["others"].get("p99_ms", 0) for blow in blows), default=0)
    return {
        "count": len(blows),
        "felt_ms": {"median": felt[len(felt) // 2], "max": felt[-1]},
        "felt_max_ms_by_stage": by_stage,
        "others_p99_ms_max": others,
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
    yield f"  {'fault':<12} {'times':>5} {'felt, median':>13} {'felt, longest':>14} {'others, p99':>12}"
    for name, one in total["faults"].items():
        median, longest = one["felt_ms"]["median"] / 1000, one["felt_ms"]["max"] / 1000
        others = f"{one['others_p99_ms_max']} ms" if one["others_p99_ms_max"] else ""
        yield f"  {name:<12} {one['count']:>5} {median:>11.1f} s {longest:>12.1f} s {others:>12}"
    yield (
        f"  {total['sent']} messages at {total['per_second']} a second; {total['takeovers']} take-overs, "
        f"{total['void_segments']} void of {total['segments'] + total['void_segments']} segments,"
    )
    yield (
        f"  {total['repeats_at_arbiter']} repeats at the arbiter and {total['repeated_answers']} in the answers, all "
        f"without effect; {total['cuts']} connections cut, {total['held_back']} EndTxn late"
    )


def late(bouts: Sequence[Json]) -> Iterator[str]:
    """Stages that were not back, or not taken over, within the time that is promised."""
    for bout in bouts:
        for blow in bout["blows"]:
            bound_ms = {"kill": BACK_WITHIN_MS, "gone": TAKEN_OVER_WITHIN_MS}.get(blow["fault"])
            if bound_ms is not None and blow["felt_ms"] > bound_ms:
                yield f"{blow['fault']} of {blow['target']} (seed {bout['seed']}) was felt for {blow['felt_ms']} ms"


def write(path: Path, content: str) -> None:
    """Replace a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
