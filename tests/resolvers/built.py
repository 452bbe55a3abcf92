"""Contests in few words, for tests: who claimed, who sits, how they voted, and what came of it."""

from dataclasses import replace
from typing import Any

from bus.core.contest.ballots import cast, check_ballot, read_choice, seat_of
from bus.core.contest.candidates import join, open_claims, open_question, open_review
from bus.core.contest.contest import Ballot, Candidate, Contest, Electorate, Refusal
from bus.core.contest.electorate import seat_agents
from bus.core.contest.ladder import Walked, after_message, after_tick
from bus.core.contest.negotiation import check_move, move
from bus.core.policy.terms import NegotiateTerms, Terms, VetoTerms, VoteTerms
from resolvers import RESOLVERS

START = 1_000_000
COMPLIANCE = VetoTerms("compliance", ("regulatory.*", "sanctions.match"), "human")


def terms(*ladder: str, **fields: Any) -> Terms:  # Any: the fields of Terms
    """Terms with this ladder and a window of 100 ms; fields of ``vote`` and ``negotiate`` go as ``vote_…``."""
    vote = {name[5:]: fields.pop(name) for name in list(fields) if name.startswith("vote_")}
    negotiate = {name[10:]: fields.pop(name) for name in list(fields) if name.startswith("negotiate_")}
    fields = {"window_ms": 100, **fields}
    return Terms(
        "lead", 1, ladder=ladder or ("human",), vote=VoteTerms(**vote), negotiate=NegotiateTerms(**negotiate), **fields
    )


def agents_of(names: tuple[str, ...]) -> dict[str, frozenset[str]]:
    """Agents ``<role>-<n>``, each with its role."""
    return {name: frozenset({name.rpartition("-")[0]}) for name in names}


def electorate(of: Terms, *names: str) -> Electorate:
    """The electorate of these terms among agents ``<role>-<n>``; one for each seat and veto without any."""
    roles = (*of.vote.seats, *(veto.role for veto in of.veto))
    return seat_agents(of, agents_of(names or tuple(f"{role}-1" for role in roles)))


def window(of: Terms, *claimants: str, voters: tuple[str, ...] = ()) -> Contest:
    """A contest in its window, which agents ``<role>-<n>`` have joined; their candidates are c1, c2 and so on."""
    contest = open_claims(identifier="1.0.7.0", terms=of, electorate=electorate(of, *voters), start=START)
    for n, agent in enumerate(claimants, start=1):
        contest = join(contest, Candidate(f"c{n}", agent, f"claim-{n}", agents_of((agent,))[agent]))
    return contest


def claims(of: Terms, *claimants: str, voters: tuple[str, ...] = ()) -> Walked:
    """The same once the window is over."""
    return tick(window(of, *claimants, voters=voters), START + of.window_ms)


def review(of: Terms, *, is_for_person: bool = False, author: str = "deal-1", voters: tuple[str, ...] = ()) -> Walked:
    """A review of an action of ``author``, just opened."""
    contest = open_review(
        identifier="1.0.7.0",
        terms=of,
        electorate=electorate(of, *voters),
        start=START,
        author=author,
        is_for_person=is_for_person,
    )
    return after_message(contest, RESOLVERS, at=START, now=0)


def question(of: Terms, *options: str, until: int | None = None, voters: tuple[str, ...] = ()) -> Walked:
    """A question, just asked."""
    contest = open_question(
        identifier="1.0.7.0",
        terms=of,
        electorate=electorate(of, *voters),
        start=START,
        author="triage-9",
        options=options,
        until=until,
    )
    return after_message(contest, RESOLVERS, at=START, now=0)


def tick(contest: Contest, now: int) -> Walked:
    """What a tick makes of it."""
    return after_tick(contest, RESOLVERS, now=now)


def votes(contest: Contest, agent: str, choice: str | list[str], reason: str = "fits", *, at: int = 0) -> Walked:
    """What a ballot makes of it; it must be taken."""
    at = at or contest.started + 1
    refused = refuses(contest, agent, choice, reason, at=at)
    assert refused is None, refused
    seat = seat_of(contest, agent)
    assert seat is not None
    ballot = Ballot(seat.name, agent, read_choice(choice), reason)
    return after_message(cast(contest, ballot), RESOLVERS, at=at, now=0)


def refuses(
    contest: Contest, agent: str, choice: str | list[str] = "abstain", reason: str = "fits", *, at: int = 0
) -> Refusal | None:
    """Why a ballot is not taken."""
    return check_ballot(contest, agent, read_choice(choice), reason, at=at or contest.started + 1)


def moves(contest: Contest, kind: Any, outcome: str = "", *, at: int = 0) -> Walked:  # Any: a kind of move
    """What a move of the party on turn makes of it; it must be taken."""
    at = at or contest.turn.started + 1
    agent = next(one.agent for one in contest.candidates if one.id == contest.turn.party)
    refused = check_move(contest, agent, kind, turn=contest.turn.number, at=at, outcome=outcome)
    assert refused is None, refused
    return after_message(move(contest, kind, start=at, outcome=outcome), RESOLVERS, at=at, now=0)


def with_vote(of: Terms, **fields: Any) -> Terms:  # Any: the fields of VoteTerms
    """The same terms, voting otherwise."""
    return replace(of, vote=replace(of.vote, **fields))
