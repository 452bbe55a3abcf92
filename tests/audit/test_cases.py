"""The folded view of case files: the newest edition of each counts, is found by its names, and tells what changed."""

import pytest

from bus.audit import case_shelf
from bus.audit.case_changes import case_changes
from bus.audit.case_files import case_of, choices
from bus.audit.case_shelf import Shelf
from bus.core.log.records import Record
from tests.audit.handmade_cases import AGENT, NOW_MS, PERSON, Body, deal, file_of, held, lead, record_of


def _shelf(*bodies: Body) -> Shelf:
    shelf = Shelf()
    for offset, body in enumerate(bodies):
        shelf.put(file_of(body), record_of(body, offset=offset))
    return shelf


def test_the_highest_edition_counts_whatever_comes_last() -> None:
    """A repeat of an older edition changes nothing."""
    shelf = _shelf(deal(n=2, rev=2), deal(n=1))
    file = shelf.get("1.7.198.2")
    assert file is not None
    assert (file.n, file.rev) == (2, 2)


@pytest.mark.parametrize("value", [b"", b"{}", b"[]", b'{"case":"1.2.3.4","n":"x"}', None], ids=repr)
def test_what_is_no_case_file_is_left_out(value: bytes | None) -> None:
    """Whoever wrote it, it stops nobody."""
    assert case_of(Record("bus.escalations", 0, 0, 0, b"", value, ())) is None


@pytest.mark.parametrize("given", ["1.7.198.2", "1.7", "198.2", "deal/D-9", "D-9"])
def test_a_case_is_found_by_its_id_a_part_of_it_or_its_subject(given: str) -> None:
    """Each of these means one case."""
    assert [one.case for one in _shelf(deal(), lead()).called(given)] == ["1.7.198.2"]


def test_a_name_that_fits_two_cases_gives_both() -> None:
    """Who typed it has to say more."""
    assert len(_shelf(deal(), lead()).called("1.")) == 2


def test_of_two_cases_of_a_subject_the_open_one_is_meant() -> None:
    """The older one, which is closed, has its id."""
    shelf = _shelf(deal(case="1.7.90.2", state="closed"), deal())
    assert [one.case for one in shelf.called("D-9")] == ["1.7.198.2"]


def test_the_most_urgent_case_comes_first() -> None:
    """Overdue, then the first to be due, then those that are over."""
    shelf = _shelf(
        deal(case="1.1.1.1", state="closed"), deal(), lead(overdue=True), deal(case="1.1.9.1", due=NOW_MS + 1)
    )
    assert [one.case for one in shelf.files()] == ["1.2.41.1", "1.1.9.1", "1.7.198.2", "1.1.1.1"]


def test_of_the_cases_that_are_over_the_last_one_comes_first() -> None:
    """Whoever looks back looks for what has just been ruled."""
    shelf = Shelf()
    for offset, case in enumerate(("1.1.1.1", "1.1.3.1", "1.1.2.1")):
        shelf.put(file_of(deal(case=case, state="closed"), at=NOW_MS + offset), record_of(deal(), offset=offset))
    assert [one.case for one in shelf.files()] == ["1.1.2.1", "1.1.3.1", "1.1.1.1"]


def test_alike_cases_are_the_open_ones_with_the_same_hash() -> None:
    """The asked one first."""
    shelf = _shelf(deal(), deal(case="1.1.9.1"), deal(case="1.1.8.1", state="closed"), lead())
    assert [one.case for one in shelf.alike(file_of(deal()))] == ["1.7.198.2", "1.1.9.1"]


def test_there_is_room_for_so_many_and_the_rest_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Open cases are never dropped for new ones; closed ones are, the oldest first."""
    monkeypatch.setattr(case_shelf, "CASES_MAX", 2)
    monkeypatch.setattr(case_shelf, "CLOSED_MAX", 1)
    shelf = _shelf(*(deal(case=f"1.1.{number}.0") for number in range(4)))
    assert (len(shelf.files()), shelf.left_out) == (2, 2)
    for number in range(2):
        body = deal(case=f"1.1.{number}.0", n=2, state="closed")
        shelf.put(file_of(body), record_of(body))
    assert [one.case for one in shelf.files()] == ["1.1.1.0"]


def test_awards_have_the_numbers_that_choose_them() -> None:
    """By number, agent, claim or candidate; who rejects all has none."""
    found = choices(file_of(lead()))
    assert [one.label for one in found] == [
        "award 1 sales-west",
        "award 2 support-1",
        "award 3 partner-3",
        "reject_all",
    ]
    names = ("2", "support-1", f"{AGENT}support-1", "c-support-1", "1.2.31.0")
    assert all([one.number for one in found if one.is_meant_by(name)] == [2] for name in names)


def test_what_changed_is_told_with_who_and_when() -> None:
    """A reservation, one more action, then the ruling: each from whom it came, at its edition's time."""
    later = deal(n=2, rev=2, actions=[held("1.7.190.0"), held("1.7.199.0")])
    mine = {**later, "n": 3, "rev": 3, "state": "reserved", "person": f"{PERSON}kim"}
    closed = {**mine, "n": 4, "rev": 4, "state": "closed", "ruling": "reject"}
    bodies = (deal(), later, mine, closed)
    found = case_changes([file_of(body, at=NOW_MS + place) for place, body in enumerate(bodies)])
    assert [(one.sentence, one.who, one.at - NOW_MS) for one in found] == [
        ("deals.deal.close.v1 of deal-1 is held as well", f"{AGENT}deal-1", 1),
        ("kim reserved it", f"{PERSON}kim", 2),
        ("it was closed: reject", f"{PERSON}kim", 3),
    ]


def test_who_competes_no_longer_is_told() -> None:
    """A claim that was withdrawn, and a holder that is gone."""
    fewer = lead()["claims"][:2]
    (claim, holder) = case_changes(
        [file_of(lead(holder={"agent": f"{AGENT}sales-west", "token": 1})), file_of(lead(n=2, rev=2, claims=fewer))]
    )
    assert claim.sentence == "partner-3 competes no longer: its claim is gone"
    assert holder.sentence == "nobody holds it any more"
