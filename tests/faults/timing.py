"""How long anybody waited, from the broker's own times: after each blow where it hit, and meanwhile everywhere else."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.acceptance.check_outputs import admitted
from tests.acceptance.evidence import Evidence
from tests.acceptance.predecessor import Reader
from tests.acceptance.wire import Json
from tests.faults.blows import Blow

# What was on its way when the blow fell waits as well.
BEFORE_MS = 500
Wait = tuple[int, int]  # when it came (epoch ms), how long it waited (ms)


@dataclass(slots=True)
class Waits:
    """Of one partition of one stage: what waited how long for its decision, and when owners took over."""

    stage: str
    name: str
    waits: list[Wait]
    takeovers_ms: list[int]

    def during(self, begin_ms: int, end_ms: int) -> list[int]:
        """How long waited what came in this time, in ms: what it waited after that is of the next blow."""
        first, last = bisect_left(self.waits, (begin_ms, 0)), bisect_left(self.waits, (end_ms, 0))
        return [min(wait, end_ms - came_ms) for came_ms, wait in self.waits[first:last]]

    def changed_hands(self, begin_ms: int, end_ms: int) -> bool:
        """Did somebody take over in this time?"""
        return any(begin_ms <= at < end_ms for at in self.takeovers_ms)


def all_waits(evidence: Evidence) -> list[Waits]:
    """Every partition of the gates, the arbiters and the publisher."""
    found = []
    for lane, segments in evidence.gate.items():
        log = evidence.topics[f"bus.in.{lane}"][0]
        found.append(_of_chain("gate", lane, segments, [record.append_ms for record in log]))
    for p, segments in enumerate(evidence.journal):
        log = evidence.topics["bus.arbiter"][p]
        found.append(_of_chain("arbiter", str(p), segments, [record.append_ms for record in log]))
    return [*found, Waits("publisher", "all", sorted(_published(evidence)), [])]


def _of_chain(stage: str, name: str, segments: Iterable[Json], came_ms: Sequence[int]) -> Waits:
    waits, takeovers = [], []
    for segment in segments:
        at_ms, content = segment.record.append_ms, segment.content
        if content["kind"] == "takeover":
            takeovers.append(at_ms)
        elif segment.covers:
            waits += [(came_ms[o], at_ms - came_ms[o]) for o in range(content["from"], content["to"] + 1)]
    return Waits(stage, name, sorted(waits), takeovers)


def _published(evidence: Evidence) -> Iterator[Wait]:
    """From the journal's entry to the governed topic."""
    decided = {
        f"{evidence.gen}.{p}.{entry['o']}": segment.record.append_ms
        for p, segments in enumerate(evidence.journal)
        for segment in segments
        for entry in segment.content.get("entries", [])
    }
    topics = {topic for topic, *_ in admitted(evidence)}
    for topic in topics:
        for log in evidence.topics[topic]:
            for record in log:
                at_ms = decided[(record.last("bus-decision") or "").rpartition(".")[0]]
                yield at_ms, max(0, record.append_ms - at_ms)


def blow_times(blows: Sequence[Blow], waits: Sequence[Waits], end_ms: int) -> list[Json]:
    """Of each blow how long it was felt at each stage, where it hit, and how long anybody else waited meanwhile."""
    told = []
    for blow, after_ms in zip(blows, [*(later.began_ms for later in blows[1:]), end_ms], strict=True):
        span = (blow.began_ms - BEFORE_MS, after_ms - BEFORE_MS)
        hit = [one for one in waits if _is_hit(one, blow, span)]
        others = [one for one in waits if one not in hit and one.stage == blow.stage]
        told.append(
            {
                "fault": blow.fault,
                "target": blow.target,
                "what": blow.what,
                "began_ms": blow.began_ms,
                "seconds": (blow.ended_ms - blow.began_ms) / 1000,
                "hit": [one.name for one in hit] if blow.stage else ["all"],
                "felt_ms": {
                    stage: max([ms for one in hit if one.stage == stage for ms in one.during(*span)], default=0)
                    for stage in dict.fromkeys(one.stage for one in hit)
                },
                "others": spread([ms for one in others for ms in one.during(*span)]),
            }
        )
    return told


def _is_hit(waits: Waits, blow: Blow, span: tuple[int, int]) -> bool:
    """Of a blow at one stage those partitions that changed hands; else all."""
    if not blow.stage:
        return True
    return waits.stage == blow.stage and (waits.stage == "publisher" or waits.changed_hands(*span))


def spread(waits: Sequence[int]) -> Json:
    """Median, 99th percentile and greatest, in ms; how many."""
    held = sorted(waits)
    if not held:
        return {"count": 0}
    return {
        "count": len(held),
        "p50_ms": held[len(held) // 2],
        "p99_ms": held[len(held) * 99 // 100],
        "max_ms": held[-1],
    }


def counts(evidence: Evidence) -> Json:
    """Void segments, take-overs, repeats at the arbiter and in the answers: harmless, and to be known."""
    chains = [(f"bus.gate.{lane}", 0, segments) for lane, segments in evidence.gate.items()]
    chains += [("bus.journal", p, segments) for p, segments in enumerate(evidence.journal)]
    logs = sum(len(evidence.topics[topic][p]) for topic, p, _ in chains)
    valid = [segment for *_, segments in chains for segment in segments]
    entries = [entry for p in range(len(evidence.journal)) for entry in evidence.entries(p)]
    return {
        "messages": sum(len(rows) for rows in evidence.rows.values()),
        "forwarded": sum(entry["verdict"] not in ("repeat", "tick", "control") for entry in entries),
        "contests": sum(event["kind"] == "contest_opened" for entry in entries for event in entry["events"]),
        "granted": sum(event["kind"] == "granted" for entry in entries for event in entry["events"]),
        "admitted": sum(1 for _ in admitted(evidence)),
        "segments": len(valid),
        "void_segments": logs - len(valid),
        "takeovers": sum(segment.content["kind"] == "takeover" for segment in valid),
        "repeats_at_arbiter": sum(entry["verdict"] == "repeat" for entry in entries),
        "repeated_answers": _repeated(evidence),
    }


def _repeated(evidence: Evidence) -> int:
    repeated = 0
    for name, topic in evidence.topics.items():
        if name.startswith("bus.out.") or name in ("bus.outcomes", "bus.refused"):
            for log in topic:
                reader = Reader()
                for record in log:
                    names = [record.last(held) or "" for held in ("bus-from", "bus-decision", "bus-prev")]
                    repeated += not reader.accepts(*names)
    return repeated
