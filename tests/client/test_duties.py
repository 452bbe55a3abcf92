"""An agent is asked for what it has a seat, a vote or a turn in, and for nothing else; what it says is in order."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from bus.client.contest import Contest, after
from bus.client.duty import CONTESTS_MAX, Duties, Duty
from bus.client.errors import Misuse
from bus.client.event import Event, event_of
from bus.core.policy.contracts import JsonObject

ME, OTHER = "spiffe://acme/agent/judge-1", "spiffe://acme/agent/judge-2"
SUBJECT, CONTEST = "deal/D-1", "1.0.1.0"
EXCERPTS = [
    {"candidate": "1.0.1.1", "agent": OTHER, "claim": "c-1", "reasoning": "they know us"},
    {"candidate": "1.0.2.0", "agent": "spiffe://acme/agent/x", "claim": "c-2", "reasoning": ""},
]


def _event(kind: str, decision: str = "1.0.5.0", **fields: Any) -> Event:
    return event_of({"kind": kind, "decision": decision, "subject": SUBJECT, "contest": CONTEST, **fields})


def _opened(over: str, *agents: str, **more: Any) -> Event:
    body = {"over": over, "seats": [["compliance", list(agents)]], "candidates": ["approve", "reject"], "deadline": 9}
    return event_of({"kind": "contest_opened", "decision": CONTEST, "subject": SUBJECT, **body, **more})


def _rung(rung: str = "vote", **more: Any) -> Event:
    return _event("rung", rung=rung, deadline=9, **more)


def _joined(agent: str) -> Event:
    return _event("joined", "1.0.1.1", agent=agent, claim="c-1")


@pytest.mark.parametrize(
    ("events", "is_asked"),
    [
        ([_opened("review", ME)], True),
        ([_opened("question", OTHER, ME)], True),
        ([_opened("review", OTHER)], False),  # it acts, or holds: it is told, and not asked
        ([_opened("claims", ME)], False),  # there is nothing to choose from yet
        ([_rung(seats=[["crm", [OTHER, ME]]])], True),
        ([_rung(excerpts=EXCERPTS, seats=[["crm", [OTHER]]])], False),
        ([_rung("negotiate", excerpts=EXCERPTS)], False),
        ([_rung("human")], False),
        ([_joined(ME), _rung(seats=[["crm", [OTHER]]])], False),
        ([_joined(ME), _rung(seats=[["crm", [ME]]])], True),  # the terms let claimants vote, and another one opened it
        ([_opened("claims", ME), _joined(ME), _rung()], True),  # the terms let claimants vote
        ([_opened("claims", OTHER), _rung()], False),  # the holder of what is challenged
        ([_event("turn", turn=1, party=ME, standing="", deadline=9)], True),
        ([_event("turn", turn=1, party=OTHER, standing="", deadline=9)], False),
        ([_event("settled", winner="approve", by="vote")], False),
        ([_event("granted", token=1, until=2)], False),
    ],
)
def test_an_agent_is_asked_for_what_is_its_own(*, events: list[Event], is_asked: bool) -> None:
    """The last event asks for something, or it does not."""
    duties = Duties(ME)
    assert [duties.notice(event) for event in events][-1] is is_asked


def test_a_review_shows_what_is_to_be_judged() -> None:
    """The record as its sender sent it, its body read."""
    record = {"type": "deals.deal.close.v1", "source": OTHER, "content_type": "application/json"}
    event = _opened("review", ME, record=record | {"value_base64": base64.b64encode(b'{"deal_id":"D-1"}').decode()})
    duty = _duty(event)[0]
    assert (duty.kind, duty.contest, duty.deadline_ms, duty.candidates) == ("review", CONTEST, 9, ("approve", "reject"))
    assert duty.record is not None
    assert (duty.record.type, duty.record.source, duty.record.body) == (record["type"], OTHER, {"deal_id": "D-1"})


@pytest.mark.parametrize("record", [{"missing": "its bytes are no longer kept"}, {"value_base64": "%"}, 7, None])
def test_a_record_that_cannot_be_shown_is_none(record: object) -> None:
    """A judge without the bytes is asked all the same, and may abstain."""
    assert _duty(_opened("review", ME, record=record))[0].record is None


def test_a_vote_names_the_rivals() -> None:
    """Each claim with what it says for itself."""
    duty = _duty(_rung(excerpts=EXCERPTS))[0]
    assert (duty.kind, duty.candidates) == ("vote", ("1.0.1.1", "1.0.2.0"))
    assert [one.reasoning for one in duty.rivals] == ["they know us", ""]


def test_a_turn_knows_what_may_be_offered_and_what_stands() -> None:
    """What the rung said before is remembered for the turns on it."""
    duty = _duty(
        _joined(ME), _rung("negotiate", excerpts=EXCERPTS), _event("turn", turn=2, party=ME, standing="1.0.2.0")
    )[0]
    assert (duty.kind, duty.turn, duty.standing, duty.own) == ("turn", 2, "1.0.2.0", "1.0.1.1")
    assert duty.candidates == ("1.0.1.1", "1.0.2.0")


def test_a_turn_offers_what_the_terms_let_be_offered() -> None:
    """Outcomes that are no claims: the rung lists them."""
    rung = _rung("negotiate", excerpts=EXCERPTS, outcomes=["sales", "support", "nobody"])
    duty = _duty(_joined(ME), rung, _event("turn", turn=1, party=ME, standing=""))[0]
    assert duty.candidates == ("sales", "support", "nobody")
    assert [one.candidate for one in duty.rivals] == ["1.0.1.1", "1.0.2.0"]


def test_what_is_said_has_the_form_of_its_contract() -> None:
    """Ballots and moves name the contest; what is not given is left out."""
    vote, said = _duty(_rung(excerpts=EXCERPTS))
    vote.vote("1.0.1.1", "best_fit", confidence_bp=9_000, reasoning="so far")
    vote.vote(("1.0.2.0", "1.0.1.1"), "ranked")
    vote.abstain()
    turn, moves = _duty(_event("turn", turn=3, party=ME, standing="x"))
    turn.offer("1.0.1.1")
    turn.accept()
    turn.quit()
    ballot = {"contest": CONTEST, "choice": "1.0.1.1", "reason": "best_fit", "confidence": 9_000, "reasoning": "so far"}
    assert said == [
        ("bus.contest.vote.v1", ballot),
        ("bus.contest.vote.v1", {"contest": CONTEST, "choice": ["1.0.2.0", "1.0.1.1"], "reason": "ranked"}),
        ("bus.contest.vote.v1", {"contest": CONTEST, "choice": "abstain", "reason": "abstain"}),
    ]
    assert moves == [
        ("bus.contest.offer.v1", {"contest": CONTEST, "turn": 3, "outcome": "1.0.1.1"}),
        ("bus.contest.accept.v1", {"contest": CONTEST, "turn": 3}),
        ("bus.contest.quit.v1", {"contest": CONTEST, "turn": 3}),
    ]


def test_what_is_not_asked_for_is_not_said() -> None:
    """A ballot in a turn and an offer in a vote are errors of the program, and are not sent."""
    turn, moves = _duty(_event("turn", turn=3, party=ME, standing="x"))
    vote, said = _duty(_rung())
    with pytest.raises(Misuse, match="takes no ballot"):
        turn.vote("x", "y")
    moves_of_a_turn: list[Callable[[], int]] = [lambda: vote.offer("x"), vote.accept, vote.quit]
    for move in moves_of_a_turn:
        with pytest.raises(Misuse, match="no offer is asked for"):
            move()
    assert (moves, said) == ([], [])


def test_contests_are_forgotten_and_bounded() -> None:
    """What is settled is over, and of what never ends the oldest goes."""
    duties = Duties(ME)
    duties.notice(_rung())
    duties.notice(_event("settled", winner="none", by=""))
    assert len(duties._contests) == 0
    for number in range(CONTESTS_MAX + 1):
        duties.notice(_event("rung", contest=f"1.0.{number}.0", rung="vote"))
    assert len(duties._contests) == CONTESTS_MAX


def test_a_contest_is_told_by_its_events() -> None:
    """Opened, joined, on a rung, with a person, and on again."""
    stands = Contest(SUBJECT)
    for event in (_opened("claims", OTHER, bound=90), _joined(ME), _rung("vote")):
        stands = after(stands, event, ME)
    assert (stands.id, stands.rung, stands.deadline_ms, stands.bound_ms) == (CONTEST, "vote", 9, 90)
    assert stands.candidate == "1.0.1.1"
    frozen = after(stands, _event("frozen", case="1.0.7.1"), ME)
    assert (frozen.rung, frozen.case, "waits for a person" in frozen.in_words) == ("human", "1.0.7.1", True)
    assert after(frozen, _event("unfrozen", case="1.0.7.1"), ME).case == ""


def _duty(*events: Event) -> tuple[Duty[int], list[tuple[str, JsonObject]]]:
    """The duty of the last event, and what was said to it."""
    duties, said = Duties(ME), list[tuple[str, JsonObject]]()

    def say(message_type: str, body: JsonObject, subject: str, _timeout_s: float | None) -> int:
        assert subject == SUBJECT
        said.append((message_type, body))
        return len(said)

    for event in events:
        duties.notice(event)
    return duties.duty(events[-1], say), said
