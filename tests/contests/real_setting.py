"""Sets the scene on a real bus: topics, lanes, agents, persons and contracts of all troupes, all of it in force."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

from tests.acceptance.outgoing import now_ms
from tests.acceptance.topics import TestsStopError
from tests.acceptance.wire import time_text
from tests.contests.oracle.log import Json
from tests.contests.oracle.partition import Oracle
from tests.contests.real_bus import IN_FORCE_S, RealBus
from tests.contests.real_cast import Troupe

GOVERNED = ("leads", "deals", "orders")


def set_up(bus: RealBus, oracles: Sequence[Oracle], lanes: Sequence[str], troupes: Sequence[Troupe]) -> None:
    """Make and set everything; TestsStopError with what is missing if it does not come into force."""
    for name in GOVERNED:
        bus.cluster.create(name, 1, {"max.message.bytes": "2097152"})
    for lane in lanes:
        bus.cluster.create_lane(lane)
    changes: list[tuple[str, str, Json]] = [("lane", lane, {"principal": f"User:{lane}"}) for lane in lanes]
    for troupe in troupes:
        changes += troupe.what_is_set()
    for number, (kind, name, value) in enumerate(changes):
        body = {"kind": kind, "name": name, "value": value, "base": None}
        say(bus, "bus.control.set.v1", body, f"set-{number}")
    await_in_force(bus, oracles, {f"{kind}/{name}" for kind, name, _ in changes})


def await_in_force(bus: RealBus, oracles: Sequence[Oracle], keys: set[str]) -> None:
    """Wait until all of these are set in every partition."""
    bus.flush()
    until_s = time.monotonic() + IN_FORCE_S
    while missing := {key for oracle in oracles for key in keys - oracle.registry.values.keys()}:
        if time.monotonic() > until_s:
            raise TestsStopError(f"{len(missing)} changes are not in force, for example {min(missing)}")
        for p, raw in bus.arrived(0.2):
            oracles[p].step(raw)


def say(
    bus: RealBus,
    kind: str,
    body: Json,
    identifier: str,
    *,
    source: str = "",
    lane: str = "operators",
    subject: str = "",
) -> None:
    """Send a message; of the steward, unless another source is given."""
    headers = {
        "ce_specversion": "1.0",
        "ce_id": identifier,
        "ce_source": source or bus.stewards[0],
        "ce_type": kind,
        "ce_time": time_text(now_ms()),
        "content-type": "application/json",
    }
    headers |= {"ce_subject": subject} if subject else {}
    pairs = tuple((name, text.encode()) for name, text in headers.items())
    bus.send(f"bus.in.{lane}", pairs, json.dumps(body).encode())
