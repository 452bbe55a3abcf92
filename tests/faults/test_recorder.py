"""The recorder's judgement: what was seen and is gone or other, and what was there and never seen."""

from tests.acceptance.wire import Record
from tests.faults.recorder import compared, digest_of

PLACE = ("bus.outcomes", 0)


def record(offset: int, value: bytes) -> Record:
    """A record of the place."""
    return Record(*PLACE, offset, 5, b"k", (("h", b"v"),), value)


def faults(seen: list[Record], again: list[Record]) -> list[str]:
    """What the recorder says of these two readings."""
    return compared("read_uncommitted", PLACE, {one.offset: digest_of(one) for one in seen}, again)


def test_the_same_again_is_well() -> None:
    """Nothing is said of records that are as they were."""
    both = [record(0, b"a"), record(2, b"b")]
    assert faults(both, both) == []


def test_a_record_that_is_gone_is_told() -> None:
    """With its place."""
    assert faults([record(0, b"a"), record(1, b"b")], [record(0, b"a")]) == [
        "read_uncommitted: bus.outcomes/0/1 was seen and is gone"
    ]


def test_a_record_that_changed_is_told() -> None:
    """Also if its offset is the same."""
    assert faults([record(0, b"a")], [record(0, b"b")]) == [
        "read_uncommitted: bus.outcomes/0/0 was seen with other content"
    ]


def test_a_record_that_came_behind_the_reader_is_told() -> None:
    """What stands before the end of a log and was not there when a reader passed was written into the past."""
    assert faults([record(1, b"b")], [record(0, b"a"), record(1, b"b")]) == [
        "read_uncommitted: bus.outcomes/0: 1 records were never seen by who read along, first 0"
    ]
