"""Claims of a contest: who joins, until when, when the window closes early, and what a lost candidate leaves behind."""

from bus.core.contest.candidates import check_join, check_withdraw, drop, join, resume, suspend
from bus.core.contest.contest import Candidate, Settle, Wait
from bus.core.contest.ladder import after_message
from resolvers import RESOLVERS
from tests.resolvers.built import START, claims, terms, tick, window

OPEN = terms("first_come", "human")
TWO_ROLES = terms("first_come", "human", claimants=("sales", "support"))


def test_a_claim_in_the_window_joins() -> None:
    """A claim just before the end of the window joins."""
    assert check_join(window(OPEN, "sales-1"), "sales-2", at=START + 99) is None


def test_a_claim_at_the_end_of_the_window_is_late() -> None:
    """A claim sent at the end of the window is late though no tick has fired."""
    refused = check_join(window(OPEN, "sales-1"), "sales-2", at=START + 100)
    assert refused is not None
    assert refused.reason == "late"


def test_an_agent_claims_once() -> None:
    """A second claim of an agent is refused as such."""
    refused = check_join(window(OPEN, "sales-1"), "sales-1", at=START + 1)
    assert refused is not None
    assert refused.reason == "already_claimed"


def test_a_withdrawn_claim_was_a_claim() -> None:
    """Who has withdrawn does not come back into the same contest."""
    contest = drop(window(OPEN, "sales-1"), "c1", "withdrawn")
    refused = check_join(contest, "sales-1", at=START + 2)
    assert refused is not None
    assert refused.reason == "already_claimed"


def test_the_65th_claimant_is_refused() -> None:
    """A contest takes 64 claims."""
    full = window(OPEN, *(f"sales-{n}" for n in range(64)))
    refused = check_join(full, "sales-64", at=START + 1)
    assert refused is not None
    assert refused.reason == "contest_full"


def test_the_64th_claimant_joins() -> None:
    """63 claims leave room for one."""
    assert check_join(window(OPEN, *(f"sales-{n}" for n in range(63))), "sales-63", at=START + 1) is None


def test_the_window_stays_open_while_a_role_may_come() -> None:
    """With one of two roles the contest waits for the end of the window."""
    walked = after_message(window(TWO_ROLES, "sales-1", "sales-2"), RESOLVERS, at=START + 5, now=0)
    assert walked.result == Wait(START + 100)


def test_the_window_closes_once_every_role_has_claimed() -> None:
    """The claim of the last role that may claim closes the window in the same record."""
    walked = after_message(window(TWO_ROLES, "sales-1", "support-1"), RESOLVERS, at=START + 5, now=0)
    assert walked.result == Settle("c1", "first_come")


def test_without_claimants_the_window_never_closes_early() -> None:
    """Where every role may claim, there is always somebody to wait for."""
    walked = after_message(window(OPEN, "sales-1", "support-1"), RESOLVERS, at=START + 5, now=0)
    assert walked.result == Wait(START + 100)


def test_a_claim_after_the_early_close_is_told_so() -> None:
    """In time for the window, but after it closed early: the contest is closed, which is not late."""
    later = terms("vote", "human", claimants=("sales", "support"), vote_seats=("triage",))
    contest = after_message(window(later, "sales-1", "support-1"), RESOLVERS, at=START + 5, now=0).contest
    refused = check_join(contest, "sales-2", at=START + 6)
    assert refused is not None
    assert refused.reason == "contest_closed"


def test_a_message_fires_no_deadline() -> None:
    """A record sent after the end of the window does not end it; a tick does."""
    walked = after_message(window(OPEN, "sales-1", "sales-2"), RESOLVERS, at=START + 500, now=START + 500)
    assert walked.result == Wait(START + 100)


def test_one_claim_wins_uncontested_at_the_end() -> None:
    """A single claim waits for the window and then wins without a rung."""
    assert claims(OPEN, "sales-1").result == Settle("c1", "uncontested")


def test_nobody_left_is_no_winner() -> None:
    """With all claims withdrawn nobody wins."""
    contest = drop(window(OPEN, "sales-1"), "c1", "withdrawn")
    assert tick(contest, START + 100).result == Settle("none", "uncontested")


def test_the_last_one_left_wins_on_a_rung() -> None:
    """On a rung a single live candidate wins at once."""
    contest = claims(terms("vote", "human", vote_seats=("triage",)), "sales-1", "support-1").contest
    left = drop(contest, "c1", "withdrawn")
    assert after_message(left, RESOLVERS, at=START + 150, now=0).result == Settle("c2", "uncontested")


def test_a_suspended_claimant_cannot_win() -> None:
    """First come, but suspended: the next one wins."""
    contest = suspend(window(OPEN, "sales-1", "sales-2", "sales-3"), "sales-1")
    assert tick(contest, START + 100).result == Settle("c2", "first_come")


def test_a_suspended_claim_does_not_come_back() -> None:
    """Lifting the suspension does not bring a dropped claim back."""
    contest = resume(suspend(window(OPEN, "sales-1", "sales-2"), "sales-1"), "sales-1")
    assert [one.id for one in contest.live] == ["c2"]


def test_a_dropped_candidate_stays_listed() -> None:
    """Who was dropped stays in the list, with the reason, at its place in the log."""
    contest = drop(window(OPEN, "sales-1", "sales-2"), "c1", "stage")
    assert [(one.id, one.dropped) for one in contest.candidates] == [("c1", "stage"), ("c2", "")]


def test_a_candidate_is_dropped_for_one_reason() -> None:
    """What drops a candidate first is what its owner hears."""
    contest = drop(window(OPEN, "sales-1"), "c1", "withdrawn")
    assert drop(contest, "c1", "suspended") == contest


def test_a_live_claim_can_be_withdrawn() -> None:
    """Its own live claim an agent may withdraw."""
    assert check_withdraw(window(OPEN, "sales-1"), "sales-1", "claim-1") is None


def test_the_claim_of_another_cannot_be_withdrawn() -> None:
    """Nobody withdraws another's claim."""
    refused = check_withdraw(window(OPEN, "sales-1"), "support-1", "claim-1")
    assert refused is not None
    assert refused.reason == "late"


def test_a_claim_is_withdrawn_once() -> None:
    """A withdrawn claim is no longer known."""
    contest = drop(window(OPEN, "sales-1"), "c1", "withdrawn")
    assert check_withdraw(contest, "sales-1", "claim-1") is not None


def test_candidates_stand_in_log_order() -> None:
    """Who joins later stands later, whatever its name."""
    contest = join(window(OPEN, "sales-1"), Candidate("a0", "agent-0"))
    assert [one.id for one in contest.candidates] == ["c1", "a0"]
