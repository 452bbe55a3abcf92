"""Agents are killed with -9 while it is their turn to offer: the turn passes by its time, and the contest ends."""

from __future__ import annotations

import select
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from tests.acceptance.topics import TestsStopError
from tests.acceptance.wire import partition_of
from tests.contests.oracle.log import Json
from tests.contests.oracle.partition import Oracle
from tests.contests.oracle.subject import Subject
from tests.contests.real_bus import RealBus
from tests.contests.real_setting import await_in_force, say

LANE = "parties"
RESOURCE = "pact"
# Scripts are numbered by their seeds; these come far behind.
FIRST_NUMBER = 900_001
TERMS: Json = {
    "resource": RESOURCE,
    "window_ms": 10_000,
    "claimants": ["party", "rival"],
    "ladder": ["negotiate", "deny"],
    "negotiate": {"turn_ms": 4_000, "max_turns": 4},
}
PATIENCE_S = 120.0
LOOK_S = 0.2


@dataclass(slots=True)
class Killed:
    """The parties, each in a process of its own, and the oracles that follow the log."""

    bus: RealBus
    oracles: Sequence[Oracle]
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def play(self, bootstrap: str, count: int) -> None:
        """Kill so many parties in mid-turn; TestsStopError if one never gets its turn."""
        self._set_up(count)
        subjects = [f"{RESOURCE}/P.{FIRST_NUMBER + n}.0" for n in range(count)]
        try:
            for n, subject in enumerate(subjects):
                command = [sys.executable, "-m", "tests.contests.real_party", bootstrap, LANE, _party(n), subject]
                self.processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            for n, subject in enumerate(subjects):
                self._until(partial(self._is_contested, subject), f"{subject} is claimed")
                say(self.bus, "bus.resource.claim.v1", {}, f"r-{n}", source=_rival(n), lane=LANE, subject=subject)
            for n, process in enumerate(self.processes):
                self._until(partial(_has_spoken, process), f"party {n} is on turn")
                process.kill()
        finally:
            for process in self.processes:
                process.kill()
                process.wait()
                if process.stdout is not None:
                    process.stdout.close()
        for subject in subjects:
            self._until(partial(self._is_settled, subject), f"{subject} is settled")

    def _set_up(self, count: int) -> None:
        self.bus.cluster.create_lane(LANE)
        changes: list[tuple[str, str, Json]] = [("lane", LANE, {"principal": f"User:{LANE}"})]
        changes.append(("terms", RESOURCE, TERMS))
        owner = self.bus.stewards[0]
        for n in range(count):
            changes.append(("agent", _party(n), {"lane": LANE, "roles": ["party"], "owner": owner}))
            changes.append(("agent", _rival(n), {"lane": LANE, "roles": ["rival"], "owner": owner}))
        for number, (kind, name, value) in enumerate(changes):
            body = {"kind": kind, "name": name, "value": value, "base": None}
            say(self.bus, "bus.control.set.v1", body, f"party-{number}")
        await_in_force(self.bus, self.oracles, {f"{kind}/{name}" for kind, name, _ in changes})

    def _is_contested(self, name: str) -> bool:
        return self._subject(name).contest is not None

    def _is_settled(self, name: str) -> bool:
        return self._subject(name).contest is None

    def _subject(self, name: str) -> Subject:
        oracle = self.oracles[partition_of(name.encode(), self.bus.partitions)]
        return oracle.subjects.get(name, Subject(name))

    def _until(self, is_so: Callable[[], bool], what: str) -> None:
        self.bus.flush()
        until_s = time.monotonic() + PATIENCE_S
        while not is_so():
            if time.monotonic() > until_s:
                raise TestsStopError(f"waited {PATIENCE_S:.0f} s until {what}")
            for p, raw in self.bus.arrived(LOOK_S):
                self.oracles[p].step(raw)


def _party(n: int) -> str:
    return f"spiffe://killed/agent/party-{n}"


def _rival(n: int) -> str:
    return f"spiffe://killed/agent/rival-{n}"


def _has_spoken(process: subprocess.Popen[str]) -> bool:
    assert process.stdout is not None, "its stdout is a pipe"
    readable, _, _ = select.select([process.stdout], [], [], 0)
    return bool(readable) and process.stdout.readline() == "turn\n"
