"""Plays seeded random contests on a real bus and holds every entry of its journal against the oracle.

    python -m tests.contests.real [--contests 500] [--seed 1] [--troupes 12] [--speed 0.1] [--killed 3] [--keep FILE]
    python -m tests.contests.real --log FILE [--only SEED]     judges a log again, without a bus

Each contest is a script of its own, on subjects of its own; many play beside each other. The oracle is fed with what
bus.arbiter really contains. Prints a line PASS or FAIL for each, and last `N passed, M failed`.
Exit codes: 0 all passed, 2 usage, 3 something failed, 4 the bus did not start or answer.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.acceptance.bus_process import start_bus
from tests.acceptance.outgoing import now_ms
from tests.acceptance.topics import TestsStopError
from tests.contests.oracle.partition import Oracle
from tests.contests.oracle.registry import Registry
from tests.contests.real_bus import RealBus
from tests.contests.real_cast import LANES, Troupe
from tests.contests.real_killed import Killed
from tests.contests.real_log import Fault, Recorded, judged, late_ends, left_open, load
from tests.contests.real_scene import Scene
from tests.contests.real_setting import set_up

LOOK_S = 0.01
# No contest of these terms lasts longer; a run that stands still for so long has failed.
SILENCE_S = 120.0
SHOWN_MAX = 3


@dataclass(slots=True)
class Stage:
    """All troupes at work, the oracles that follow the log, and the scripts still to be played."""

    bus: RealBus
    troupes: list[Troupe]
    oracles: list[Oracle]
    waiting: list[int]
    scenes: dict[int, Scene] = field(default_factory=dict)
    of_subject: dict[str, Scene] = field(default_factory=dict)
    of_id: dict[str, Scene] = field(default_factory=dict)

    def play(self) -> None:
        """Play all scripts, then wait until nothing is open but cases."""
        total, told_s = len(self.waiting), time.monotonic()
        while self.waiting or self.scenes:
            self._listen(LOOK_S)
            for troupe in self.troupes:
                self._next(troupe)
            if time.monotonic() - told_s > 10:
                told_s = time.monotonic()
                left = len(self.waiting) + len(self.scenes)
                print(f"  {total - left} of {total} scripts played", file=sys.stderr, flush=True)
        self.bus.flush()
        until_s = time.monotonic() + SILENCE_S
        while any(any(True for _ in left_open(oracle)) for oracle in self.oracles) or self._listen(1.0):
            if not any(True for oracle in self.oracles for _ in left_open(oracle)) or time.monotonic() > until_s:
                return
            self._listen(0.2)

    def _listen(self, wait_s: float) -> int:
        arrived = self.bus.arrived(wait_s)
        for identifier in self.bus.refused:
            if scene := self.of_id.get(identifier.partition(".")[0]):
                scene.awaited.discard(identifier)
        self.bus.refused.clear()
        for p, raw in arrived:
            entry = self.oracles[p].step(raw)
            names = {event.get("subject", "") for event in entry["events"]} | {raw.last("ce_subject") or ""}
            heard = {id(scene): scene for name in names if (scene := self.of_subject.get(name))}
            seed, _, _ = (raw.last("ce_id") or "").partition(".")
            if (scene := self.of_id.get(seed)) and scene.p == p:
                heard[id(scene)] = scene
            for scene in heard.values():
                scene.hear(raw, entry)
        return len(arrived)

    def _next(self, troupe: Troupe) -> None:
        scene = self.scenes.get(troupe.number)
        if scene is None or scene.is_over:
            self.scenes.pop(troupe.number, None)
            if self.waiting:
                self._begin(troupe, self.waiting.pop(0))
            return
        scene.go_on(self.oracles[scene.p], now_ms())

    def _begin(self, troupe: Troupe, seed: int) -> None:
        p = seed % self.bus.partitions
        subjects = troupe.subjects(seed, p, self.bus.partitions)
        registry = self.oracles[p].registry
        scene = Scene(seed, troupe, self.bus.gen, p, subjects, self.bus.send, registry)
        self.scenes[troupe.number] = scene
        self.of_subject |= dict.fromkeys(subjects.values(), scene)
        self.of_id[f"s{seed}"] = scene
        scene.begin(self.oracles[p])


def main(arguments: list[str]) -> int:
    """Play, judge, and tell."""
    options = _options(arguments)
    if options.log:
        return _told(load(Path(options.log)), Path(options.log), only=options.only)
    file = Path(options.keep or Path(tempfile.mkdtemp(prefix="agentbus-contests-")) / "log.jsonl")
    started_s = time.monotonic()
    try:
        dev = start_bus(stages=[])
        try:
            recorded = _played(dev.bootstrap, options)
        finally:
            dev.stop()
    except TestsStopError as error:
        print(f"FAIL {error}")
        return 4
    recorded.save(file)
    print(f"  played in {time.monotonic() - started_s:.0f} s", file=sys.stderr)
    return _told(recorded, file, seeds=range(options.seed, options.seed + options.contests))


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contests", type=int, default=500, help="how many scripts")
    parser.add_argument("--seed", type=int, default=1, help="seed of the first script; the others follow it")
    parser.add_argument("--troupes", type=int, default=12, help="how many scripts play beside each other")
    parser.add_argument("--speed", type=float, default=0.1, help="how many seconds a script's second lasts")
    parser.add_argument("--killed", type=int, default=3, help="how many parties are killed in mid-turn afterwards")
    parser.add_argument("--keep", help="keep the log in this file")
    parser.add_argument("--log", help="judge this log again")
    parser.add_argument("--only", type=int, help="tell of this script alone")
    return parser.parse_args(arguments)


def _played(bootstrap: str, options: argparse.Namespace) -> Recorded:
    bus = RealBus(bootstrap)
    try:
        troupes = [Troupe(number, bus.stewards[0], options.speed) for number in range(options.troupes)]
        oracles = [Oracle(Registry(bus.stewards), bus.gen, p) for p in range(bus.partitions)]
        seeds = list(range(options.seed, options.seed + options.contests))
        stage = Stage(bus, troupes, oracles, seeds)
        set_up(bus, oracles, LANES, troupes)
        print("  the troupes are there", file=sys.stderr, flush=True)
        stage.play()
        if options.killed:
            Killed(bus, oracles).play(bootstrap, options.killed)
        entries = bus.entries()
        print(f"  refused by the gates: {bus.refusals()}", file=sys.stderr)
        return Recorded(bus.gen, bus.stewards, bus.records, entries)
    finally:
        bus.close()


def _told(recorded: Recorded, file: Path, *, seeds: range | None = None, only: int | None = None) -> int:
    """A line for each script, and one for what belongs to none; returns the exit code."""
    faults, oracles = judged(recorded)
    faults += late_ends(recorded)
    for p, oracle in enumerate(oracles):
        faults += [Fault(p, -1, subject, f"after silence {what}") for subject, what in left_open(oracle)]
    by_seed: dict[int | None, list[Fault]] = {}
    for fault in faults:
        by_seed.setdefault(_seed_of(fault.subject), []).append(fault)
    known = {_seed_of(name) for oracle in oracles for name in oracle.subjects} - {None}
    played = sorted({*(seeds or ()), *(one for one in known if one is not None)})
    chosen = [seed for seed in played if only in (None, seed)]
    failed = [seed for seed in chosen if seed in by_seed]
    for seed in chosen:
        print(f"{'FAIL' if seed in by_seed else 'PASS'} contest {seed}")
        _show(by_seed.get(seed, []), f"python -m tests.contests.real --log {file} --only {seed}")
    others = by_seed.get(None, [])
    print(f"{'FAIL' if others else 'PASS'} the log as a whole")
    _show(others, f"python -m tests.contests.real --log {file}")
    _show_kinds(recorded)
    print(f"{len(chosen) - len(failed) + (not others)} passed, {len(failed) + bool(others)} failed")
    return 3 if failed or others else 0


def _seed_of(subject: str) -> int | None:
    """`lead-w3/L-1.17.0` is of script 17."""
    parts = subject.split(".")
    return int(parts[1]) if len(parts) == 3 and parts[1].isdigit() else None


def _show(faults: list[Fault], command: str) -> None:
    for fault in sorted(faults, key=lambda one: (one.offset < 0, one.p, one.offset))[:SHOWN_MAX]:
        print(f"     bus.arbiter/{fault.p} offset {fault.offset} {fault.subject}: {fault.sentence}")
    if faults:
        print(f"     again: {command}")


def _show_kinds(recorded: Recorded) -> None:
    """What there was of everything, so that a run in which nothing happened is seen."""
    counted: dict[str, int] = {}
    for entry in (entry for entries in recorded.entries for entry in entries.values()):
        for event in entry["events"]:
            counted[event["kind"]] = counted.get(event["kind"], 0) + 1
    print(f"     {', '.join(f'{kind} {count}' for kind, count in sorted(counted.items()))}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
