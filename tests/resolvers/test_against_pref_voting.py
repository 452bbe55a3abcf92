"""Votes held against another library: pref_voting's winners of random elections, as record_elections.py kept them."""

import json
from typing import Any

import pytest

from bus.core.contest.contest import Ballot, Candidate, Seat, Settle, View, Wait
from bus.core.policy.terms import Terms, VoteTerms
from resolvers.vote import VOTE
from tests.resolvers.record_elections import ELECTIONS, RECORDED

Election = dict[str, Any]
ALL: list[Election] = json.loads(RECORDED.read_text(encoding="utf-8"))
METHODS = ("plurality", "majority", "weighted", "approval", "schulze")


def _ours(election: Election) -> list[int]:
    """The winner by our rules, or nobody: a tie passes on."""
    weights: list[int] = election["weights"]
    seats = tuple(Seat(f"s{n}", (f"agent-{n}",), weight) for n, weight in enumerate(weights))
    ballots = tuple(
        Ballot(seat.name, seat.agents[0], tuple(f"c{one}" for one in ballot), "fits")
        for seat, ballot in zip(seats, election["ballots"], strict=True)
    )
    candidates = tuple(Candidate(f"c{n}") for n in range(election["candidates"]))
    of = Terms("lead", 1, vote=VoteTerms(seats=tuple(seat.name for seat in seats), method=election["method"]))
    answer = VOTE.resolve(View("claims", of, candidates, seats, ballots, started=0), 1)
    assert not isinstance(answer, Wait)
    return [int(answer.winner[1:])] if isinstance(answer, Settle) else []


@pytest.mark.parametrize("method", METHODS)
def test_the_winner_is_theirs(method: str) -> None:
    """Whom the library names alone wins here, and where it names several or nobody there is no winner."""
    of_method = [one for one in ALL if one["method"] == method]
    theirs = [one["winners"] if len(one["winners"]) == 1 else [] for one in of_method]
    assert [_ours(one) for one in of_method] == theirs


@pytest.mark.parametrize("method", METHODS)
def test_the_elections_are_worth_counting(method: str) -> None:
    """Of each method there are all elections, and in a tenth of them or more nobody wins alone."""
    of_method = [one for one in ALL if one["method"] == method]
    assert len(of_method) == ELECTIONS
    assert 10 * sum(len(one["winners"]) != 1 for one in of_method) > ELECTIONS
