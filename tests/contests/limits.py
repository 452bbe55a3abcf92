"""Takes a real bus to its limits: a crowd of claimants, thousands of cases at once, an agent that holds thousands.

    python -m tests.contests.limits [--scale 1.0]

Full scale is 10,000 cases and 10,000 holdings. Prints PASS or FAIL for each promise, and last `N passed, M failed`.
Exit codes: 0 all passed, 3 something failed, 4 the bus did not start or answer.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from tests.acceptance.bus_process import start_bus
from tests.acceptance.topics import TestsStopError, as_record
from tests.acceptance.wire import partition_of
from tests.contests.oracle.log import Json
from tests.contests.oracle.partition import Oracle
from tests.contests.oracle.registry import Registry
from tests.contests.real_bus import RealBus
from tests.contests.real_setting import await_in_force, say

MANY = 10_000
CROWD = 65  # one more than compete
EVENTS_MAX = 256  # of one entry
FILE_BYTES_MAX = 64 * 1024
MEBIBYTE = 1_048_576
LANE = "limits"
CLAIM = "bus.resource.claim.v1"
# For twenty thousand claims on a machine that does other things as well.
PATIENCE_S = 900.0
# So long the claims of one contest are collected: longer than sending all of them takes.
WINDOW_MS = 90_000
CASES: Json = {"queue": "desk", "tiers_ms": [3_600_000], "reserve_ms": 60_000, "on_expiry": "stay_frozen"}
TERMS: dict[str, Json] = {
    "crowd": {"window_ms": 15_000, "ladder": ["first_come", "human"]},
    "dispute": {"window_ms": WINDOW_MS, "ladder": ["human"]},
    "load": {"window_ms": 0, "lease_ms": 86_400_000, "ladder": ["human"]},
    "plain": {"window_ms": 0, "lease_ms": 86_400_000, "ladder": ["human"]},
}


@dataclass(slots=True)
class Limits:
    """One run: the bus, and everything heard on bus.outcomes so far."""

    bus: RealBus
    oracles: list[Oracle]
    outcomes: Consumer
    scale: float
    heard: Counter[tuple[str, str]] = field(default_factory=Counter)
    last: dict[tuple[str, str], Json] = field(default_factory=dict)
    failed: int = 0
    passed: int = 0
    said: int = 0

    def verdict(self, promise: str, faults: list[str]) -> None:
        """One line, and what is wrong."""
        print(f"{'FAIL' if faults else 'PASS'} {promise}", flush=True)
        for fault in faults[:5]:
            print(f"     {fault}")
        self.failed, self.passed = self.failed + bool(faults), self.passed + (not faults)

    def claim(self, name: str, subject: str) -> None:
        """An agent claims."""
        self.said += 1
        say(self.bus, CLAIM, {}, f"c-{self.said}", source=f"spiffe://limits/agent/{name}", lane=LANE, subject=subject)

    def wait_for(self, kind: str, what: str, count: int) -> int:
        """Read bus.outcomes until there are so many events of a kind (or a while has passed); how many there are.

        `what` is a resource type, or a denial's reason.
        """
        until_s = time.monotonic() + PATIENCE_S
        while self.heard[kind, what] < count and time.monotonic() < until_s:
            self.listen(0.5)
        return self.heard[kind, what]

    def listen(self, wait_s: float) -> None:
        """Take in what has come to bus.outcomes."""
        for message in self.outcomes.consume(500, wait_s):
            if message.error() is None:
                event = json.loads(as_record(message).value or b"{}")
                resource = str(event.get("subject", "")).partition("/")[0]
                for name in {resource, str(event.get("reason", ""))}:
                    self.heard[event["kind"], name] += 1
                self.last[event["kind"], str(event.get("subject", ""))] = event


def main(arguments: list[str]) -> int:
    """Run everything against a bus of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full numbers, such as 0.05")
    scale = parser.parse_args(arguments).scale
    try:
        dev = start_bus(stages=[])
        try:
            limits = _begun(dev.bootstrap, scale)
            _crowd(limits)
            _cases(limits, round(MANY * scale))
            _holdings(limits, round(MANY * scale))
            _sizes(limits)
            limits.bus.close()
        finally:
            dev.stop()
    except TestsStopError as error:
        print(f"FAIL {error}")
        return 4
    print(f"{limits.passed} passed, {limits.failed} failed")
    return 3 if limits.failed else 0


def _begun(bootstrap: str, scale: float) -> Limits:
    """A bus with a lane, a crowd of agents, and four kinds of resources."""
    bus = RealBus(bootstrap)
    oracles = [Oracle(Registry(bus.stewards), bus.gen, p) for p in range(bus.partitions)]
    bus.cluster.create_lane(LANE)
    changes: list[tuple[str, str, Json]] = [("lane", LANE, {"principal": f"User:{LANE}"})]
    names = [*(f"crowd-{n}" for n in range(CROWD)), "busy", "other"]
    value = {"lane": LANE, "roles": ["crowd"], "owner": bus.stewards[0]}
    changes += [("agent", f"spiffe://limits/agent/{name}", value) for name in names]
    changes += [("terms", name, {"resource": name, "escalate": CASES, **terms}) for name, terms in TERMS.items()]
    for number, (kind, name, wanted) in enumerate(changes):
        body = {"kind": kind, "name": name, "value": wanted, "base": None}
        say(bus, "bus.control.set.v1", body, f"set-{number}")
    await_in_force(bus, oracles, {f"{kind}/{name}" for kind, name, _ in changes})
    outcomes = bus.cluster.consumer()
    outcomes.assign([TopicPartition("bus.outcomes", p, OFFSET_BEGINNING) for p in range(bus.partitions)])
    return Limits(bus, oracles, outcomes, scale)


def _crowd(limits: Limits) -> None:
    for n in range(CROWD):
        limits.claim(f"crowd-{n}", "crowd/X-1")
    limits.bus.flush()
    full = limits.wait_for("denied", "contest_full", 1)
    joined = limits.wait_for("joined", "crowd", CROWD - 1)
    wrong = [] if (joined, full) == (CROWD - 1, 1) else [f"{joined} joined, {full} were turned away"]
    limits.verdict(f"{CROWD - 1} claims compete, the {CROWD}th hears contest_full", wrong)
    granted, lost = limits.wait_for("granted", "crowd", 1), limits.wait_for("denied", "lost", CROWD - 2)
    wrong = [] if (granted, lost) == (1, CROWD - 2) else [f"{granted} granted, {lost} lost"]
    limits.verdict("one of them gets it, and every other hears that it lost", wrong)


def _cases(limits: Limits, many: int) -> None:
    started_s = time.monotonic()
    for n in range(many):
        limits.claim("busy", f"dispute/D-{n}")
        limits.claim("other", f"dispute/D-{n}")
    limits.bus.flush()
    joined = limits.wait_for("joined", "dispute", 2 * many)
    limits.verdict(f"{2 * many} claims join {many} contests", [] if joined == 2 * many else [f"only {joined} joined"])
    opened, frozen = limits.wait_for("case_opened", "dispute", many), limits.wait_for("frozen", "dispute", many)
    wrong = [] if (opened, frozen) == (many, many) else [f"{opened} cases, {frozen} frozen"]
    limits.verdict(
        f"all {many} become cases at once ({time.monotonic() - started_s:.0f} s from the first claim)", wrong
    )
    limits.verdict("every partition goes on after it", _go_on(limits, "after-cases"))


def _holdings(limits: Limits, many: int) -> None:
    for n in range(many):
        limits.claim("busy", f"load/H-{n}")
    limits.bus.flush()
    granted = limits.wait_for("granted", "load", many)
    limits.verdict(f"one agent holds {many} resources", [] if granted == many else [f"only {granted}"])
    body = {"select": {"agent": "spiffe://limits/agent/busy"}, "reason": "it holds everything"}
    started_s = time.monotonic()
    say(limits.bus, "bus.control.suspend.v1", body, "suspend-1")
    limits.bus.flush()
    ended = limits.wait_for("ended", "load", many)
    wrong = [] if ended == many else [f"only {ended} ended"]
    limits.verdict(f"it is suspended: all {many} end ({time.monotonic() - started_s:.0f} s)", wrong)
    limits.verdict("every partition goes on after it, and others get what it held", _go_on(limits, "after-drain"))


def _go_on(limits: Limits, name: str) -> list[str]:
    """Somebody else claims something new in every partition, and something that the busy agent had."""
    subjects: dict[int, str] = {}
    for n in range(1_000):
        subject = f"plain/{name}-{n}"
        subjects.setdefault(partition_of(subject.encode(), limits.bus.partitions), subject)
    wanted = [*subjects.values(), *(["load/H-0"] if name == "after-drain" else [])]
    for subject in wanted:
        limits.claim("other", subject)
    limits.bus.flush()
    until_s = time.monotonic() + PATIENCE_S
    while (missing := [one for one in wanted if not _has(limits, one)]) and time.monotonic() < until_s:
        limits.listen(0.5)
    return [f"{one} was not granted" for one in missing]


def _has(limits: Limits, subject: str) -> bool:
    return bool(limits.last.get(("granted", subject), {}).get("agent") == "spiffe://limits/agent/other")


def _sizes(limits: Limits) -> None:
    """No record over its limit, no entry over its events, a file for every case."""
    while limits.bus.arrived(1.0):
        pass
    entries = [entry for found in limits.bus.entries() for entry in found.values()]
    most = max(len(entry["events"]) for entry in entries)
    limits.verdict(f"no entry has more than {EVENTS_MAX} events", [] if most <= EVENTS_MAX else [f"one has {most}"])
    names = [name for name in limits.bus.cluster.partitions() if name.startswith("bus.")]
    wrong = []
    files: set[str] = set()
    for name in names:
        limit = MEBIBYTE if name.startswith("bus.in.") else 2 * MEBIBYTE
        limit = FILE_BYTES_MAX if name == "bus.escalations" else limit
        for log in limits.bus.cluster.read(name):
            wrong += [f"{one.src} has {len(one.value or b'')} bytes" for one in log if len(one.value or b"") > limit]
            files |= {json.loads(one.value or b"{}")["case"] for one in log if name == "bus.escalations"}
    limits.verdict("no record is larger than its topic allows, no case file than 64 KiB", wrong)
    cases = limits.heard["case_opened", "dispute"]
    limits.verdict("every case has its file", [] if len(files) == cases else [f"{len(files)} files of {cases} cases"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
