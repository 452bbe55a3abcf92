"""Who may vote and veto in a contest: seats are filled once, when it opens, and stay as they are."""

from collections.abc import Mapping

from bus.core.contest.contest import Electorate, Seat
from bus.core.frozen import replace
from bus.core.policy.contracts import Review
from bus.core.policy.terms import Terms

SEATS_MAX = 64  # as many as candidates: more nobody can read
# The opening lists every agent of every seat, and must stay far below a segment's 256 KiB at up to 400 bytes an id.
AGENTS_MAX = 256


def seat_agents(terms: Terms, agents: Mapping[str, frozenset[str]]) -> Electorate:
    """The electorate of a contest that opens now; ``agents`` has the roles of every registered agent.

    A seat named by an agent's id is its own; a role's seat is held by the agents with that role, in the order of their
    ids, at most `AGENTS_MAX` over the number of seats. An agent sits once: on its own seat, else on the first in the
    order of terms. A veto role without a seat gets one that has no vote.
    """
    names = terms.vote.seats[:SEATS_MAX]
    extra = tuple(dict.fromkeys(veto.role for veto in terms.veto if veto.role not in names))
    share = AGENTS_MAX // max(1, len(names) + len(extra))
    seated = {name for name in names if name in agents}
    seats = []
    for name in (*names, *extra):
        found = [name] if name in agents else _with_role(name, agents, seated)[:share]
        seated.update(found)
        seats.append(Seat(name, tuple(found), terms.vote.weight(name), has_vote=name in names))
    sitting = [agent for seat in seats for agent in seat.agents]
    roles = tuple(dict.fromkeys(veto.role for veto in terms.veto))
    vetoers = tuple((role, tuple(one for one in sitting if role in agents[one])) for role in roles)
    return Electorate(tuple(seats), vetoers)


def review_terms(terms: Terms, review: Review) -> Terms:
    """The terms of a review: the contract says who sits and how long the ballot lasts, the terms the rest."""
    ballot_ms = terms.vote.ballot_ms if review.ballot_ms is None else review.ballot_ms
    return replace(terms, vote=replace(terms.vote, seats=review.seats, ballot_ms=ballot_ms))


def _with_role(role: str, agents: Mapping[str, frozenset[str]], seated: set[str]) -> list[str]:
    return sorted(agent for agent, roles in agents.items() if role in roles and agent not in seated)
