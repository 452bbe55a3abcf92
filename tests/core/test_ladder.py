"""The walk down the ladder: every arrow of its drawing, when rungs begin, and what holds a resolver to its word."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from bus.core.contest import ladder
from bus.core.contest.candidates import drop
from bus.core.contest.contest import Contest, Escalate, Hears, NextRung, Resolution, Resolver, Settle, View, Wait
from bus.core.contest.ladder import Passed, Walked, after_message, after_tick
from bus.core.policy.terms import Terms, VetoTerms
from resolvers import RESOLVERS
from tests.resolvers.built import COMPLIANCE, START, claims, moves, question, review, terms, tick, votes, window

DENYING = replace(COMPLIANCE, then="deny")
VOTE = terms("vote", "human", vote_seats=("triage", "crm"), claimants=("sales", "support"))


def _left(contest: Contest, *candidates: str) -> Walked:
    for one in candidates:
        contest = drop(contest, one, "withdrawn")
    return after_message(contest, RESOLVERS, at=contest.started + 1, now=0)


def _vetoed(veto: VetoTerms) -> Walked:
    return votes(review(replace(VOTE, veto=(veto,))).contest, "compliance-1", "reject", "sanctions.match")


def _tied() -> Walked:
    contest = votes(claims(VOTE, "sales-1", "support-1").contest, "triage-1", "c1").contest
    return votes(contest, "crm-1", "c2")


DRAWN: dict[tuple[str, str, str], Callable[[], Walked]] = {
    ("window", "window over", "rung"): lambda: claims(VOTE, "sales-1", "support-1"),
    ("window", "every role in claimants has claimed", "rung"): lambda: after_message(
        window(VOTE, "sales-1", "support-1"), RESOLVERS, at=START + 1, now=0
    ),
    ("rung", "tie, no result, bound reached", "next rung"): lambda: claims(
        replace(VOTE, ladder=("priority", "vote", "human")), "sales-1", "support-1"
    ),
    ("rung", "result", "settled"): lambda: claims(terms("first_come", "deny"), "sales-1", "sales-2"),
    ("rung", "one live candidate, or none", "settled"): lambda: _left(
        claims(VOTE, "sales-1", "support-1").contest, "c1"
    ),
    ("last rung", "deny", "settled"): lambda: claims(terms("priority", "deny"), "sales-1", "sales-2"),
    ("last rung", "human", "case"): _tied,
    ("any", "veto, then: deny", "settled"): lambda: _vetoed(DENYING),
    ("any", "veto, then: human", "case"): lambda: _vetoed(COMPLIANCE),
    ("case", "no live candidate", "settled"): lambda: _left(_tied().contest, "c1", "c2"),
}
IS_THERE: dict[str, Callable[[Walked], bool]] = {
    "rung": lambda walked: isinstance(walked.result, Wait) and walked.contest.rung == 0,
    "next rung": lambda walked: isinstance(walked.result, Wait) and walked.contest.rung == 1,
    "settled": lambda walked: isinstance(walked.result, Settle),
    "case": lambda walked: isinstance(walked.result, Escalate) and bool(walked.contest.case),
}


def _arrows() -> set[tuple[str, str, str]]:
    found = re.findall(r"^    (\S[^-]*?) +-- (.+?) -+> (.+)$", ladder.__doc__ or "", re.MULTILINE)
    return set(found)


def test_every_arrow_is_tried() -> None:
    """The drawing at the top of the file and the arrows tried here are the same."""
    assert _arrows() == set(DRAWN)


@pytest.mark.parametrize("arrow", DRAWN, ids=" ".join)
def test_an_arrow_leads_where_it_is_drawn(arrow: tuple[str, str, str]) -> None:
    """What the arrow says happens leads to the state it points at."""
    walked = DRAWN[arrow]()
    assert IS_THERE[arrow[2]](walked), walked


def test_a_rung_starts_at_the_ticks_time() -> None:
    """A tick that comes late starts the rung when it came, so that voters have their whole time."""
    assert tick(window(VOTE, "sales-1", "support-1"), START + 5_000).result == Wait(START + 25_000)


def test_a_rung_starts_at_the_later_of_at_and_now() -> None:
    """A rung that a delayed message starts begins no earlier than the partition's time."""
    walked = after_message(window(VOTE, "sales-1", "support-1"), RESOLVERS, at=START + 1, now=START + 70)
    assert walked.result == Wait(START + 20_070)


def test_a_settled_message_past_the_deadline_fires_nothing() -> None:
    """A ballot in time that reaches the arbiter when its time says the vote is over does not end the vote."""
    contest = claims(VOTE, "sales-1", "support-1").contest
    late_now = contest.deadline + 5
    assert after_message(contest, RESOLVERS, at=contest.deadline - 1, now=late_now).result == Wait(contest.deadline)


def test_rungs_passed_are_told() -> None:
    """Who explains the contest learns which rungs had no result, and why."""
    walked = claims(terms("priority", "first_come", "deny", priority=("crm",)), "sales-1", "support-1")
    assert walked.passed == (Passed("priority", "tie", (("c1", 1), ("c2", 1))),)


def test_a_case_is_not_won_by_the_last_one_left() -> None:
    """While a case is open a single candidate waits for the person."""
    assert _left(_tied().contest, "c1").result == Escalate("ladder")


def test_a_tick_does_not_end_a_case() -> None:
    """No time that passes settles a case."""
    assert tick(_tied().contest, START + 10**9).result == Escalate("ladder")


def test_reviews_skip_what_they_do_not_know() -> None:
    """A review goes to the vote though priority and first_come stand above it."""
    walked = review(replace(VOTE, ladder=("priority", "first_come", "vote", "human")))
    assert walked.contest.rung_name == "vote"


def test_questions_skip_what_they_do_not_know() -> None:
    """A question is never negotiated."""
    walked = question(replace(VOTE, ladder=("negotiate", "vote", "deny")), "invoice", "contract")
    assert walked.contest.rung_name == "vote"


def test_over_the_limit_only_a_person_settles() -> None:
    """A unanimous approval above the cost limit opens the case when the last seat has voted."""
    contest = votes(review(VOTE, is_for_person=True).contest, "triage-1", "approve").contest
    walked = votes(contest, "crm-1", "approve")
    assert walked.result == Escalate("over_limit")


def test_over_the_limit_nothing_is_denied_by_the_ladder() -> None:
    """Above the cost limit a ladder that ends in deny ends with a person all the same."""
    walked = review(replace(VOTE, ladder=("vote", "deny")), is_for_person=True)
    assert tick(walked.contest, walked.contest.deadline).result == Escalate("over_limit")


def test_a_ladder_without_an_end_ends_with_a_person() -> None:
    """Whatever terms say, a contest ends."""
    assert claims(terms("priority"), "sales-1", "sales-2").result == Escalate("ladder")


def test_a_ladder_that_ends_in_deny_has_no_winner() -> None:
    """Below all rungs nobody wins, and the first in the log least of all."""
    assert claims(terms("priority", "deny"), "sales-1", "sales-2").result == Settle("none", "deny")


def test_an_unknown_rung_is_passed() -> None:
    """A rung without a resolver has no result."""
    walked = after_tick(window(VOTE, "sales-1", "support-1"), {}, now=START + 100)
    assert walked.passed == (Passed("vote", "unknown_rung"),)


def test_a_negotiation_follows_a_vote() -> None:
    """Rungs follow one another, each with its own deadline."""
    of = replace(VOTE, ladder=("vote", "negotiate", "human"))
    voted = votes(claims(of, "sales-1", "support-1").contest, "triage-1", "c1").contest
    walked = votes(voted, "crm-1", "c2", at=START + 150)
    assert walked.result == Wait(START + 30_150)
    assert moves(walked.contest, "quit").result == Escalate("ladder")


@dataclass(frozen=True)
class _Stubborn:
    """A stranger's resolver that answers one thing for ever."""

    answer: Resolution
    name: str = "vote"
    hears: Hears = "ballots"

    def bound_ms(self, terms: Terms, candidates: int) -> int:  # noqa: ARG002 the protocol
        return 500

    def resolve(self, view: View, now: int) -> Resolution:  # noqa: ARG002 the protocol
        return self.answer


def _under(resolver: Resolver, now: int) -> Walked:
    table = {"vote": resolver}
    contest = after_tick(window(VOTE, "sales-1", "support-1"), table, now=START + 100).contest
    return after_tick(contest, table, now=now)


def test_a_resolver_is_held_to_its_bound() -> None:
    """Who waits for ever is asked again when its bound is over, and then passed."""
    stubborn = _Stubborn(Wait(10**15))
    assert _under(stubborn, START + 200).result == Wait(START + 600)
    assert _under(stubborn, START + 600).result == Escalate("ladder")


def test_a_winner_that_cannot_win_is_no_result() -> None:
    """A resolver that names a stranger as the winner has no result."""
    assert _under(_Stubborn(Settle("c9", "vote")), START + 200).result == Escalate("ladder")


def test_no_answer_is_no_result() -> None:
    """A resolver that answers something else altogether has no result, and the walk goes on."""
    assert _under(_Stubborn(None), START + 200).result == Escalate("ladder")  # type: ignore[arg-type] # the breach


def test_a_resolver_speaks_for_its_own_rung() -> None:
    """Whatever a resolver calls itself in its answer, the outcome names its rung."""
    settled = after_tick(
        window(VOTE, "sales-1", "support-1"), {"vote": _Stubborn(Settle("c1", "ruling"))}, now=START + 100
    )
    assert settled.result == Settle("c1", "vote")


def test_a_pass_may_say_why() -> None:
    """The reason of a resolver reaches whoever explains the contest."""
    settled = after_tick(window(VOTE, "sales-1", "support-1"), {"vote": _Stubborn(NextRung("moon"))}, now=START + 100)
    assert settled.passed == (Passed("vote", "moon"),)
