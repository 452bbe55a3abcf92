"""The watchdog tells a batch that hangs from one that takes its time, whichever stage it is in."""

import threading

from bus.shell.watchdog import Judging, Watchdog

WAIT_S = 20.0


def test_a_batch_that_hangs_is_named() -> None:
    """What has been judged for longer than it may is told with the place of its first record; the others are not."""
    hangs, works = Judging(), Judging()
    told: list[tuple[str, int, int]] = []
    heard = threading.Event()

    def on_hang(judging: Judging, hang_s: float) -> None:
        told.append((judging.topic, judging.partition, judging.offset))
        heard.set()

    watchdog = Watchdog([works, hangs], hang_s=1.0, on_hang=on_hang)
    works.begin("bus.in.sales", 0, 1)
    works.end()
    hangs.begin("bus.arbiter", 3, 42)
    watchdog.start()
    assert heard.wait(WAIT_S), "nobody noticed"
    watchdog.stop()
    assert set(told) == {("bus.arbiter", 3, 42)}
