"""A case file promises nothing that the bus would not do: of rulings, of time, and of what is alike."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bus.core.contest.contest import Candidate, Contest, Electorate, Seat
from bus.core.decision.events import Handover
from bus.core.policy.terms import Terms
from bus.core.state.cases import Wait
from bus.core.state.resource import Resource
from tests.core.test_case_file import (
    CASE,
    CLOSE,
    HOLDING,
    START_MS,
    TERMS,
    Json,
    approval,
    file_of,
    record,
    registry_of,
)

BUYER = "spiffe://acme/agent/buyer-1"


def test_an_action_that_may_expire_before_the_ruling_says_so() -> None:
    """Whoever rules too late hears beforehand that nothing goes out any more."""
    soon, over = (file_of(approval(expiry=START_MS + more))["rulings"][0] for more in (9, 0))
    assert soon["effects"][0].endswith(f"is admitted before {START_MS + 9}, later it is refused (expired)")
    assert (over["effects"][0], over["irreversible"]) == ("deals.deal.close.v1 of deal-1 is refused (expired)", False)


def test_an_action_whose_sender_lost_its_role_says_so() -> None:
    """Authority is that of now: the file does not promise what the bus would refuse."""
    resource = approval()
    known = registry_of(resource, contract_revisions={CLOSE.ref: replace(CLOSE, may=("legal",))})
    file = file_of(resource, registry=known)
    assert file["rulings"][0]["effects"][0] == "deals.deal.close.v1 of deal-1 is refused (not_allowed)"


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"deal": TERMS}, "cost 2400 > 1000"),
        ({"deal": replace(TERMS, freeze_above_cost=9000)}, "cost 2400 was over the limit of then"),
        ({}, "cost 2400 was over the limit of then"),
    ],
)
def test_a_limit_that_was_raised_since_is_not_called_exceeded(terms: dict[str, Terms], said: str) -> None:
    """The file of a later edition does not say that 2400 is more than 9000, or than none."""
    resource = approval()
    assert file_of(resource, registry=registry_of(resource, terms=terms))["why"]["detail"] == said


def _waited() -> Resource:
    parties = (Candidate("1.0.900.3", HOLDING.agent, "c-1", o=1), Candidate("1.0.900.4", BUYER))
    waited = Wait("1.0.7.0", HOLDING.agent, BUYER, START_MS)
    case = replace(CASE, over="wait", why="wait", waited=waited, parties=parties)
    return Resource(holding=HOLDING, case=case)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "deal/D-1 goes to buyer-1"),
        ({"suspended": {f"agent/{BUYER}": {"agent": BUYER}}}, "suspended"),
        ({"agents": {}}, "not registered with a role that may claim it"),
        ({"terms": {}}, "not the holder, and no terms are in force to grant it by"),
    ],
    ids=["may", "suspended", "unknown", "no-terms"],
)
def test_an_award_that_would_be_refused_says_so(change: dict[str, Any], said: str) -> None:  # Any: parts of a registry
    """To somebody suspended, to somebody nobody knows, and of a wait once its terms are gone."""
    resource = _waited()
    known = replace(registry_of(resource, terms={"deal": TERMS}), **change)
    keeps, given, _ = (one["effects"][0] for one in file_of(resource, registry=known)["rulings"])
    is_available = not change
    assert given == (said if is_available else f"this ruling is refused (winner_unavailable): buyer-1 is {said}")
    assert keeps == "deal/D-1 thaws, deal-1 keeps it"


def test_what_is_not_there_is_absent() -> None:
    """No holder, no time it is due, nobody it is kept for: the file has no nulls."""
    file = file_of(Resource(case=replace(CASE, over="wait", why="wait", due=None)))
    assert {"holder", "due", "kept_for"}.isdisjoint(file)
    assert None not in file.values()


def test_a_subject_that_was_handed_over_while_frozen_says_to_whom() -> None:
    """It is not simply free after the thaw, and whoever owns that agent may not rule."""
    kept = Handover(BUYER, START_MS + 60_000)
    case = replace(CASE, over="wait", why="wait")
    assert file_of(Resource(case=case, handover=kept))["kept_for"] == {"agent": kept.agent, "until": kept.until}


def test_held_actions_behind_the_first_are_not_given_up_with_it() -> None:
    """When the first one's time is over the case is obsolete, and the others are looked at one by one."""
    one = approval()
    two = replace(one, held=(*one.held, replace(one.held[0], id="1.0.901.0", o=901)))
    then = f"given up at {START_MS + 5}"
    ends = f"; the first held action is {then}, the case is obsolete and the others are looked at next"
    assert file_of(one)["if_nothing"].endswith(f"; the held action is {then} and the case is obsolete")
    assert file_of(two)["if_nothing"].endswith(ends)
    assert file_of(replace(two, case=CASE))["if_nothing"].endswith(f"; the first held action is {then}")


@pytest.mark.parametrize(("terms", "said"), [({"deal": TERMS}, "looked at next"), ({}, "no terms are in force")])
def test_what_is_held_behind_a_ruling_waits_for_terms(terms: dict[str, Terms], said: str) -> None:
    """Once the terms are gone nothing says what an action needs, so nobody looks at it again."""
    resource = replace(approval(), case=replace(CASE, over="wait", why="wait"))
    (nobody,) = file_of(resource, registry=registry_of(resource, terms=terms))["rulings"]
    assert nobody["effects"][-1].startswith("1 held action is ")
    assert nobody["effects"][-1].endswith(said)


def _asked(question: str) -> Json:
    seated = Electorate((Seat("a", (HOLDING.agent,)),))
    options = (Candidate("yes"), Candidate("no"))
    contest = Contest(
        *("1.0.5.0", "question", TERMS, seated, START_MS, START_MS, START_MS, options),
        case="ladder",
    )
    resource = Resource(contest=contest, case=replace(CASE, over="question"))
    return file_of(resource, {5: record(5, json.dumps({"question": question}).encode())})


def test_another_question_is_not_alike() -> None:
    """Yes to one question is no answer to another one with the same options."""
    invoice, other = _asked("is it an invoice?")["alike"], _asked("may it be destroyed?")["alike"]
    assert invoice == _asked("is it an invoice?")["alike"] != other
