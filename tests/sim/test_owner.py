"""An owner that lost its place, or never had it, goes no further: the rules of the owner loop, one at a time."""

from collections.abc import Iterator
from typing import Any

import pytest

from bus.core.log.journal import Tip, advance, continues, parse_segment, seal
from bus.core.log.topics import gate_journal, incoming
from bus.sim import company
from bus.sim.control import agent_id
from bus.sim.founding import is_quiet
from bus.sim.judge import logs_of, violations
from bus.sim.producer import SimProducer
from bus.sim.quiet import quiet
from bus.sim.run import Run
from bus.sim.speech import body_of, headers_of
from bus.sim.weather import Delivery, Network
from bus.sim.world import World

WITHIN_S = 60.0
SALES = (gate_journal("sales"), 0)


@pytest.fixture
def world() -> Iterator[World]:
    """One process of each stage, at rest; what it judges first it judges alone, so that is behind it."""
    with quiet():
        made = company.company().world("owners")
        made.start(gates=1, arbiters=1)
        _say(made, "first")
        made.timeline.run(made.timeline.now_s + 20.0)
        yield made


def _say(world: World, identifier: str) -> None:
    at_ms = world.timeline.wall_ms()
    headers = headers_of(company.NOTE, source=agent_id("sales-1"), identifier=identifier, at_ms=at_ms)
    world.broker.append((incoming("sales"), 0), None, body_of({"text": "hello"}), headers)


def _wrong(world: World) -> list[str]:
    """What is wrong once everything has come to rest."""
    world.timeline.run(world.timeline.now_s + WITHIN_S)
    return [str(one) for one in violations(Run(0, 0.0, world, 0, is_quiet=is_quiet(world)))]


def _decided_when_sent(world: World, identifier: str) -> bool:
    """Does it stand in the journal at the moment at which the arbiter's input has it?"""

    def is_sent() -> bool:
        places = [("bus.arbiter", p) for p in range(world.genesis.partitions)]
        sent = [record for place in places for record in world.broker.records(place)]
        return any(("ce_id", identifier.encode()) in record.headers for record in sent)

    assert world.timeline.run(world.timeline.now_s + WITHIN_S, is_sent)
    return identifier in {row[4] for row in logs_of(Run(0, 0.0, world, 0, is_quiet=True)).rows("sales")}


def _tip(world: World) -> Tip:
    tip = Tip()
    for record in world.broker.records(SALES):
        segment = parse_segment(record.value)
        if segment is not None and continues(tip, segment):
            tip = advance(tip, record.value or b"")
    return tip


def _owner(world: World) -> Any:  # Any: the worker's own
    worker: Any = world.processes["gate-0"]._work
    return next(one for one in worker._owners.values() if one.stage.journal == SALES[0])


def test_an_owner_whose_append_landed_elsewhere_begins_anew(world: World) -> None:
    """Somebody took over and it was not told: what it decides then counts for nothing until it has taken over again."""
    body = {"kind": "takeover", "engine": "1.0", "nonce": "another", "mark": 0}
    value, _ = seal(_tip(world), body)
    world.broker.append(SALES, b"sales", value, ())
    _say(world, "a")
    assert _decided_when_sent(world, "a")
    assert _wrong(world) == []


def test_an_append_that_failed_is_decided_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that Kafka gave up may not be there: nothing goes out for it before it stands in the journal."""
    deliver, delivery, places = SimProducer._deliver, Network.delivery, list[tuple[str, int]]()

    def noted(self: SimProducer, place: tuple[str, int], *more: Any) -> None:  # Any: as the method
        places.append(place)
        deliver(self, place, *more)

    def first_is_lost(self: Network) -> Delivery:
        is_first = places[-1:] == [SALES] and places.count(SALES) == 1
        return Delivery("lost", 0.001, 1.0) if is_first else delivery(self)

    monkeypatch.setattr(SimProducer, "_deliver", noted)
    monkeypatch.setattr(Network, "delivery", first_is_lost)
    _say(world, "a")
    assert _decided_when_sent(world, "a")
    assert places.count(SALES) > 1
    assert _wrong(world) == []


def test_a_record_below_the_position_is_dropped(world: World) -> None:
    """The journal says where it stands, whatever a fetch brings along."""
    _say(world, "a")
    world.timeline.run(world.timeline.now_s + 5.0)
    owner, [*_, record] = _owner(world), world.broker.records((incoming("sales"), 0))
    owner.offer(record)
    assert not owner.is_busy
    assert _wrong(world) == []
