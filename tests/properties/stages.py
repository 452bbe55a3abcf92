"""Runs the two stages without a Kafka: records in, sealed segments and outputs out, and stages restored from them."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from bus.core.log.journal import Tip, parse_segment, seal
from bus.core.log.records import Output, Record, canonical
from bus.core.outputs.answers import control_headers
from bus.core.policy.control import Change
from bus.shell.arbiter_stage import ArbiterStage
from bus.shell.catalogue import built_in_contracts
from bus.shell.control_log import ControlLog
from bus.shell.gate_stage import GateStage
from bus.shell.gather import Gatherer
from bus.shell.metrics import Metrics
from bus.shell.stage import Draft
from tests.rules.arbiter_script import World
from tests.rules.cast import changes, genesis
from tests.rules.gate_script import Gates, Lane

METRICS = Metrics()
LINES = (
    "{who} mails lead/L-{n} as m{n}",
    "{who} mails lead/L-{n} as m{m}",
    "{who} notes as m{n}",
    "{who} notes as m{n} + body=[",
    "{who} mails lead/L-1 as m{n} + body={{}}",
    "{who} claims lead/L-{m} as c{n}",
    "{who} notes as n{n} + ce_time=-400",
    "{who} notes as n{n} + ce_expirytime=0",
    "{who} notes as n{n} + ce_unknown=1 + bus-key=2",
    "{who} notes as n{n} + bus-key=2",
    "{who} notes as n{n} + twice ce_id",
    "{who} notes as n{n} + bytes=65537",
    "{who} mails lead/L-1 as m{n} + without ce_bustoken",
    "{who} notes as n{n} + ce_source=spiffe://acme/agent/nobody",
    "{who} invents as n{n}",
)
CONTROL_LINES = (
    "ana sets terms lead as t{n}",
    "ana sets terms lead on-base none as t{n}",
    "ana sets terms deal as t{n}",
    "ana sets lane ops{m} as l{n}",
    "ana suspends sales as s{n}",
    "ana resumes sales as r{n}",
    "ana revokes lead/L-1 as v{n}",
)


def lane_records(lane: str, seed: int, count: int) -> list[Record]:
    """Random records of a lane: most of them in order, some repeated, all kinds of wrong ones."""
    chance = random.Random(seed)
    gates, at_s = Gates(lanes={lane: Lane(gatherer(lane, has_topics=True))}), 0.0
    lines = (*CONTROL_LINES, *LINES) if lane == "operators" else LINES
    who = "ana" if lane == "operators" else lane
    for _ in range(count):
        at_s += chance.choice((0, 0.001, 1, 90))
        line = chance.choice(lines).format(who=who, n=chance.randrange(9), m=chance.randrange(3))
        gates.play(f"{at_s} {line}")
    return gates.lanes[lane].records


def control_log(lane: str, *later: Output) -> ControlLog:
    """``bus.control`` as a gate finds it at its start, and the records of ``later`` outputs behind it.

    The gate of ``operators`` writes all changes itself, so it begins at genesis; the others begin in a world.
    """
    log = ControlLog({}, built_in_contracts())
    log._take(Record("bus.control", 0, 0, 0, b"genesis", canonical(genesis().to_json()), ()))
    outputs = [] if lane == "operators" else [control_output(change) for change in changes()]
    for offset, output in enumerate([*outputs, *later], start=1):
        log._take(Record("bus.control", 0, offset, 0, output.key, output.value, output.headers))
    return log


def control_output(change: Change) -> Output:
    """The record of a change on ``bus.control``."""
    key, value = f"{change.kind}/{change.name}".encode(), canonical(change.value)
    return Output("bus.control", 0, key, value, control_headers(change, "x"), "x")


def difference(found: list[Output], wanted: list[Output]) -> str:
    """What differs first between two lists of outputs, in a line a person can read; "" if nothing does."""
    for n, (one, other) in enumerate(zip(found, wanted, strict=False)):
        for name in ("topic", "partition", "key", "value", "headers", "id"):
            if getattr(one, name) != getattr(other, name):
                return f"output {n} ({one.topic} {one.id}): {name} is {getattr(one, name)}, not {getattr(other, name)}"
    return "" if len(found) == len(wanted) else f"{len(found)} outputs, not {len(wanted)}"


@cache
def gatherer(lane: str, *, has_topics: bool) -> Gatherer:
    """One gatherer per lane, which keeps compiled contracts, as in a process."""
    return Gatherer(lane, lambda _: has_topics)


def gate_stage(lane: str, log: ControlLog, *, has_topics: bool = True) -> GateStage:
    """A gate that knows nothing yet."""
    return GateStage(lane, "id", log, gatherer(lane, has_topics=has_topics), METRICS)


def arbiter_stage(world: World) -> ArbiterStage:
    """An arbiter that knows nothing but what was in force before the world began."""
    log = world.log.records
    return ArbiterStage(0, "id", world.at_start, METRICS, lambda offsets: {o: log[o] for o in offsets})


@dataclass(slots=True)
class Run:
    """The segments a stage wrote, and for each the outputs it sends."""

    values: list[bytes] = field(default_factory=list)
    sent: list[list[Output]] = field(default_factory=list)

    def outputs(self, first: int = 0, to: int | None = None) -> list[Output]:
        """Everything that goes out for the segments from ``first``, in order."""
        return [output for outputs in self.sent[first:to] for output in outputs]

    def decisions(self) -> list[bytes]:
        """All rows or entries, each as its bytes, whatever segment it stands in."""
        segments = [parse_segment(value) or {} for value in self.values]
        return [canonical(item) for segment in segments for item in segment.get("rows", segment.get("entries", []))]


def run(stage: Any, records: Sequence[Record], sizes: Iterable[int]) -> Run:  # Any: one of the two stages
    """Let a stage judge records in batches of these sizes (the last goes on), and seal what it drafts."""
    done, tip, rest, wanted = Run(), Tip(), list(records), list(sizes) or [1]
    while rest:
        size = wanted.pop(0) if len(wanted) > 1 else wanted[0]
        draft, count = stage.draft(rest[: max(1, size)], poison=None)
        assert draft is not None
        assert count > 0
        value, tip = seal(tip, draft.body, draft.items)
        done.values.append(value)
        done.sent.append(everything(draft))
        rest = rest[count:]
    return done


def everything(draft: Draft) -> list[Output]:
    """All that a draft sends, in the order in which it goes out."""
    return [*draft.outputs, *draft.last]


def fold(stage: Any, values: Sequence[bytes], published: int) -> None:  # Any: one of the two stages
    """Restore a stage from segments' bytes, of which the first ``published`` have been sent."""
    for number, value in enumerate(values):
        segment = parse_segment(value)
        assert segment is not None
        stage.fold(segment, is_published=number < published)
