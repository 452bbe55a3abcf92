"""Waits until the bus is quiet, as wire.md section 8 defines it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from tests.acceptance.chain import covered_to, fold_segments
from tests.acceptance.topics import Cluster, TestsStopError

ASK_EVERY_S = 1.0
# Reservations and lock delays end in ticks without an event, so quiet has to last longer than they do.
STAYS_QUIET_S = 3.5


def wait_until_quiet(
    cluster: Cluster, *, within_s: float, say: Callable[[str], None], is_alive: Callable[[], str]
) -> None:
    """Return when nothing is on its way any more; raises TestsStopError with what is still open."""
    until, quiet_since, before = time.monotonic() + within_s, 0.0, ""
    while True:
        dead = is_alive()
        if dead:
            raise TestsStopError(dead)
        still_open = _still_open(cluster)
        now = time.monotonic()
        if not still_open:
            quiet_since = quiet_since or now
            if now - quiet_since >= STAYS_QUIET_S:
                return
        else:
            quiet_since = 0.0
            if still_open != before:
                say(f"not quiet: {still_open}")
            before = still_open
            if now > until:
                raise TestsStopError(f"the bus was not quiet within {within_s:.0f} s: {still_open}")
        time.sleep(ASK_EVERY_S)


def _still_open(cluster: Cluster) -> str:
    topics = cluster.partitions()
    ends = cluster.ends({name: count for name, count in topics.items() if name.startswith("bus.")})
    return (
        _uncommitted(cluster, ends)
        or _undecided(cluster, ends)
        or _unpublished(cluster, ends, "bus-gate-published", "bus.gate.")
        or _unpublished(cluster, ends, "bus-arbiter-published", "bus.journal")
        or _unreleased(cluster, ends)
        or _still_held(cluster)
    )


def _still_held(cluster: Cluster) -> str:
    """A lease that runs will end in a tick: the bus is quiet for good only when nobody holds anything."""
    held: set[str] = set()
    for log in cluster.read("bus.journal"):
        for segment in fold_segments(log):
            for entry in segment.content.get("entries", []):
                for event in entry["events"]:
                    if event["kind"] == "granted":
                        held.add(event["subject"])
                    elif event["kind"] == "ended":
                        held.discard(event["subject"])
    return f"{len(held)} leases still run, for example {min(held)}" if held else ""


def _uncommitted(cluster: Cluster, ends: dict[tuple[str, int], int]) -> str:
    committed = cluster.committed("bus-gate")
    for place, end in ends.items():
        if place[0].startswith("bus.in.") and end > committed.get(place, 0):
            return f"bus-gate stands at {committed.get(place, 0)} of {end} in {place[0]}"
    return ""


def _undecided(cluster: Cluster, ends: dict[tuple[str, int], int]) -> str:
    for partition, log in enumerate(cluster.read("bus.journal")):
        decided, end = covered_to(fold_segments(log)), ends["bus.arbiter", partition]
        if decided != end:
            return f"the journal of partition {partition} stands at {decided} of {end}"
    return ""


def _unpublished(cluster: Cluster, ends: dict[tuple[str, int], int], group: str, prefix: str) -> str:
    committed = cluster.committed(group)
    for place, end in ends.items():
        if place[0].startswith(prefix) and committed.get(place, 0) < end:
            return f"{group} stands at {committed.get(place, 0)} of {end} in {place[0]}/{place[1]}"
    return ""


def _unreleased(cluster: Cluster, ends: dict[tuple[str, int], int]) -> str:
    marks: dict[int, int] = {}
    for log in cluster.read("bus.published", isolation="read_committed"):
        for record in log:
            held = json.loads(record.value or b"{}").get("marks", {})
            marks |= {int(partition): int(mark) for partition, mark in held.items()}
    for (topic, partition), end in ends.items():
        if topic == "bus.journal" and marks.get(partition, 0) < end:
            return f"the publisher stands at {marks.get(partition, 0)} of {end} in bus.journal/{partition}"
    return ""
