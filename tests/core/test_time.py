"""The time of a partition only rises, whichever clock writes the ticks."""

from tests.rules.arbiter_script import World, milliseconds


def test_a_tick_of_a_clock_that_is_behind_changes_no_time() -> None:
    """Of two clocks one may be behind: what it says is entered, and the time that was reached stays."""
    world, reached = World(), list[int]()
    for seconds in ("20", "10", "30"):
        entry = world.judge(world.log.tick(milliseconds(seconds)))
        assert entry.now == milliseconds(seconds)
        reached.append(world.state.now)
    assert reached == [milliseconds(seconds) for seconds in ("20", "20", "30")]


def test_what_starts_behind_such_a_tick_starts_at_the_time_that_was_reached() -> None:
    """A lease begins at the later of the two: `at` of its claim, or the time of the partition."""
    world = World()
    world.given("terms lead lease=60")
    for seconds in ("20", "10"):
        world.judge(world.log.tick(milliseconds(seconds)))
    assert "until 80" in world.play("15 sales claims lead/L-1 as c1")
