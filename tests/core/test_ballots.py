"""Ballots: which are taken and which refused, which of them count, and what a veto does."""

from dataclasses import replace

import pytest

from bus.core.contest.ballots import counted_ballots, read_choice
from bus.core.contest.candidates import drop, resume, suspend
from bus.core.contest.contest import Contest, Escalate, Settle, Wait
from bus.core.contest.electorate import AGENTS_MAX, seat_agents
from bus.core.contest.ladder import after_message
from resolvers import RESOLVERS
from tests.resolvers.built import COMPLIANCE, agents_of, claims, question, refuses, review, terms, tick, votes, window

THREE = terms("vote", "human", vote_seats=("triage", "crm", "quality"), vote_method="plurality")
VETO = replace(THREE, veto=(COMPLIANCE,))
DENYING = replace(THREE, veto=(replace(COMPLIANCE, then="deny"),))


def _open() -> Contest:
    return claims(THREE, "sales-1", "support-1").contest


def _choices(contest: Contest) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.seat, one.choice) for one in counted_ballots(contest)]


@pytest.mark.parametrize(
    ("agent", "choice", "reason"),
    [
        ("stranger-1", "c1", "not_a_seat"),
        ("sales-1", "c1", "not_a_seat"),
        ("triage-1", "c9", "not_allowed"),
        ("triage-1", "approve", "not_allowed"),
        ("triage-1", ["c1", "c2"], "not_allowed"),
        ("triage-1", ["abstain"], "not_allowed"),
    ],
)
def test_a_ballot_is_refused(agent: str, choice: str | list[str], reason: str) -> None:
    """Strangers and claimants have no seat, and a ballot names one candidate of this contest."""
    refused = refuses(_open(), agent, choice)
    assert refused is not None
    assert refused.reason == reason


def test_a_ballot_just_before_the_deadline_is_taken() -> None:
    """One millisecond before the deadline is in time."""
    contest = _open()
    assert refuses(contest, "triage-1", at=contest.deadline - 1) is None


@pytest.mark.parametrize("after_ms", [0, 1])
def test_a_ballot_from_the_deadline_on_is_late(after_ms: int) -> None:
    """At the deadline a ballot is late by its own time, though no tick has closed the vote."""
    contest = _open()
    refused = refuses(contest, "triage-1", at=contest.deadline + after_ms)
    assert refused is not None
    assert refused.reason == "late"


def test_over_claims_nobody_votes_in_the_window() -> None:
    """Ballots over claims count from the rung on."""
    refused = refuses(window(THREE, "sales-1"), "triage-1", "c1")
    assert refused is not None
    assert refused.reason == "not_your_turn"


def test_nobody_votes_when_the_vote_is_over() -> None:
    """A vote that all seats have ended takes no more ballots, also in its time."""
    contest = _open()
    for agent, choice in (("triage-1", "c1"), ("crm-1", "c2"), ("quality-1", "abstain")):
        contest = votes(contest, agent, choice).contest
    refused = refuses(contest, "triage-1", "c1", at=contest.ballots_until - 1)
    assert refused is not None
    assert refused.reason == "not_your_turn"


def test_a_review_takes_ballots_from_its_opening() -> None:
    """A review votes at once."""
    contest = review(THREE).contest
    assert refuses(contest, "triage-1", "approve", at=contest.opened) is None


def test_the_author_of_an_action_has_no_seat() -> None:
    """Nobody votes on its own action, though its role sits."""
    refused = refuses(review(THREE, author="triage-1").contest, "triage-1", "approve")
    assert refused is not None
    assert refused.reason == "not_a_seat"


def test_claimants_vote_where_terms_say_so() -> None:
    """With ``claimants_vote`` a claimant on a seat may vote."""
    of = replace(THREE, vote=replace(THREE.vote, claimants_vote=True))
    assert refuses(claims(of, "triage-1", "support-1").contest, "triage-1", "c1") is None


def test_the_last_ballot_of_an_agent_counts() -> None:
    """Who changes its mind has one ballot, the last."""
    contest = votes(votes(_open(), "triage-1", "c1").contest, "triage-1", "c2").contest
    assert _choices(contest) == [("triage", ("c2",))]


def test_one_ballot_an_agent_is_kept() -> None:
    """However often an agent votes, the state holds one ballot of it: it stays bounded, and what was taken back is."""
    contest = votes(votes(_open(), "triage-1", "c1").contest, "triage-1", "c2").contest
    assert [one.choice for one in contest.ballots] == [("c2",)]


def test_replicas_are_one_seat() -> None:
    """Five replicas of a role have one ballot, the last of any of them."""
    contest = claims(THREE, "sales-1", "support-1", voters=tuple(f"triage-{n}" for n in range(5))).contest
    for n in range(5):
        contest = votes(contest, f"triage-{n}", "c2" if n == 4 else "c1").contest
    assert _choices(contest) == [("triage", ("c2",))]


def test_replicas_do_not_end_a_vote() -> None:
    """Three ballots of one seat of three are one voted seat."""
    contest = claims(THREE, "sales-1", "support-1", voters=("triage-1", "triage-2", "triage-3", "crm-1")).contest
    for n in (1, 2):
        contest = votes(contest, f"triage-{n}", "c1").contest
    assert votes(contest, "triage-3", "c1").result == Wait(contest.deadline)


def test_the_ballot_of_a_suspended_voter_is_void() -> None:
    """A suspension in mid-ballot voids the ballot."""
    contest = suspend(votes(_open(), "triage-1", "c1").contest, "triage-1")
    assert _choices(contest) == []


def test_a_replica_steps_in_for_a_suspended_one() -> None:
    """When the last ballot of a seat is void, the last valid one of the seat counts."""
    contest = claims(THREE, "sales-1", "support-1", voters=("triage-1", "triage-2")).contest
    contest = votes(votes(contest, "triage-1", "c1").contest, "triage-2", "c2").contest
    assert _choices(suspend(contest, "triage-2")) == [("triage", ("c1",))]


def test_ballots_are_void_at_the_close() -> None:
    """A suspension lifted before the close leaves the ballot in force."""
    contest = suspend(votes(_open(), "triage-1", "c1").contest, "triage-1")
    assert _choices(resume(contest, "triage-1")) == [("triage", ("c1",))]


def test_a_suspended_ballot_does_not_lower_the_denominator() -> None:
    """Two seats of four voted, one is suspended: one of four is no quorum of a half."""
    of = replace(THREE, vote=replace(THREE.vote, seats=("a", "b", "c", "d")))
    contest = votes(votes(claims(of, "sales-1", "support-1").contest, "a-1", "c1").contest, "b-1", "c1").contest
    walked = tick(suspend(contest, "b-1"), contest.deadline)
    assert walked.passed[0].why == "no_quorum"


def test_a_vote_for_a_dropped_candidate_is_an_abstention() -> None:
    """Who voted for a claim that was withdrawn has taken part and chosen nobody."""
    of = replace(THREE, claimants=None)
    contest = votes(claims(of, "sales-1", "sales-2", "sales-3").contest, "triage-1", "c1").contest
    assert _choices(drop(contest, "c1", "withdrawn")) == [("triage", ())]


def test_a_ranking_closes_up_over_a_dropped_candidate() -> None:
    """Of a ranking only the dropped candidate is struck."""
    of = replace(THREE, vote=replace(THREE.vote, method="schulze"))
    contest = votes(claims(of, "sales-1", "sales-2", "sales-3").contest, "triage-1", ["c2", "c1", "c3"]).contest
    assert _choices(drop(contest, "c1", "withdrawn")) == [("triage", ("c2", "c3"))]


def test_an_end_the_question_asked_for_comes_first() -> None:
    """A question that ends earlier than the terms say takes no ballot after its end."""
    contest = question(THREE, "invoice", "contract").contest
    until = contest.opened + 10
    contest = question(THREE, "invoice", "contract", until=until).contest
    refused = refuses(contest, "triage-1", "invoice", at=until)
    assert refused is not None
    assert refused.reason == "late"


def test_a_veto_with_a_listed_reason_opens_the_case_at_once() -> None:
    """A listed reason freezes the matter though others have yet to vote."""
    assert votes(review(VETO).contest, "compliance-1", "reject", "regulatory.asc606").result == Escalate("veto")


def test_a_veto_that_denies_settles_at_once() -> None:
    """With ``then: deny`` nobody is called."""
    walked = votes(review(DENYING).contest, "compliance-1", "reject", "sanctions.match")
    assert walked.result == Settle("reject", "veto", outcome="sanctions.match")


@pytest.mark.parametrize("reason", ["style", "regulatory", "sanctions.match.not", "sanctions"])
def test_an_unlisted_reason_is_no_veto(reason: str) -> None:
    """Rejecting for another reason is a plain ballot where the role sits: the vote goes on."""
    of = replace(VETO, vote=replace(VETO.vote, seats=("compliance", "crm", "quality")))
    contest = review(of).contest
    assert votes(contest, "compliance-1", "reject", reason).result == Wait(contest.deadline)


def test_a_role_without_the_veto_has_none() -> None:
    """A seat that is no veto role rejects for a listed reason: the vote goes on."""
    contest = review(VETO).contest
    assert votes(contest, "crm-1", "reject", "sanctions.match").result == Wait(contest.deadline)


def test_after_a_veto_the_others_still_enter_the_file() -> None:
    """The case is open, and a ballot before the vote's deadline is taken."""
    contest = votes(review(VETO).contest, "compliance-1", "reject", "sanctions.match").contest
    voted = votes(contest, "crm-1", "approve", at=contest.ballots_until - 1)
    assert [one.agent for one in voted.contest.ballots] == ["compliance-1", "crm-1"]


def test_after_a_veto_the_file_closes_at_the_deadline() -> None:
    """The case is open, and a ballot at the vote's deadline is late."""
    contest = votes(review(VETO).contest, "compliance-1", "reject", "sanctions.match").contest
    refused = refuses(contest, "crm-1", "approve", at=contest.ballots_until)
    assert refused is not None
    assert refused.reason == "late"


def test_a_veto_over_claims_leaves_nobody() -> None:
    """Among claims a veto that denies has no winner."""
    walked = votes(window(DENYING, "sales-1", "support-1"), "compliance-1", "reject", "sanctions.match")
    assert walked.result == Settle("none", "veto", outcome="sanctions.match")


def test_reject_among_claims_is_a_ballot_for_nobody() -> None:
    """A seat that rejects takes part without a veto, and one of two is no majority then."""
    of = terms("vote", "human", vote_seats=("triage", "crm"))
    contest = votes(claims(of, "sales-1", "support-1").contest, "triage-1", "reject").contest
    assert votes(contest, "crm-1", "c1").passed[0].why == "no_majority"


def test_a_veto_beats_a_vote_that_would_be_won() -> None:
    """Two of three approved; the veto that comes last decides."""
    of = replace(DENYING, vote=replace(DENYING.vote, seats=("triage", "crm", "compliance")))
    contest = votes(votes(review(of).contest, "triage-1", "approve").contest, "crm-1", "approve").contest
    assert votes(contest, "compliance-1", "reject", "regulatory.x").result == Settle(
        "reject", "veto", outcome="regulatory.x"
    )


def test_a_veto_needs_no_rung() -> None:
    """Over claims a veto acts in the window, where no ballot counts yet."""
    walked = votes(window(VETO, "sales-1", "support-1"), "compliance-1", "reject", "sanctions.match")
    assert walked.result == Escalate("veto")


def test_a_suspended_author_vetoes_nothing() -> None:
    """A veto that a suspension voided before the walk does not act."""
    contest = review(DENYING).contest
    cast = votes(contest, "compliance-1", "reject", "sanctions.match").contest
    walked = after_message(suspend(cast, "compliance-1"), RESOLVERS, at=contest.opened + 2, now=0)
    assert walked.result == Wait(contest.deadline)


def test_a_case_open_for_another_reason_takes_no_veto() -> None:
    """A person already decides: there is nothing left to stop."""
    contest = review(VETO).contest
    contest = tick(contest, contest.deadline).contest
    refused = refuses(contest, "compliance-1", "reject", "sanctions.match")
    assert refused is not None


def test_a_seat_that_may_only_veto_is_not_waited_for() -> None:
    """A veto role without a seat of the vote is not part of its denominator."""
    contest = review(VETO).contest
    for agent in ("triage-1", "crm-1"):
        contest = votes(contest, agent, "approve").contest
    assert votes(contest, "quality-1", "approve").result == Settle("approve", "vote", (("approve", 3), ("reject", 0)))


def test_an_agent_sits_once() -> None:
    """An agent with two seated roles holds the first; an agent named by id holds its own seat."""
    of = terms("vote", "human", vote_seats=("triage", "crm", "spiffe://acme/agent/a"))
    both = frozenset({"triage", "crm"})
    found = seat_agents(of, {"spiffe://acme/agent/a": both, "spiffe://acme/agent/b": both})
    assert [seat.agents for seat in found.seats] == [("spiffe://acme/agent/b",), (), ("spiffe://acme/agent/a",)]


def test_the_electorate_is_bounded() -> None:
    """A role of ten thousand agents fills no record."""
    found = seat_agents(THREE, agents_of(tuple(f"triage-{n}" for n in range(10_000))))
    assert sum(len(seat.agents) for seat in found.seats) <= AGENTS_MAX


@pytest.mark.parametrize(
    ("said", "read"), [("abstain", ()), ("c1", ("c1",)), (["c2", "c1"], ("c2", "c1")), (["abstain"], ("abstain",))]
)
def test_a_choice_is_read(said: str | list[str], read: tuple[str, ...]) -> None:
    """A text is one choice, a list keeps its order, and only the word alone abstains."""
    assert read_choice(said) == read
