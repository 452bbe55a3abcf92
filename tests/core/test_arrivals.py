"""What stands on the bus's own topic is read as a message, a tick or an alien, whatever its bytes are."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.core.log.records import Headers, Record
from bus.core.message.arrivals import Alien, Message, Tick, read_arrival
from tests.rules.arbiter_script import World
from tests.rules.cast import ArbiterLog, agent, spoken

NAMES = [
    *("bus-src", "bus-at", "bus-control", "bus-contract", "bus-values", "bus-from", "bus-prev", "bus-key"),
    *("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "content-type", "ce_subject", "ce_bustoken"),
]
ODD = [b"", b"-1", b"1e3", b"\xff", b"null", b"[]", b"{}", b"bus.in.sales/0/1", b"sales", b"sales.0", None]


def _forwarded(kind: str = "bus.resource.claim.v1", body: Any = None, subject: str = "lead/L-1") -> Record:
    headers = spoken(kind, source=agent("sales"), identifier="c1", at_ms=9, subject=subject, token="7")
    return ArbiterLog().forward("sales", headers, {} if body is None else body, at_ms=9, control=3)


def _tick(value: Any, headers: Headers = (("ce_type", b"bus.clock.tick.v1"),)) -> Record:
    return Record("bus.arbiter", 0, 5, 0, None, json.dumps(value).encode(), headers)


def test_a_forwarded_record_is_a_message() -> None:
    """All that the gate added is understood."""
    found = read_arrival(_forwarded())
    assert isinstance(found, Message)
    assert (found.lane, found.id, found.prev, found.src) == ("sales", "sales.0", "", "bus.in.sales/0/0")
    assert (found.at, found.control, found.contract_ref) == (9, 3, "bus.resource.claim.v1@1")
    assert found.envelope.source == agent("sales")


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("bus-key", "ce_subject", "ce_bustoken")])
def test_a_record_that_lacks_what_gates_write_is_an_alien(name: str) -> None:
    """Without one of the headers every forwarded record has, no gate can have written it."""
    record = _forwarded()
    headers = tuple(pair for pair in record.headers if pair[0] != name)
    assert isinstance(read_arrival(_replaced(record, headers)), Alien)


def test_a_record_from_another_lane_than_it_names_is_an_alien() -> None:
    """`bus-src` and `bus-from` name one lane."""
    record = _forwarded()
    headers = tuple((name, b"support" if name == "bus-from" else value) for name, value in record.headers)
    assert isinstance(read_arrival(_replaced(record, headers)), Alien)


def test_a_tick_is_a_tick() -> None:
    """A tick says which record it stands behind, which time it is, and which lanes it left out."""
    assert read_arrival(_tick({"v": 1, "after": 4, "now": 9, "stalled": ["a"]})) == Tick(5, 4, 9, ("a",))


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {"v": 2, "after": 4, "now": 9, "stalled": []},
        {"v": 1, "after": 5, "now": 9, "stalled": []},
        {"v": 1, "after": 4, "now": "9", "stalled": []},
        {"v": 1, "after": 4, "now": 9.0, "stalled": []},
        {"v": 1, "after": True, "now": 9, "stalled": []},
        {"v": 1, "after": 4, "now": 9, "stalled": "a"},
        {"v": 1, "after": 4, "now": 9},
    ],
)
def test_what_is_no_tick_is_an_alien(value: Any) -> None:
    """A tick of another form, or one that stands behind a record that is not there yet, states no time."""
    assert isinstance(read_arrival(_tick(value)), Alien)


def test_a_tick_with_another_header_is_an_alien() -> None:
    """A tick has its one header only, so no sender's record can pass for one."""
    headers = (("ce_type", b"bus.clock.tick.v1"), ("bus-from", b"sales"))
    assert isinstance(read_arrival(_tick({"v": 1, "after": 4, "now": 9, "stalled": []}, headers)), Alien)


HOSTILE_HEADERS = st.lists(
    st.tuples(
        st.one_of(st.sampled_from(NAMES), st.text(max_size=5)), st.one_of(st.sampled_from(ODD), st.binary(max_size=9))
    ),
    max_size=8,
)


@given(HOSTILE_HEADERS, st.one_of(st.none(), st.binary(max_size=30)))
def test_no_record_breaks_the_reader(odd: list[tuple[str, bytes | None]], value: bytes | None) -> None:
    """Whatever is on the topic, the arbiter enters it and goes on."""
    for headers in ([("ce_type", b"bus.clock.tick.v1")], odd, [*_forwarded("leads.note.add.v1").headers, *odd]):
        world = World()
        entry = world.judge(Record("bus.arbiter", 0, 0, 0, None, value, tuple(headers)))
        assert (entry.o, world.state.next_offset) == (0, 1)


BUS_TYPES = [
    *("bus.resource.claim.v1", "bus.resource.renew.v1", "bus.resource.release.v1", "bus.resource.withdraw.v1"),
    *("bus.action.report.v1", "bus.agent.wait.v1", "bus.contest.ask.v1"),
    *("bus.control.set.v1", "bus.control.suspend.v1", "bus.case.rule.v1"),
]


@pytest.mark.parametrize("kind", BUS_TYPES)
@pytest.mark.parametrize("body", [[], 7, {"token": "7"}, {"token": None, "decision": [], "until": {}}, {"select": 1}])
def test_no_body_breaks_the_arbiter(kind: str, body: Any) -> None:
    """A record that looks forwarded but has a body no gate lets through is entered, and the partition goes on."""
    world = World()
    world.given("terms lead lease=60 wait=60")
    world.play("1 sales claims lead/L-1")
    headers = spoken(kind, source=agent("sales"), identifier="x", at_ms=9, subject="lead/L-1")
    control = world.state.registry.number + 1 if kind.startswith("bus.control.") else 3
    world.judge(world.log.forward("sales", headers, body, at_ms=9, control=control))
    assert world.play("2 support claims lead/L-1 as c2").startswith("denied c2 held")


def test_a_guarded_action_without_its_token_does_not_break_the_arbiter() -> None:
    """A record that looks forwarded but lacks the token or the fact its contract needs is entered all the same."""
    world = World()
    world.given("terms lead lease=60")
    for kind in ("leads.email.send.v1", "leads.lead.stage.v1"):
        headers = spoken(kind, source=agent("sales"), identifier="x", at_ms=9, subject="lead/L-1")
        world.judge(world.log.forward("sales", headers, {}, at_ms=9, control=3))
    assert world.play("2 support claims lead/L-1 as c2").startswith("granted c2")


def _replaced(record: Record, headers: Headers) -> Record:
    return Record(record.topic, 0, record.offset, 0, None, record.value, headers)
