"""Earlier records are kept within a bound, read again beyond it, and left out when they are gone."""

from bus.core.log.records import Record
from bus.shell.earlier_records import RECENT_BYTES_MAX, EarlierRecords

BIG = 60_000
FITTING = RECENT_BYTES_MAX // BIG


def _record(o: int) -> Record:
    return Record("bus.arbiter", 0, o, 0, None, b"x" * BIG, (("ce_id", b"c-1"),))


class Log:
    """A partition from offset ``first`` on, and what was asked of it."""

    def __init__(self, first: int = 0) -> None:
        self.first = first
        self.asked: list[list[int]] = []

    def read(self, offsets: list[int]) -> dict[int, Record]:
        """The records that are still there."""
        self.asked.append(offsets)
        return {o: _record(o) for o in offsets if o >= self.first}


def test_what_came_a_moment_ago_is_at_hand() -> None:
    """A record that was just judged is not asked of Kafka."""
    log = Log()
    earlier = EarlierRecords(log.read)
    earlier.remember(_record(7))
    assert earlier.find([7]) == {7: _record(7)}
    assert log.asked == []


def test_what_does_not_fit_is_read_again() -> None:
    """Of more than fits only the last ones are kept; the first is read again, all that are missing at once."""
    log = Log()
    earlier = EarlierRecords(log.read)
    for o in range(2 * FITTING):
        earlier.remember(_record(o))
    found = earlier.find([1, 0, 2 * FITTING - 1])
    assert found.keys() == {0, 1, 2 * FITTING - 1}
    assert log.asked == [[0, 1]]


def test_the_bound_holds_whatever_is_found() -> None:
    """What is read again is kept in the place of something else."""
    log = Log()
    earlier = EarlierRecords(log.read)
    for o in range(4 * FITTING):
        earlier.find([o])
    earlier.find(range(4 * FITTING))
    assert len(log.asked[-1]) >= 3 * FITTING


def test_what_is_no_longer_kept_is_left_out() -> None:
    """Retention took the record away: there is none, and nobody stops for it."""
    assert EarlierRecords(Log(first=5).read).find([4, 5]).keys() == {5}
