"""Governed topics: a record that is changed, doubled, missing, misplaced or a stranger's is found."""

from collections.abc import Callable

import pytest

from bus.audit.evidence import Place
from bus.audit.verify import verify
from bus.core.log import topics
from bus.core.log.records import Record, canonical
from tests.audit.handmade import HandmadeBus, busy_bus, changed, found

Logs = dict[Place, list[Record]]
LEADS: Place = ("leads", 0)


@pytest.fixture
def bus() -> HandmadeBus:
    return busy_bus()


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("value", lambda r: changed(r, value=b'{"lead_id":"L-7"}')),
        ("key", lambda r: changed(r, key=b"lead/L-7")),
        ("set of headers", lambda r: changed(r, headers=(*r.headers, ("bus-from", b"1.1")))),
    ],
)
def test_a_changed_record_is_found(bus: HandmadeBus, part: str, change: Callable[[Record], Record]) -> None:
    """What the arbiter admitted arrives byte for byte."""
    bus.records[LEADS][0] = change(bus.records[LEADS][0])
    assert any(f"has another {part} than bus.arbiter/" in finding for finding in found(bus.evidence(), "governed"))


def test_a_doubled_record_is_found(bus: HandmadeBus) -> None:
    """What the arbiter admitted arrives once."""
    log = bus.records[LEADS]
    log.append(changed(log[1], offset=2))
    assert any("is there more than once" in finding for finding in found(bus.evidence(), "governed"))


def test_a_missing_record_is_found(bus: HandmadeBus) -> None:
    """What the arbiter admitted arrives."""
    bus.records[LEADS].pop()
    assert any("it was admitted and never released" in finding for finding in found(bus.evidence(), "governed"))


def test_a_record_that_was_not_admitted_is_found(bus: HandmadeBus) -> None:
    """Nothing is released that the arbiter did not admit."""
    log = bus.records[LEADS]
    headers = tuple((name, b"1.1.900.0" if name == "bus-decision" else value) for name, value in log[0].headers)
    log.append(changed(log[0], offset=2, headers=headers))
    assert any("1.1.900.0 was never admitted" in finding for finding in found(bus.evidence(), "governed"))


def test_a_second_writer_is_found(bus: HandmadeBus) -> None:
    """A record without a decision was written by somebody else."""
    log = bus.records[LEADS]
    log.append(changed(log[0], offset=2, headers=()))
    assert any("somebody else wrote this" in finding for finding in found(bus.evidence(), "governed"))


def test_a_wrong_order_is_found(bus: HandmadeBus) -> None:
    """Records of one partition of the journal keep their order."""
    log = next(log for place, log in bus.records.items() if place[0] == "leads" and len(log) == 2)
    first, second = log
    headers = tuple((n, b"1.9.1.0" if n == "bus-decision" else v) for n, v in first.headers)
    log[:] = [changed(second, offset=0), changed(first, offset=1)]
    log += [changed(first, offset=2, headers=headers)]
    bus.records["leads", 2] = [
        changed(first, partition=2, offset=n, headers=(("bus-decision", d),))
        for n, d in enumerate((b"1.0.9.0", b"1.0.8.0"))
    ]
    assert any("1.0.8.0 stands behind a later decision" in finding for finding in found(bus.evidence(), "governed"))


def test_a_record_in_a_foreign_partition_is_found(bus: HandmadeBus) -> None:
    """The key decides the partition."""
    log = bus.records[LEADS]
    bus.records["leads", 2].append(changed(log.pop(), partition=2, offset=0))
    assert any("has another partition than" in finding for finding in found(bus.evidence(), "governed"))


def test_what_is_not_released_yet_is_still_moving(bus: HandmadeBus) -> None:
    """What the publisher has not come to is no finding."""
    bus.records[LEADS].pop()

    def tamper(logs: Logs) -> None:
        value = canonical({"slot": 0, "marks": {"0": 1, "1": 1}})
        logs[topics.PUBLISHED, 0] = [Record(topics.PUBLISHED, 0, 0, 0, b"0", value, ())]

    check = verify(bus.evidence(tamper), ["governed"], lambda _: None).checks[0]
    assert (check.found, check.moving) == (0, ["leads: 1 admitted records are on their way"])
