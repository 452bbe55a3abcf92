"""The belief of a holder ends before the bus's lease, whatever is late; the broker's clock is learned, not trusted."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.client.belief import belief_end_s, counted_from_s, next_try_s, renewal_due_s
from bus.client.clock import SKEW_TOLD_MS, BrokerClock, elapsed_s
from bus.client.timers import CANCELLED_MAX, Timers

LEASES_MS = st.integers(1, 10_000_000)
DELAYS_S = st.floats(0, 1_000)


@given(lease_ms=LEASES_MS, on_the_way_s=DELAYS_S, ahead_ms=st.integers(0, 10_000), drift=st.floats(-0.002, 0.002))
def test_the_belief_ends_before_the_lease(lease_ms: int, on_the_way_s: float, ahead_ms: int, drift: float) -> None:
    """When the agent stops believing, the broker's clock has not reached ``until``, even if the clocks drift apart.

    The record is appended some time after the reading, ``at`` may stand before ``until`` less the lease (a tick was
    later), and the agent's clock runs slower or faster than the broker's by two in a thousand.
    """
    began_s, broker_began_ms = 5.0, 1_000_000
    at_ms = broker_began_ms + int(on_the_way_s * 1_000)
    until_ms = at_ms + ahead_ms + lease_ms
    end_s = belief_end_s(began_s, at_ms=at_ms, until_ms=until_ms)
    broker_end_ms = broker_began_ms + (end_s - began_s) * 1_000 * (1 + drift)
    assert broker_end_ms < until_ms
    assert end_s >= began_s


@given(
    lease_ms=LEASES_MS,
    contest_ms=st.integers(0, 300_000_000),
    on_the_way_s=DELAYS_S,
    tick_late_ms=st.integers(0, 60_000),
    drift=st.floats(-0.002, 0.002),
)
def test_a_lease_that_a_contest_gives_is_not_believed_too_long(
    lease_ms: int, contest_ms: int, on_the_way_s: float, tick_late_ms: int, drift: float
) -> None:
    """It is counted from the contest's end, days later, and yet never past ``until``, even if the clocks drift."""
    began_s, broker_began_ms = 5.0, 1_000_000
    joined_at_ms = broker_began_ms + int(on_the_way_s * 1_000)
    granted_at_ms = joined_at_ms + contest_ms
    until_ms = granted_at_ms + tick_late_ms + lease_ms
    counted_s = counted_from_s(began_s, asked_at_ms=joined_at_ms, at_ms=granted_at_ms)
    end_s = belief_end_s(counted_s, at_ms=granted_at_ms, until_ms=until_ms)
    broker_end_ms = broker_began_ms + (end_s - began_s) * 1_000 * (1 + drift)
    assert broker_end_ms < until_ms
    assert counted_s >= began_s


@given(lease_ms=st.integers(10, 10_000_000))
def test_there_is_time_for_a_second_renewal(lease_ms: int) -> None:
    """The first renewal is due in time, and when it fails another one fits before the belief ends."""
    until_ms = 1_000 + lease_ms
    due_s = renewal_due_s(0.0, at_ms=1_000, until_ms=until_ms)
    again_s = next_try_s(due_s, at_ms=1_000, until_ms=until_ms)
    assert 0 < due_s < again_s < belief_end_s(0.0, at_ms=1_000, until_ms=until_ms)


def test_a_lease_of_nothing_is_never_believed() -> None:
    """An answer whose lease was over when it was given makes no belief."""
    assert belief_end_s(5.0, at_ms=2_000, until_ms=1_000) == 5.0


def test_the_elapsed_clock_is_no_clock_of_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Setting the local time changes nothing in what has elapsed."""
    before_s = elapsed_s()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert 0 <= elapsed_s() - before_s < 60


@pytest.mark.parametrize("ahead_ms", [-3_600_000, 0, 600_000])
def test_the_brokers_time_is_learned_from_reports(ahead_ms: int) -> None:
    """One delivery report is enough to know the time there, within the way of the report."""
    clock, now_s = BrokerClock(), elapsed_s()
    assert clock.skew_ms is None
    append_ms = int(time.time() * 1_000) + ahead_ms
    clock.learn(append_ms, sent_s=now_s - 0.05, reported_s=now_s + 0.05)
    assert clock.now_ms() == pytest.approx(append_ms, abs=1_000)
    assert clock.skew_ms == pytest.approx(-ahead_ms, abs=1_000)
    assert clock.is_wrong == (abs(ahead_ms) > SKEW_TOLD_MS)


def test_a_slow_report_does_not_spoil_a_sharp_one() -> None:
    """A report that took long says little; one without a time says nothing."""
    clock, now_s = BrokerClock(), elapsed_s()
    clock.learn(1_000_000, sent_s=now_s - 0.01, reported_s=now_s + 0.01)
    sharp_ms = clock.now_ms()
    clock.learn(9_000_000, sent_s=now_s - 8, reported_s=now_s)
    clock.learn(-1, sent_s=now_s, reported_s=now_s)
    assert clock.now_ms() == pytest.approx(sharp_ms, abs=1_000)


def test_timers_are_handed_out_once_and_in_order() -> None:
    """What is due comes in the order of its time, and only then."""
    timers, done = Timers(), []
    for when_s in (3.0, 1.0, 2.0, 1.0):
        timers.at(when_s, lambda when_s=when_s: done.append(when_s))  # type: ignore[misc]
    assert timers.next_s() == 1.0
    for now_s in (0.5, 2.5, 2.5, 9.0):
        for task in timers.due(now_s):
            task()
    assert done == [1.0, 1.0, 2.0, 3.0]
    assert timers.next_s() is None


def test_a_cancelled_timer_keeps_nothing() -> None:
    """What was cancelled is neither handed out nor kept, however many there were."""
    timers = Timers()
    made = [timers.at(1e9, lambda: None) for _ in range(10 * CANCELLED_MAX)]
    kept = timers.at(2.0, lambda: None)
    for timer in made:
        timers.cancel(timer)
        timers.cancel(timer)
    assert (len(timers), timers.next_s()) == (1, 2.0)
    assert len(timers._waiting) <= 2 * CANCELLED_MAX
    assert len(timers.due(3.0)) == 1
    timers.cancel(kept)
    assert len(timers) == 0
