"""The rule of the named predecessor: what is next, what is a repeat, what is a gap."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.core.log.routing import Arrival, arrival, id_order
from bus.core.log.topics import lane_and_offset


@pytest.mark.parametrize(
    ("last", "identifier", "prev", "found"),
    [
        ("", "sales.0", "", Arrival.NEXT),
        ("", "sales.7", "sales.3", Arrival.GAP),
        ("sales.3", "sales.7", "sales.3", Arrival.NEXT),
        ("sales.3", "sales.7", "sales.5", Arrival.GAP),
        ("sales.3", "sales.7", "", Arrival.GAP),
        ("sales.3", "sales.3", "sales.1", Arrival.REPEAT),
        ("sales.9", "sales.10", "sales.9", Arrival.NEXT),
        ("sales.10", "sales.9", "sales.10", Arrival.REPEAT),
        ("1.3.9.1", "1.3.10.0", "1.3.9.1", Arrival.NEXT),
        ("1.3.9.1", "1.3.9.0", "1.3.9.1", Arrival.REPEAT),
        ("1.3.9.1", "2.3.0.0", "1.3.9.1", Arrival.NEXT),
    ],
)
def test_an_id_is_next_a_repeat_or_a_gap(last: str, identifier: str, prev: str, found: Arrival) -> None:
    """An id up to the last one is a repeat, one that names the last is next, all else is a gap."""
    assert arrival(last=last, identifier=identifier, prev=prev) is found


@pytest.mark.parametrize("identifier", ["", "sales", "sales.", ".", "sales.²", "sales.x", "1..2"])
def test_no_id_breaks_the_comparison(identifier: str) -> None:
    """An id nobody of ours wrote compares somehow and raises nothing."""
    assert isinstance(id_order(identifier), tuple)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40))
def test_a_reader_hears_everything_once_and_in_order(resent_from: list[int]) -> None:
    """However often a source goes back and sends again, what a reader takes is the sequence without a hole."""
    sent = [(f"sales.{n * 3}", f"sales.{n * 3 - 3}" if n else "") for n in range(len(resent_from))]
    log = [record for n, back in enumerate(resent_from) for record in sent[max(0, n - back) : n + 1]]
    last, taken = "", []
    for identifier, prev in log:
        if arrival(last=last, identifier=identifier, prev=prev) is Arrival.NEXT:
            last = identifier
            taken.append(identifier)
    assert taken == [identifier for identifier, _ in sent]


@pytest.mark.parametrize(
    ("src", "found"),
    [
        ("bus.in.sales/0/512", ("sales", 512)),
        ("bus.in.a-9/0/0", ("a-9", 0)),
        ("bus.in.sales/1/512", None),
        ("bus.in.Sales/0/512", None),
        ("bus.in.sales/0/-1", None),
        ("bus.in.sales/0/512 ", None),
        ("", None),
    ],
)
def test_coordinates_are_read_or_not(src: str, found: tuple[str, int] | None) -> None:
    """Only a record of a lane's topic names its lane and offset."""
    assert lane_and_offset(src) == found
