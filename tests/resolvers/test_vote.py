"""Votes by hand: each method's threshold to the ballot, ties, abstentions and the quorum."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.core.contest.contest import Ballot, Candidate, NextRung, Seat, Settle, View, Wait
from bus.core.policy.terms import Terms, VoteTerms
from resolvers.vote import VOTE

ENDED = 10**9


def view(ballots: str, *, silent: int = 0, candidates: str = "A B C", weights: str = "", **vote: Any) -> View:
    """A vote whose ballots stand apart by blanks: ``A``, ``-`` for an abstention, ``A>B`` a list; then silent seats."""
    said = ballots.split()
    weighed = [int(weight) for weight in weights.split()] or [1] * (len(said) + silent)
    seats = tuple(Seat(f"s{n}", (f"agent-{n}",), weighed[n]) for n in range(len(said) + silent))
    cast = tuple(
        Ballot(seat.name, seat.agents[0], () if one == "-" else tuple(one.split(">")), "fits")
        for seat, one in zip(seats, said, strict=False)
    )
    of = Terms("lead", 1, vote=VoteTerms(seats=tuple(seat.name for seat in seats), **vote))
    return View("claims", of, tuple(Candidate(name) for name in candidates.split()), seats, cast, started=0)


def outcome(ballots: str, **fields: Any) -> str:
    """Who wins once the time is over, else why nobody does."""
    answer = VOTE.resolve(view(ballots, **fields), ENDED)
    assert not isinstance(answer, Wait)
    return answer.winner if isinstance(answer, Settle) else answer.why


@pytest.mark.parametrize(
    ("method", "ballots", "expected"),
    [
        ("plurality", "A A B C", "A"),
        ("plurality", "A B", "tie"),
        ("plurality", "B A", "tie"),
        ("plurality", "A B B A C", "tie"),
        ("majority", "A A B", "A"),
        ("majority", "A A B C", "no_majority"),
        ("majority", "A A B B", "no_majority"),
        ("majority", "A A B -", "A"),
        ("majority", "A - -", "A"),
        ("majority", "- - -", "nobody_chose"),
        ("approval", "A>B B B>C", "B"),
        ("approval", "A>B A>B", "tie"),
        ("approval", "A -", "A"),
        ("schulze", "A>B>C B>A>C A>C>B", "A"),
        ("schulze", "A>B>C B>C>A C>A>B", "tie"),
        ("schulze", "A B", "tie"),
        ("schulze", "A>B C B>C>A B>C A>C C B>C A>B A>B>C A>B C", "B"),  # by margins it would be A
    ],
)
def test_a_method_counts(method: str, ballots: str, expected: str) -> None:
    """The winner by this method, or why there is none; a tie stays one in any order."""
    assert outcome(ballots, method=method) == expected


@pytest.mark.parametrize(
    ("threshold_bp", "ballots", "expected"),
    [
        (6_666, "A A B", "A"),
        (6_667, "A A B", "no_majority"),
        (10_000, "A A", "A"),
        (10_000, "A A -", "A"),
        (10_000, "A A B", "no_majority"),
        (7_500, "A A A B", "A"),
        (4_000, "A A B B", "tie"),
    ],
)
def test_a_supermajority_is_reached_exactly(threshold_bp: int, ballots: str, expected: str) -> None:
    """The share is compared in whole numbers, and two who reach it alike are a tie."""
    assert outcome(ballots, method="supermajority", threshold_bp=threshold_bp) == expected


@pytest.mark.parametrize(
    ("weights", "ballots", "expected"),
    [
        ("3 1 1", "A B B", "A"),
        ("2 1 1", "A B B", "no_majority"),
        ("5 1 1", "- A B", "no_majority"),
        ("5 2 1", "- A B", "A"),
        ("0 0 0", "A A A", "no_majority"),
    ],
)
def test_weights_count(weights: str, ballots: str, expected: str) -> None:
    """By weight the majority is one of weight, among those that did not abstain."""
    assert outcome(ballots, method="weighted", weights=weights) == expected


def test_weights_count_only_where_ballots_are_weighed() -> None:
    """By plurality a heavy seat has one ballot."""
    assert outcome("A B B", method="plurality", weights="9 1 1") == "B"


@pytest.mark.parametrize(
    ("quorum_bp", "ballots", "silent", "expected"),
    [
        (5_000, "A", 1, "A"),
        (5_000, "A", 2, "no_quorum"),
        (5_000, "A -", 2, "A"),
        (5_000, "A", 3, "no_quorum"),
        (6_666, "A A", 1, "A"),
        (6_667, "A A", 1, "no_quorum"),
        (10_000, "A A", 1, "no_quorum"),
        (0, "A", 63, "A"),
        (0, "", 3, "nobody_chose"),
    ],
)
def test_the_quorum_is_a_share_of_all_seats(quorum_bp: int, ballots: str, silent: int, expected: str) -> None:
    """Valid ballots are measured against the seats, abstentions are ballots, and silent seats are seats."""
    assert outcome(ballots, silent=silent, quorum_bp=quorum_bp, method="plurality") == expected


def test_a_vote_waits_for_silent_seats() -> None:
    """Before the deadline a vote waits for all seats, also when no seat can change it."""
    assert VOTE.resolve(view("A A A A", silent=1), 19_999) == Wait(20_000)


def test_a_vote_ends_when_all_seats_have_voted() -> None:
    """The last seat's ballot ends the vote."""
    assert VOTE.resolve(view("A A"), 1) == Settle("A", "vote", (("A", 2), ("B", 0), ("C", 0)))


def test_a_vote_ends_at_its_deadline() -> None:
    """At the deadline it counts what is there."""
    assert VOTE.resolve(view("A", silent=1), 20_000) == Settle("A", "vote", (("A", 1), ("B", 0), ("C", 0)))


def test_without_seats_a_vote_has_no_result() -> None:
    """Where nobody sits nothing is waited for."""
    assert VOTE.resolve(view(""), 0) == NextRung("no_quorum", (("A", 0), ("B", 0), ("C", 0)))


@given(
    st.sampled_from(["plurality", "majority", "supermajority", "weighted", "approval", "schulze"]),
    st.lists(st.lists(st.sampled_from("ABCD"), unique=True, max_size=4), min_size=1, max_size=9),
    st.permutations("ABCD"),
)
def test_names_decide_nothing(method: str, ballots: list[list[str]], renamed: list[str]) -> None:
    """Candidates that change their names change nothing: whoever won wins, and a tie stays a tie."""
    names = dict(zip("ABCD", renamed, strict=True))
    said = [ballot[:1] if method not in ("approval", "schulze") else ballot for ballot in ballots]
    before = outcome(" ".join(">".join(one) or "-" for one in said), method=method, candidates="A B C D")
    after = " ".join(">".join(names[one] for one in ballot) or "-" for ballot in said)
    order = " ".join(names[one] for one in "ABCD")
    assert outcome(after, method=method, candidates=order) == names.get(before, before)
    assert outcome(after, method=method, candidates="A B C D") == names.get(before, before)


def test_schulze_chains_majorities() -> None:
    """The example of the method's author: 45 ballots over five candidates, won by E."""
    counted = {"ACBED": 5, "ADECB": 5, "BEDAC": 8, "CABED": 3, "CAEBD": 7, "CBADE": 2, "DCEBA": 7, "EBADC": 8}
    ballots = " ".join(" ".join([">".join(order)] * times) for order, times in counted.items())
    assert outcome(ballots, method="schulze", candidates="A B C D E") == "E"
