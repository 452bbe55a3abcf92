"""Trials: seeded lives of a contest on one rung, with all that may happen to it, to put a resolver through.

A life is made of the same parts as in the bus: claims join, ballots are cast and checked, offers pass the table,
parties withdraw, are suspended and come back, time passes in ticks. Equal seeds give equal lives.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import get_args

from bus.core.contest.ballots import cast, check_ballot, voting_seats
from bus.core.contest.candidates import drop, join, open_claims, open_question, open_review, resume, suspend
from bus.core.contest.contest import (
    CANDIDATES_MAX,
    HUMAN,
    REJECT,
    Ballot,
    Candidate,
    Contest,
    Electorate,
    Hears,
    Resolver,
    Seat,
    View,
    Wait,
)
from bus.core.contest.electorate import SEATS_MAX
from bus.core.contest.ladder import after_message, after_tick, view_of
from bus.core.contest.negotiation import check_move, move, outcomes_of
from bus.core.policy.terms import BASIS_POINTS, Method, NegotiateTerms, Terms, VoteTerms

METHODS: tuple[Method, ...] = get_args(Method)
ROLES = ("sales", "support", "legal", "crm")
OPENED_AT = 1_000_000
STEPS_MAX = 40  # a life is long enough to reach every end and short enough to read
FEW = 5  # most contests have few candidates; one in eight has as many as there may be
CROWD_ODDS = 8


@dataclass(frozen=True, slots=True)
class Moment:
    """The contest at one point of its life: what the resolver sees at ``now``, and when its rung must be over (ms)."""

    view: View
    now: int
    bound_end: int


@dataclass(slots=True)
class _Life:
    chance: Random
    resolver: Resolver
    contest: Contest
    now: int


def moments(resolver: Resolver, seed: int) -> Iterator[Moment]:
    """The points of one life at which the resolver would be asked, until the contest leaves the rung."""
    chance = Random(seed)
    life = _Life(chance, resolver, _opened(chance, resolver), OPENED_AT)
    table = {resolver.name: resolver}
    life.now = life.contest.deadline
    walked = after_tick(life.contest, table, now=life.now)
    for _ in range(STEPS_MAX):
        life.contest = walked.contest
        bound_end = life.contest.started + resolver.bound_ms(life.contest.terms, len(life.contest.candidates))
        yield Moment(view_of(life.contest), life.now, bound_end)
        if not isinstance(walked.result, Wait):
            return
        _happen(life)
        yield Moment(view_of(life.contest), life.now, bound_end)
        if life.now >= life.contest.deadline:
            walked = after_tick(life.contest, table, now=life.now)
        else:
            walked = after_message(life.contest, table, at=life.now, now=life.now)


def _opened(chance: Random, resolver: Resolver) -> Contest:
    crowd = chance.randrange(CROWD_ODDS) == 0
    seats = tuple(
        Seat(f"seat-{n}", (f"voter-{n}a", f"voter-{n}b"), chance.randrange(4))
        for n in range(SEATS_MAX if crowd else chance.randrange(FEW + 1))
    )
    count = CANDIDATES_MAX if crowd else chance.randrange(FEW + 1)
    terms = _terms(chance, resolver, seats)
    electorate = Electorate(seats)
    over = chance.choice(("claims", "claims", "review", "question"))
    if over == "review" or (over == "question" and count < 2):
        return open_review(
            identifier="1.0.7.0", terms=terms, electorate=electorate, start=OPENED_AT, author="x", is_for_person=False
        )
    if over == "question":
        options = tuple(f"option-{n}" for n in range(count))
        until = chance.choice((None, OPENED_AT + 50))
        return open_question(
            identifier="1.0.7.0",
            terms=terms,
            electorate=electorate,
            start=OPENED_AT,
            author="x",
            options=options,
            until=until,
        )
    contest = open_claims(identifier="1.0.7.0", terms=terms, electorate=electorate, start=OPENED_AT)
    for n in range(count):
        roles = frozenset(chance.sample(ROLES, chance.randrange(len(ROLES))))
        contest = join(contest, Candidate(f"1.0.{7 + n}.1", f"agent-{n}", f"c-{n}", roles))
    return contest


def _terms(chance: Random, resolver: Resolver, seats: tuple[Seat, ...]) -> Terms:
    vote = VoteTerms(
        seats=tuple(seat.name for seat in seats),
        method=chance.choice(METHODS),
        threshold_bp=chance.choice((0, 5_000, 6_666, BASIS_POINTS)),
        weights={seat.name: seat.weight for seat in seats},
        quorum_bp=chance.choice((0, 3_333, 5_000, BASIS_POINTS)),
        ballot_ms=100,
    )
    outcomes = chance.choice(((), (), ROLES, ("sales",), ("nobody", "sales")))
    negotiate = NegotiateTerms(outcomes, turn_ms=20, max_turns=chance.choice((None, None, 1, 3)))
    priority = tuple(chance.sample(ROLES, chance.randrange(len(ROLES) + 1)))
    ladder = (resolver.name, HUMAN)
    return Terms("lead", 1, window_ms=10, priority=priority, ladder=ladder, vote=vote, negotiate=negotiate)


def _happen(life: _Life) -> None:
    """One thing happens, a little later."""
    life.now += life.chance.randrange(8)
    if life.now >= life.contest.deadline:
        return
    life.chance.choice(_HEARD[life.contest.hears] + _ELSE)(life)


def _ballot(life: _Life) -> None:
    seats = voting_seats(life.contest)
    if not seats:
        return
    seat = life.chance.choice(seats)
    agent = life.chance.choice(seat.agents)
    known = [one.id for one in life.contest.live]
    size = life.chance.randrange(min(4, len(known)) + 1)
    choice = tuple(life.chance.sample(known, size if life.chance.randrange(2) else min(1, size)))
    if life.chance.randrange(8) == 0:
        choice = (REJECT,)
    if agent not in life.contest.suspended and not check_ballot(life.contest, agent, choice, "fits", at=life.now):
        life.contest = cast(life.contest, Ballot(seat.name, agent, choice, "fits"))


def _offer(life: _Life) -> None:
    outcome = life.chance.choice([*outcomes_of(life.contest), "elsewhere"])
    turn = life.contest.turn
    if not check_move(life.contest, _on_turn(life), "offer", turn=turn.number, at=life.now, outcome=outcome):
        life.contest = move(life.contest, "offer", start=life.now, outcome=outcome)


def _accept(life: _Life) -> None:
    kind = life.chance.choice(("accept",) * 9 + ("quit",))
    turn = life.contest.turn
    if kind == "accept" and not check_move(life.contest, _on_turn(life), "accept", turn=turn.number, at=life.now):
        life.contest = move(life.contest, "accept", start=life.now)
    if kind == "quit" and not check_move(life.contest, _on_turn(life), "quit", turn=turn.number, at=life.now):
        life.contest = move(life.contest, "quit", start=life.now)


def _on_turn(life: _Life) -> str:
    return next((one.agent for one in life.contest.candidates if one.id == life.contest.turn.party), "")


def _drop(life: _Life) -> None:
    if life.contest.over == "claims" and life.contest.live:
        life.contest = drop(life.contest, life.chance.choice(life.contest.live).id, "withdrawn")


def _suspend(life: _Life) -> None:
    voters = [agent for seat in voting_seats(life.contest) for agent in seat.agents]
    parties = [one.agent for one in life.contest.live if one.agent]
    if voters or parties:
        life.contest = suspend(life.contest, life.chance.choice([*voters, *parties]))


def _resume(life: _Life) -> None:
    if life.contest.suspended:
        life.contest = resume(life.contest, life.chance.choice(sorted(life.contest.suspended)))


def _silence(life: _Life) -> None:
    life.now += life.chance.randrange(120)


_Happening = Callable[[_Life], None]
_HEARD: dict[Hears, list[_Happening]] = {
    "nothing": [],
    "ballots": [_ballot] * 12,
    "offers": [*[_offer] * 6, *[_accept] * 12],
}
_ELSE: list[_Happening] = [_drop, _suspend, _resume, _silence]


def in_another_order(view: View) -> View:
    """The same view, with its mappings and sets built in another order."""
    weights = dict(reversed(list(view.terms.vote.weights.items())))
    terms = replace(view.terms, vote=replace(view.terms.vote, weights=weights))
    candidates = tuple(replace(one, roles=frozenset(sorted(one.roles, reverse=True))) for one in view.candidates)
    return replace(view, terms=terms, candidates=candidates)
