"""Who may rule on a case is told by what is in force now, and a case that nobody can rule on is said to be one."""

import pytest

from bus.cli.caller import Caller
from bus.cli.cases_list import standing_for
from bus.cli.cases_page import page_of
from bus.cli.cases_who import judges_of, warn_of_orphans
from bus.cli.sheet import text_of
from bus.core.policy.control import Genesis, Person, Registry
from tests.audit.handmade_cases import AGENT, NOW_MS, PERSON, Body, deal, file_of

KIM, LEE, ANA, MAX = (f"{PERSON}{name}" for name in ("kim", "lee", "ana", "max"))
GENESIS = Genesis(1, "acme", 1, (ANA,))


def _registry(*persons: Person) -> Registry:
    return Registry(GENESIS, {}, persons={one.id: one for one in persons})


BOTH = _registry(
    Person(KIM, frozenset(), ("revenue",)),
    Person(LEE, frozenset(), ("revenue",), (f"{AGENT}deal-1",)),
    Person(MAX, frozenset(), ("revenue",)),
)


@pytest.mark.parametrize(
    ("asker", "body", "why"),
    [
        (KIM, deal(), ""),
        (LEE, deal(), "deal-1 is theirs, and the case is about it"),
        (KIM, deal(queue="legal"), "queue legal is not one of theirs"),
        (ANA, deal(), "ana is not registered: a steward does that with `agentbus persons set`"),
        (KIM, deal(state="reserved", person=MAX), "max has reserved it"),
        (LEE, deal(state="reserved", person=MAX), "deal-1 is theirs"),
        (KIM, deal(state="reserved", person=LEE), ""),
        (KIM, deal(state="reserved", person=ANA), ""),
        (LEE, deal(actions=[], holder={"agent": f"{AGENT}other"}, kept_for={"agent": f"{AGENT}deal-1"}), "deal-1 is"),
    ],
)
def test_the_first_reason_why_somebody_may_not_rule_is_told(asker: str, body: Body, why: str) -> None:
    """The same that the bus would refuse the ruling for; "" for who may."""
    told = judges_of(BOTH, file_of(body), asker)
    assert told.obstacle.startswith(why)
    assert bool(told.obstacle) is bool(why)


def _page(registry: Registry, asker: str, body: Body) -> str:
    file = file_of(body)
    sheet = page_of(file, width=120, judges=judges_of(registry, file, asker))
    return "\n".join(text_of(line) for line in sheet.lines)


def test_the_page_says_who_may_rule_and_whether_that_is_you() -> None:
    """Before anybody writes a reason for nothing."""
    page = _page(BOTH, LEE, deal())
    assert "  may rule    kim and max\n" in page
    assert "  you         lee may not rule on it: deal-1 is theirs" in page
    assert "agentbus cases rule" not in page
    kims = _page(BOTH, KIM, deal())
    assert "  you         kim may reserve and rule on it" in kims
    assert "agentbus cases rule 1.7.198.2 approve" in kims


def test_a_reservation_of_somebody_who_may_no_longer_rule_is_said_to_count_for_nothing() -> None:
    """Ana has gone: the page says so, and the list shows a case that is there to be taken."""
    case = deal(state="reserved", person=ANA, reserved_until=NOW_MS + 600_000)
    assert "ana may not rule on it any more, so the reservation counts for nothing" in _page(BOTH, KIM, case)
    assert standing_for(BOTH, KIM)(file_of(case)) == "ready"
    assert standing_for(BOTH, KIM)(file_of({**case, "person": MAX})) == "max has it"


def test_a_list_says_what_is_not_yours() -> None:
    """Lee owns the agent; for nobody in particular nothing is said."""
    assert standing_for(BOTH, LEE)(file_of(deal())) == "ready, not yours"
    assert standing_for(BOTH, "")(file_of(deal())) == "ready"
    assert standing_for(BOTH, LEE)(file_of(deal(state="closed"))) == "closed"


def test_what_is_offered_to_type_says_who_you_are_and_is_not_offered_to_who_may_not() -> None:
    """Pasted as it stands it rules as the same person."""
    assert "cases rule 1.7.198.2 approve --reason '…' --as kim" in _page(BOTH, KIM, deal())
    assert "To rule" not in _page(BOTH, LEE, deal())


def test_a_closed_case_has_no_judges() -> None:
    """Nobody can rule on it any more."""
    assert "may rule" not in _page(BOTH, KIM, deal(state="closed", ruling="approve"))


@pytest.mark.parametrize(
    ("registry", "says"),
    [
        (_registry(), "nobody has queue revenue, so nobody can rule on 1 case there"),
        (
            _registry(Person(LEE, frozenset(), ("revenue",), (f"{AGENT}deal-1",))),
            "everybody who has its queue owns an agent of 1 case (1.7.198.2)",
        ),
    ],
)
def test_a_case_that_nobody_can_rule_on_is_said_to_be_one(
    registry: Registry, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what a steward can do about it, in the list and on the page."""
    warn_of_orphans(Caller("", (), None, is_json=False), registry, [file_of(deal())])
    assert f"warning: {says}" in capsys.readouterr().err
    assert "may rule    nobody; have a steward give queue revenue" in _page(registry, "", deal())


def test_a_case_that_somebody_can_rule_on_needs_no_warning(capsys: pytest.CaptureFixture[str]) -> None:
    """Nor does one that is closed."""
    caller = Caller("", (), None, is_json=False)
    warn_of_orphans(caller, BOTH, [file_of(deal())])
    warn_of_orphans(caller, _registry(), [file_of(deal(state="obsolete"))])
    assert capsys.readouterr().err == ""
