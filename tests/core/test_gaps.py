"""Behind an accepted gap lanes go on and lost changes are in force; a state that was filled knows its deadlines."""

from bus.core.policy.control import Change
from bus.core.state.gaps import change_to_json, fold_gap
from bus.core.state.partition import PartitionState
from tests.rules.arbiter_script import World

TERMS = {"resource": "canoe", "window_ms": 0, "lease_ms": 3_000}


def _behind_a_gap(world: World) -> PartitionState:
    change = Change(world.state.registry.number + 1, "terms", "canoe", 1, TERMS)
    fold_gap(world.state, {"from": 0, "to": 7, "changes": [change_to_json(change)]})
    return world.state


def test_a_change_that_was_lost_is_in_force() -> None:
    """The segment carries it, since its message is gone."""
    state = _behind_a_gap(World())
    assert state.next_offset == 8
    assert state.registry.terms["canoe"].lease_ms == 3_000


def test_every_lane_may_go_on_from_anywhere_once() -> None:
    """What its next message names as its predecessor is lost; behind that one the chain of the lane holds again."""
    world = World()
    assert not world.state.may_anchor("sales")
    state = _behind_a_gap(world)
    assert state.may_anchor("sales")
    world.given("terms lead lease=60")
    world.play("1 sales claims lead/L-1 as c1")
    assert not state.may_anchor("sales")
    assert state.may_anchor("support")


def test_a_state_that_was_filled_knows_its_deadlines() -> None:
    """What was held before a snapshot ends after a restore from it."""
    world = World()
    world.given("terms lead lease=60")
    world.play("1 sales claims lead/L-1 as c1")
    filled = PartitionState(1, 0, world.state.registry)
    filled.fill(dict(world.state.resources))
    assert filled.next_deadline() == world.state.next_deadline() is not None
