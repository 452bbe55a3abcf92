"""What judging a message costs the arbiter, without a Kafka: the mix of traffic, over more and more that is open.

    .venv/bin/python -m benchmarks.judging [--messages 20000] [--grow] [--json] [--profile]

Records are made once, as gates forward them, and judged in one thread. ``whole`` is the way from records to sealed
bytes and all that goes out. Of its parts: ``read`` the records, ``decide`` and fold, ``write`` the entries as the
journal has them. ``restore`` folds that journal. CPU time, the best of some rounds.
"""

import argparse
import cProfile
import gc
import json
import pstats
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

from benchmarks.traffic import CLAIM, STEWARD, Held, Message, agent, message, mix
from benchmarks.world import CONTRACTS
from bus.core.arbiter import decide, evolve
from bus.core.decision.events import event_to_json
from bus.core.log.journal import SEGMENT_INPUTS_MAX, Tip, parse_segment, seal
from bus.core.log.records import Record
from bus.core.log.topics import ARBITER, coordinates
from bus.core.message.arrivals import read_arrival
from bus.core.policy.contracts import JsonObject
from bus.core.policy.control import Genesis, Registry
from bus.shell.arbiter_stage import ArbiterStage
from bus.shell.catalogue import built_in_contracts, read_catalogue
from bus.shell.metrics import Metrics

START_MS = 1_795_000_000_000
LANES = [f"lane-{n}" for n in range(6)]
ROUNDS = 3
GROWN = (1_000, 10_000, 100_000)  # live leases
OPEN = (1_000, 10_000)  # contests
AGENTS = (6, 600, 6_000)
RUSH = "rush"  # a resource type whose claims compete, so that a claim opens a contest
RUSH_TERMS = {"resource": RUSH, "window_ms": 600_000, "on_held": "deny", "lease_ms": 3_600_000, "claimants": ["bench"]}
SHOWN = 45  # lines of a profile
MEASURED = ("whole", "read", "decide", "write", "restore")
Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is before the messages come: live leases, open contests, registered agents."""

    leases: int = 3_000
    contests: int = 0
    agents: int = len(LANES)


@dataclass(slots=True)
class Gates:
    """Forwards messages as the gates do: to one partition, each naming its lane's one before."""

    control: int
    records: int = 0
    _sent: dict[str, int] = field(default_factory=dict)

    def forward(self, one: Message) -> Record:
        """The record on ``bus.arbiter``."""
        lane, o = one.topic.removeprefix("bus.in."), self.records
        before = self._sent.get(lane, -1)
        self.records, self._sent[lane] = o + 1, before + 1
        ours = {
            "bus-src": coordinates(one.topic, 0, before + 1),
            "bus-at": str(START_MS + o),
            "bus-control": str(self.control),
            "bus-contract": f"{one.headers['ce_type']!s}@1",
            "bus-values": "{}",
            "bus-from": lane,
            "bus-prev": "" if before < 0 else f"{lane}.{before}",
        }
        headers = tuple((name, str(text).encode()) for name, text in (one.headers | ours).items())
        return Record(ARBITER, 0, o, START_MS + o, None, one.value, headers)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A journal that makes what is there before, and the records to judge behind it."""

    registry: Registry
    before: list[bytes]
    records: list[Record]

    def stage(self) -> ArbiterStage:
        """An arbiter that knows what is there before."""
        stage = fresh_stage(self.registry)
        fold(stage, self.before)
        return stage


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--grow", action="store_true", help="also with more leases, contests and agents")
    parser.add_argument("--profile", action="store_true", help="print where the time of `whole` goes")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.profile:
        profile(prepare(Size(), options.messages))
        return
    sizes = [Size()]
    if options.grow:
        sizes += [Size(leases=count) for count in GROWN]
        sizes += [Size(contests=count) for count in OPEN]
        sizes += [Size(agents=count) for count in AGENTS]
    if not options.json:
        sys.stdout.write(f"{'CPU, µs a message:':>49}\n")
        sys.stdout.write(f"{'leases':>10}{'contests':>10}{'agents':>10}")
        sys.stdout.write("".join(f"{name:>9}" for name in MEASURED) + "\n")
    for size in sizes:
        tell(size, measure(prepare(size, options.messages)), is_json=options.json)


def prepare(size: Size, messages: int) -> Prepared:
    """Everything that is not measured."""
    registry = company(size.agents)
    gates, stage = Gates(registry.number), fresh_stage(registry)
    leases = max(size.leases, messages // 5)  # half of them are released
    names = [f"job/held-{n}" for n in range(leases)] + [f"{RUSH}/{n}" for n in range(size.contests)]
    claims = [message(LANES[n % len(LANES)], f"first-{n}", CLAIM, name, {}) for n, name in enumerate(names)]
    before, _ = judge(stage, [gates.forward(one) for one in claims])
    held = [
        Held(LANES[n % len(LANES)], name, stage.state.resource(name).token) for n, name in enumerate(names[:leases])
    ]
    # Leases do not end in the order in which they began.
    random.Random(leases).shuffle(held)
    return Prepared(registry, before, [gates.forward(one) for one in mix(LANES, held, messages, "mix")])


def company(agents: int) -> Registry:
    """Lanes, agents, contracts and terms in force."""
    registry, catalogue = Registry(Genesis(1, "bench", 4, (STEWARD,)), built_in_contracts()), read_catalogue(CONTRACTS)
    about = {"roles": ["bench"], "owner": STEWARD}
    wanted: list[tuple[str, str, JsonObject]] = [("lane", lane, {"principal": f"User:{lane}"}) for lane in LANES]
    wanted += [("agent", agent(lane), {"lane": lane, **about}) for lane in LANES]
    wanted += [("agent", agent(f"idle-{n}"), {"lane": LANES[0], **about}) for n in range(agents - len(LANES))]
    wanted += [("terms", name, value) for name, value in (*catalogue.terms.items(), (RUSH, RUSH_TERMS))]
    wanted += [("contract", name, value) for name, value in catalogue.contracts.items()]
    for kind, name, value in wanted:
        registry = registry.apply(registry.next_change(kind, name, value))
    return registry


def fresh_stage(registry: Registry) -> ArbiterStage:
    """An arbiter that has judged nothing yet."""
    return ArbiterStage(0, "id", registry, Metrics(), lambda _: {})


def judge(stage: ArbiterStage, records: Sequence[Record]) -> tuple[list[bytes], int]:
    """Judge all records; the sealed segments, and how many outputs there are."""
    values, outputs, done, tip = [], 0, 0, Tip()
    while done < len(records):
        draft, count = stage.draft(records[done : done + SEGMENT_INPUTS_MAX], poison=None)
        assert draft is not None, "there was something to judge"
        value, tip = seal(tip, draft.body, draft.items)
        values.append(value)
        outputs, done = outputs + len(draft.outputs), done + count
    return values, outputs


def fold(stage: ArbiterStage, values: Sequence[bytes]) -> None:
    """Fold a journal, as a restore does."""
    for value in values:
        segment = parse_segment(value)
        assert segment is not None, "it was sealed as one"
        stage.fold(segment, is_published=True)


def measure(made: Prepared) -> Figures:
    """CPU microseconds a message, of each part: the best round, since others may use the machine."""
    rounds = [one_round(made) for _ in range(ROUNDS)]
    return {name: min(one[name] for one in rounds) for name in rounds[0]}


def one_round(made: Prepared) -> Figures:
    """Judge all records once as a whole, and once part by part."""
    stage, records = made.stage(), made.records
    times: Figures = {}
    with measured(times, "whole", len(records)):
        values, _ = judge(stage, records)
    with measured(times, "read", len(records)):
        arrivals = [read_arrival(record) for record in records]
    state, entries = made.stage().state, []
    with measured(times, "decide", len(records)):
        for arrived in arrivals:
            entry = decide(state, arrived)
            evolve(state, entry)
            entries.append(entry)
    with measured(times, "write", len(records)):
        for entry in entries:
            entry.written([event_to_json(event) for event in entry.events])
    assert all(entry.verdict in ("applied", "admitted") for entry in entries), "everything is in order"
    stage = made.stage()
    with measured(times, "restore", len(records)):
        fold(stage, values)
    assert stage.state == state, "who folds the journal knows what was decided"
    return times


@contextmanager
def measured(times: Figures, name: str, count: int) -> Iterator[None]:
    """Note the CPU microseconds that the block takes for each of ``count`` messages, without the collector's pauses."""
    gc.collect()
    gc.disable()
    began_s = time.process_time()
    yield
    times[name] = (time.process_time() - began_s) * 1e6 / count
    gc.enable()


def profile(made: Prepared) -> None:
    """Print the functions that judging spends its time in."""
    stage, profiler = made.stage(), cProfile.Profile()
    profiler.enable()
    judge(stage, made.records)
    profiler.disable()
    pstats.Stats(profiler, stream=sys.stdout).sort_stats("tottime").print_stats(SHOWN)


def tell(size: Size, figures: Figures, *, is_json: bool) -> None:
    """Print a line."""
    about = asdict(size)
    if is_json:
        sys.stdout.write(json.dumps({**about, "cpu_us": figures}) + "\n")
        return
    sys.stdout.write("".join(f"{count:>10,}" for count in about.values()))
    sys.stdout.write("".join(f"{figure:>9.1f}" for figure in figures.values()) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
