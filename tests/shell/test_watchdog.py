"""The watchdog tells a batch that hangs from one that takes its time, whichever stage it is in."""

import threading

import pytest

from bus.shell.watchdog import Judging, Watchdog


def test_a_batch_that_hangs_is_named() -> None:
    """What has been judged for longer than it may is told with the place of its first record; the others are not."""
    hangs, works, rests = Judging(), Judging(), Judging()
    told: list[tuple[str, int, int]] = []
    heard = threading.Event()

    def on_hang(judging: Judging, hang_s: float) -> None:
        told.append((judging.topic, judging.partition, judging.offset))
        heard.set()

    watchdog = Watchdog([works, hangs, rests], hang_s=1.0, on_hang=on_hang)
    with rests.of("bus.in.sales", 0, 1):
        pass
    with hangs.of("bus.arbiter", 3, 42):
        watchdog.start()
        while not heard.wait(0.05):
            with works.of("bus.in.support", 0, 7):
                pass
        watchdog.stop()
    assert set(told) == {("bus.arbiter", 3, 42)}


def test_a_batch_that_fails_is_over() -> None:
    """A stage that raises starts again; the batch it raised on must not end the process half a minute later."""
    judging = Judging()
    with pytest.raises(MemoryError), judging.of("bus.in.sales", 0, 1):
        raise MemoryError
    assert judging.since_s == 0.0
