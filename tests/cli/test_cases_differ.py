"""Cases that are alike are shown with what differs: who rules on all of them has seen the amount of each."""

import json

import pytest

from bus.cli.cases_differ import differences, do_differ, group_sheet
from bus.cli.cases_page import page_of
from bus.cli.sheet import Sheet, text_of
from tests.audit.handmade_cases import AGENT, Body, deal, file_of, lead

WIDTHS = (80, 140)


def _deal(number: int, **said: object) -> Body:
    """A deal like the others; ``said`` is what its sender wrote."""
    subject, case = f"deal/D-{number}", f"1.7.{number}.2"
    words = {"deal_id": f"D-{number}", "customer": "Ada Ltd", "amount_cents": 250_000_000, **said}
    action = {"decision": f"1.7.{number}.0", "agent": f"{AGENT}deal-1", "type": "deals.deal.close.v1"}
    rulings = [{"ruling": "approve", "effects": [f"{subject} thaws, deal-1 keeps it"], "irreversible": True}]
    return deal(case=case, subject=subject, actions=[{**action, "excerpt": json.dumps(words)}], rulings=rulings)


def _lines(width: int, *bodies: Body) -> list[str]:
    sheet = Sheet(width)
    group_sheet(sheet, [file_of(one) for one in bodies], has_common=True)
    return [text_of(line) for line in sheet.lines]


def test_customer_and_amount_differ_and_a_name_of_its_own_does_not() -> None:
    """The id of the deal is in every body, and the name of the subject in every effect."""
    found = differences(
        file_of(_deal(1)), file_of(_deal(2, customer="Mallory Inc", amount_cents=990_000_000, discount_bp=900))
    )
    assert found == {
        "customer": ("Ada Ltd", "Mallory Inc"),
        "amount_cents": ("250,000,000", "990,000,000"),
        "discount_bp": ("–", "900"),
    }
    assert not do_differ([file_of(_deal(1)), file_of(_deal(2))])


@pytest.mark.parametrize(
    ("other", "label"),
    [
        ({"facts": {"stage": "won"}}, "fact stage"),
        ({"queue": "other"}, "queue"),
        ({"rulings": [{"ruling": "approve", "effects": ["refused (fenced)"]}]}, "on approve"),
        ({"ballots": [{**deal()["ballots"][1], "reasoning": "read this"}]}, "compliance says"),
    ],
)
def test_what_stands_around_the_message_is_compared_as_well(other: Body, label: str) -> None:
    """A fact, the queue, what a ruling does, and what a voter wrote."""
    assert label in differences(file_of(_deal(1)), file_of({**_deal(1), **other}))


def test_claims_are_compared_by_the_role_they_come_from() -> None:
    """Their order is another in each case."""
    sales, support = (
        {
            "candidate": f"1.{n}",
            "agent": f"{AGENT}{role}-1",
            "roles": [role],
            "excerpt": json.dumps({"reasoning": text}),
        }
        for n, role, text in ((1, "sales", "east"), (2, "support", "a legal threat: read this first"))
    )
    calm = {**support, "excerpt": json.dumps({"reasoning": "east"})}
    first, second = (file_of(lead(claims=claims, rulings=[])) for claims in ([sales, support], [calm, sales]))
    assert differences(first, second) == {"support: reasoning": ("a legal threat: read this first", "east")}


def test_a_message_longer_than_its_excerpt_is_never_taken_for_another_one() -> None:
    """Beyond what a file quotes its hash tells them apart."""
    long = [
        {**_deal(1)["actions"][0], "excerpt": '{"a…', "size": 9000, "hash": hash_} for hash_ in ("aa" * 32, "bb" * 32)
    ]
    first, second = (file_of(deal(actions=[one])) for one in long)
    assert list(differences(first, second)) == ["whole message"]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "words", ["Mallory Inc", "a customer whose name is a whole sentence " * 5], ids=["short", "long"]
)
def test_what_differs_is_shown_whole_at_every_width(width: int, words: str) -> None:
    """A line for each case if that fits, else side by side and wrapped; nothing is cut off."""
    lines = _lines(width, _deal(1), _deal(2, customer=words), *(_deal(n, discount_bp=n) for n in range(3, 9)))
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    assert text.count("whose name is a whole") >= words.count("whose name is a whole") - 4
    assert ("…" in text, "deal/D-8" in text) == (False, True)
    assert "amount_cents 250,000,000" in " ".join(text.split())


def test_the_page_of_a_case_shows_in_what_those_like_it_differ() -> None:
    """Whoever saw this page has seen all of them."""
    like = [file_of(_deal(2, customer="Mallory Inc"))]
    page = "\n".join(text_of(line) for line in page_of(file_of(_deal(1)), alike=like, width=80).lines)
    assert "Alike  ≠ is where they differ" in page
    assert "Mallory Inc" in page
    assert "--alike rules all 2 that are alike and were shown to you" in page
