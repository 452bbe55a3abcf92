"""Quiet or still moving: a bus at work is told from one whose log was cut."""

from collections.abc import Callable

import pytest

from bus.audit.evidence import ARBITER_PUBLISHED, GATE_GROUP, GATE_PUBLISHED, Place
from bus.audit.verify import verify
from bus.core.log.records import Record
from tests.audit.handmade import HandmadeBus, busy_bus, changed, found


def _lower(group: str, topic: str, partition: int) -> Callable[[HandmadeBus], None]:
    def change(bus: HandmadeBus) -> None:
        bus.marks[group] = {(topic, partition): 1}

    return change


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_lower(GATE_GROUP, "bus.in.sales", 0), "bus.in.sales/0: forwarded up to 1 of"),
        (_lower(GATE_PUBLISHED, "bus.gate.sales", 0), "bus.gate.sales/0: sent up to 1 of"),
        (_lower(ARBITER_PUBLISHED, "bus.journal", 1), "bus.journal/1: sent up to 1 of"),
    ],
)
def test_a_mark_before_the_end_is_still_moving(change: Callable[[HandmadeBus], None], sentence: str) -> None:
    """A mark that has not reached its end says that the bus is at work, and that is no finding."""
    bus = busy_bus()
    change(bus)
    check = verify(bus.evidence(), ["quiet"], lambda _: None).checks[0]
    assert (check.found, any(sentence in what for what in check.moving)) == (0, True)


def test_a_mark_beyond_the_end_is_found() -> None:
    """An input log that ends before what was forwarded from it was cut."""
    bus = busy_bus()
    bus.marks[GATE_GROUP] = {("bus.in.sales", 0): 99}
    assert any("its tail was cut" in finding for finding in found(bus.evidence(), "quiet"))


def test_a_mark_that_is_none_is_found() -> None:
    """A record on bus.published that is no mark is found."""
    bus = busy_bus()

    def tamper(logs: dict[Place, list[Record]]) -> None:
        log = logs["bus.published", 0]
        log[0] = changed(log[0], value=b'{"slot":0}')

    assert "bus.published/0 offset 0: the record is no mark of a publisher" in found(bus.evidence(tamper), "quiet")


def test_unknown_marks_are_named() -> None:
    """Without marks nobody can say whether the bus is quiet, and the check says so."""
    evidence = busy_bus().evidence()
    check = verify(type(evidence)("no marks", evidence.logs), ["quiet"], lambda _: None).checks[0]
    assert (check.result, check.not_checked) == ("not checked", ["the groups' marks are not there"])
