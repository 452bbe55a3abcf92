"""What time a tick may state: behind every message that no gate has forwarded, but for lanes that have stalled."""

import pytest

from bus.core.log.records import Record, canonical
from bus.shell.broker_time import BrokerTime
from bus.shell.clock import Clock
from bus.shell.metrics import Metrics
from tests.rules.cast import genesis

NOBODY = {"bootstrap.servers": "127.0.0.1:1"}
NOW_MS = 1_000_000
STALL_MS, SKEW_MS = genesis().lane_stall_ms, genesis().skew_ms


@pytest.mark.parametrize(
    ("waits_ms", "states", "stalled"),
    [
        (SKEW_MS + 1, NOW_MS - SKEW_MS - 1, ()),
        (STALL_MS, NOW_MS - STALL_MS, ()),
        (STALL_MS + 1, NOW_MS - SKEW_MS, ("sales",)),
        (0, NOW_MS - SKEW_MS, ()),
    ],
)
def test_a_lane_holds_time_back_until_it_has_stalled(waits_ms: int, states: int, stalled: tuple[str, ...]) -> None:
    """Its oldest message that waits is ahead of no tick, for as long as genesis says; then the tick names the lane."""
    clock = Clock(NOBODY, BrokerTime(), Metrics())
    clock._control_log._take(Record("bus.control", 0, 0, 0, b"genesis", canonical(genesis().to_json()), ()))
    assert clock._now(NOW_MS, {"sales": NOW_MS - waits_ms, "legal": NOW_MS}) == (states, stalled)
