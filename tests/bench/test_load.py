"""The open loop of the latency benchmark hides nothing: who is late is late for everybody behind it."""

from benchmarks.load import Schedule, Seen, percentile, summary


def _seen(schedule: Schedule, delays_s: list[float]) -> Seen:
    seen = Seen()
    for n, delay_s in enumerate(delays_s):
        seen.note(schedule, n, schedule.due_s(n) + delay_s)
    return seen


def test_latency_counts_from_when_a_message_was_due() -> None:
    """A stand-still of a second makes the messages that were due meanwhile late by what was left of it."""
    schedule = Schedule("r", start_s=100.0, rate=10.0, count=50)
    seen = Seen()
    for n in range(50):
        seen.note(schedule, n, max(schedule.due_s(n), 104.0))  # nothing comes out before 104 s
    assert [round(seen.latencies_ms[n]) for n in (30, 35, 39, 45)] == [1000, 500, 100, 0]


def test_the_first_sight_of_an_answer_counts() -> None:
    """An answer that is delivered again changes nothing."""
    schedule = Schedule("r", start_s=0.0, rate=1.0, count=1)
    seen = _seen(schedule, [0.25])
    seen.note(schedule, 0, 9.0)
    assert seen.latencies_ms == {0: 250.0}


def test_a_bus_that_falls_behind_is_marked() -> None:
    """Answers that come at half the rate of the questions are told as saturation, with the rate that was reached."""
    schedule = Schedule("r", start_s=0.0, rate=100.0, count=1_000)
    seen = _seen(schedule, [n / 100 for n in range(1_000)])  # each comes twice as late as it was due
    told = summary(schedule, seen, [0.0, 0.0])
    assert told["is_saturated"] is True
    assert told["achieved_per_s"] < 60


def test_a_bus_that_keeps_up_is_not_marked() -> None:
    """Five milliseconds for everybody is no saturation, and every percentile says five."""
    schedule = Schedule("r", start_s=0.0, rate=100.0, count=1_000)
    told = summary(schedule, _seen(schedule, [0.005] * 1_000), [0.0, 0.0])
    assert (told["is_saturated"], told["p50_ms"], told["p99_ms"], told["max_ms"]) == (False, 5.0, 5.0, 5.0)


def test_a_message_without_an_answer_is_counted() -> None:
    """What never came is told, and marks the rate as not sustained."""
    schedule = Schedule("r", start_s=0.0, rate=100.0, count=1_000)
    told = summary(schedule, _seen(schedule, [0.005] * 999), [0.0, 0.0])
    assert (told["unseen"], told["is_saturated"]) == (1, True)


def test_percentiles_are_of_the_ordered_values() -> None:
    """Half of them are below the median, one in a hundred above the 99th."""
    assert [percentile([float(n) for n in range(100)], share) for share in (0.5, 0.99)] == [50.0, 99.0]
