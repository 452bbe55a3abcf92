"""The published bound holds: whatever is said and whoever drops out, a contest is settled or a case by then."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bus.core.contest.ballots import cast, check_ballot
from bus.core.contest.bound import bound_ms
from bus.core.contest.candidates import check_join, drop, join, suspend
from bus.core.contest.contest import Ballot, Candidate, Contest, Wait
from bus.core.contest.ladder import Walked, after_message, after_tick
from bus.core.contest.negotiation import check_move, move, outcomes_of
from resolvers import RESOLVERS
from tests.resolvers.built import START, terms, window

LADDERS = st.permutations(["priority", "vote", "negotiate"]).flatmap(
    lambda rungs: st.sampled_from([(*rungs[:n], end) for n in range(4) for end in ("human", "deny")])
)
HAPPENINGS = st.lists(
    st.tuples(
        st.sampled_from(["join", "vote", "offer", "accept", "quit", "drop", "suspend", "hush"]), st.integers(0, 9)
    ),
    max_size=40,
)


def _after(contest: Contest, happening: str, pick: int, at: int) -> Contest:
    """What a message or a suspension makes of the contest; what is refused changes nothing."""
    on_turn = next((one.agent for one in contest.candidates if one.id == contest.turn.party), "")
    live = contest.live[pick % len(contest.live)] if contest.live else None
    match happening:
        case "join" if not check_join(contest, f"sales-{pick}", at=at):
            return join(contest, Candidate(f"c{at}", f"sales-{pick}", f"claim-{at}", frozenset({"sales"})))
        case "vote" if live and not check_ballot(contest, f"seat{pick % 3}-1", (live.id,), "fits", at=at):
            return cast(contest, Ballot(f"seat{pick % 3}", f"seat{pick % 3}-1", (live.id,), "fits"))
        case "offer":
            outcomes = outcomes_of(contest)
            outcome = outcomes[pick % len(outcomes)] if outcomes else ""
            if not check_move(contest, on_turn, "offer", turn=contest.turn.number, at=at, outcome=outcome):
                return move(contest, "offer", start=at, outcome=outcome)
        case "accept" if not check_move(contest, on_turn, "accept", turn=contest.turn.number, at=at):
            return move(contest, "accept", start=at)
        case "quit" if pick == 0 and not check_move(contest, on_turn, "quit", turn=contest.turn.number, at=at):
            return move(contest, "quit", start=at)
        case "drop" if live and pick < 3:
            return drop(contest, live.id, "withdrawn")
        case "suspend" if live and pick < 3:
            return suspend(contest, live.agent)
    return contest


@given(LADDERS, st.integers(1, 6), HAPPENINGS)
def test_a_contest_ends_within_its_bound(ladder: tuple[str, ...], claimants: int, happenings: list[Any]) -> None:
    """With ticks at every deadline and anything in between, the last deadline is no later than the bound."""
    of = replace(
        terms(*ladder, vote_seats=("seat0", "seat1", "seat2"), vote_ballot_ms=200, negotiate_turn_ms=50),
        priority=("legal",),
    )
    contest = window(of, *(f"legal-{n}" for n in range(claimants)))
    walked, now = Walked(contest, Wait(contest.deadline)), START
    for happening, pick in [*happenings, *[("hush", 9)] * 200]:
        if not isinstance(walked.result, Wait):
            break
        deadline = walked.result.deadline
        if happening == "hush":
            now = deadline
            walked = after_tick(walked.contest, RESOLVERS, now=now)
        else:
            now = min(now + pick, deadline - 1)
            changed = _after(walked.contest, happening, pick, now)
            walked = after_message(changed, RESOLVERS, at=now, now=now)
    assert not isinstance(walked.result, Wait)
    assert now - START <= bound_ms(of, "claims", RESOLVERS, candidates=len(walked.contest.candidates))
