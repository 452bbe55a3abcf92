"""Sequences too long for a script: an agent with ten thousand holdings is suspended, leases end in bulk."""

from collections.abc import Iterator

import pytest

from bus.core.decision.entries import Entry
from bus.core.decision.events import Ended
from bus.core.log.records import canonical
from bus.core.steps.deadlines import EVENTS_PER_TICK_MAX
from tests.rules.arbiter_script import World, milliseconds
from tests.rules.scripts_reader import Script, difference

HOLDINGS = 10_000
TICKS = -(-HOLDINGS // 256)


@pytest.fixture(scope="module")
def suspended() -> World:
    """An agent that got ten thousand leads in a shuffled order, was suspended, and the ticks that followed."""
    world = World()
    world.given("terms lead lease=60")
    world.play("0 tick")
    for n in range(HOLDINGS):
        world.play(f"1 sales claims lead/L-{n * 7919 % HOLDINGS:05} as c{n}")
    world.play("2 support claims lead/M-1 as m1")
    world.play("3 ana suspends sales")
    for n in range(TICKS):
        world.play(f"{4 + n} tick")
    return world


def test_every_holding_of_a_suspended_agent_ends(suspended: World) -> None:
    """Each of the ten thousand ends exactly once, as revoked, by the decision of the suspension."""
    ended = list(_ended(_ticks(suspended)))
    [suspension] = [entry for entry in suspended.entries if entry.type == "bus.control.suspend.v1"]
    assert len({subject for subject, _ in ended}) == len(ended) == HOLDINGS
    assert {(what.reason, what.cause) for _, what in ended} == {("revoked", f"1.0.{suspension.o}.0")}


def test_a_tick_ends_at_most_256(suspended: World) -> None:
    """Every tick but the last ends as many as an entry may have events, and no more."""
    counts = [len(entry.events) for entry in _ticks(suspended)]
    assert counts == [*[EVENTS_PER_TICK_MAX] * (TICKS - 1), HOLDINGS - EVENTS_PER_TICK_MAX * (TICKS - 1)]
    assert EVENTS_PER_TICK_MAX == 256


def test_they_end_in_the_order_of_deadline_and_subject(suspended: World) -> None:
    """All are due at one time, so the subjects come in order."""
    subjects = [subject for subject, _ in _ended(_ticks(suspended))]
    assert subjects == sorted(subjects)


def test_others_keep_what_they_hold(suspended: World) -> None:
    """The holding of an agent that is not suspended stands."""
    assert suspended.state.resource("lead/M-1").holding is not None


def test_the_state_of_ten_thousand_is_restored(suspended: World) -> None:
    """The journal alone gives the same state."""
    assert suspended.restored() == suspended.state


def test_the_entry_of_a_full_tick_fits_a_segment(suspended: World) -> None:
    """The largest entry of a tick is far below the 2 MiB a journal record may have."""
    assert max(len(canonical(entry.to_json())) for entry in _ticks(suspended)) < 256 * 1024


def test_leases_end_by_deadline_before_subject() -> None:
    """Of leases that are all over the one that ended first is told first, then the subject decides."""
    world = World()
    world.given("terms lead lease=60")
    world.play("1 sales claims lead/B for 20")
    world.play("1 sales claims lead/C for 10")
    world.play("1 sales claims lead/A for 20")
    told = world.play("60 tick")
    assert told == "ended sales expired lead/C, ended sales expired lead/A, ended sales expired lead/B"


def test_what_did_not_fit_a_tick_may_be_renewed_in_time() -> None:
    """A lease left over for the next tick is renewed by a message whose time is before its end."""
    world = World()
    world.given("terms lead lease=60")
    for n in range(257):
        world.play(f"1 sales claims lead/L-{n:03}")
    assert len(world.judge(world.log.tick(milliseconds("61"))).events) == 256
    assert world.play("60.9 sales renews lead/L-256 with #257") == "renewed #257 until 121"
    assert world.play("62 tick") == "nothing"


def test_a_script_that_is_wrong_is_told() -> None:
    """The difference names the line, what it says and what the bus says."""
    script = Script("wrong", "Wrong.", (), (("1 sales claims lead/L-1 as c1", "granted c1 #1 until 61"),))
    assert "+ 1 sales claims lead/L-1 as c1 -> denied" in difference(script, ["denied c1 held"])


def _ticks(world: World) -> list[Entry]:
    return [entry for entry in world.entries if entry.verdict == "tick" and entry.events]


def _ended(entries: list[Entry]) -> Iterator[tuple[str, Ended]]:
    for entry in entries:
        for event in entry.events:
            assert isinstance(event.what, Ended)
            yield event.subject, event.what
