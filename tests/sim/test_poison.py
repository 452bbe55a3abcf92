"""A record that kills whoever judges it is refused unread at last, and its lane goes on; here its copies never die."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bus.core.log.records import Record
from bus.core.log.topics import incoming
from bus.core.policy.control import Registry
from bus.shell.gather import Gatherer
from bus.shell.suspicion import ACQUITTED_MAX
from bus.sim import company
from bus.sim.control import agent_id
from bus.sim.errors import Killed
from bus.sim.founding import is_quiet
from bus.sim.judge import logs_of
from bus.sim.quiet import quiet
from bus.sim.run import Run
from bus.sim.speech import body_of, headers_of
from bus.sim.world import World

DEADLY = "deadly"
WITHIN_S = 240.0


@contextmanager
def _deadly(world: World, times: list[str]) -> Iterator[None]:
    """Whoever gathers what it needs to judge the deadly record dies, as by a fault of a library."""
    gather = Gatherer.gather

    def dying(self: Gatherer, record: Record, at: int, registry: Registry, **more: Any) -> Any:  # Any: as the method
        if ("ce_id", DEADLY.encode()) in record.headers:
            process = next(one for one in world.processes.values() if one._is_within)
            times.append(process.name)
            process.kill()
            raise Killed
        return gather(self, record, at, registry, **more)

    patch = pytest.MonkeyPatch()
    patch.setattr(Gatherer, "gather", dying)
    try:
        yield
    finally:
        patch.undo()


def _say(world: World, identifier: str) -> None:
    at_ms = world.timeline.wall_ms()
    headers = headers_of(company.NOTE, source=agent_id("sales-1"), identifier=identifier, at_ms=at_ms)
    world.broker.append((incoming("sales"), 0), None, body_of({"text": "hello"}), headers)


@pytest.mark.parametrize("gates", [1, 2])
def test_what_kills_its_judges_is_refused_unread(gates: int) -> None:
    """Its copies are acquitted here, so it takes as many lives as may be, and no more; what is behind it is judged."""
    times: list[str] = []
    with quiet():
        world = company.company().world(f"poison {gates}")
        with _deadly(world, times):
            world.start(gates=gates, arbiters=1)
            for identifier in (DEADLY, "behind"):
                _say(world, identifier)
            assert world.timeline.run(world.timeline.now_s + WITHIN_S, lambda: is_quiet(world))
        logs = logs_of(Run(0, 0.0, world, 0, is_quiet=True))
    rows = {row[4]: (row[1], row[2]) for row in logs.rows("sales")}
    assert rows == {DEADLY: ("refused", "poison"), "behind": ("forwarded", "")}
    assert len(times) == ACQUITTED_MAX


def test_what_was_judged_before_it_is_not_taken_for_it() -> None:
    """Its first judge dies of it right behind another record: that one's decision must be there before it goes on."""
    with quiet():
        world = company.company().world("poison behind another")
        with _deadly(world, []):
            world.start(gates=1, arbiters=1)
            for identifier in ("before", DEADLY, "behind"):
                _say(world, identifier)
            assert world.timeline.run(world.timeline.now_s + WITHIN_S, lambda: is_quiet(world))
        logs = logs_of(Run(0, 0.0, world, 0, is_quiet=True))
    rows = {row[4]: (row[1], row[2]) for row in logs.rows("sales")}
    assert rows == {"before": ("forwarded", ""), DEADLY: ("refused", "poison"), "behind": ("forwarded", "")}
