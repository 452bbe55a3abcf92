"""Ballots: who may cast one now, which of them count, and when a veto stands.

1. One ballot a seat: the last valid one in the log. Who votes again before the deadline takes its earlier ballot back.
2. ``at`` decides what is late, not the tick that closes the vote.
3. The ballot of a suspended voter is void while the suspension lasts; the number of seats stays.
4. What was chosen and can no longer win is struck from the ballot; nothing left is an abstention.
5. Among claims ``reject`` is a ballot for nobody: it takes part, and against a majority.
6. A veto is no rung: it counts from the opening to the end, whatever rung is on.
"""

from collections.abc import Sequence

from bus.core.contest.contest import REJECT, Ballot, Contest, Refusal, Seat
from bus.core.frozen import replace
from bus.core.policy.terms import VetoTerms

ABSTAIN = "abstain"
CHOICES_SHOWN = 4  # enough to see of what form they are; all of them stand in the opening
LISTS = ("approval", "schulze")  # the methods whose ballot is an approval set or a ranking


def read_choice(value: str | Sequence[str]) -> tuple[str, ...]:
    """The choice of a ballot's body: () for an abstention, else what was chosen, best first."""
    if isinstance(value, str):
        return () if value == ABSTAIN else (value,)
    return tuple(value)


def check_ballot(contest: Contest, agent: str, choice: tuple[str, ...], reason: str, *, at: int) -> Refusal | None:
    """None if a ballot sent at ``at`` (ms) is valid; else the first reason why not, in the order of the closed list."""
    vetoes = not contest.case and veto_by(contest, agent, choice, reason) is not None
    if not vetoes and (wrong := _wrong_choice(contest, choice)):
        return Refusal("not_allowed", wrong)
    is_on = _takes_ballots(contest)
    if contest.ballots_until and at >= contest.ballots_until and (is_on or not vetoes):
        return Refusal("late", f"ballots counted until {contest.ballots_until}")
    if vetoes and at >= contest.deadline:
        return Refusal("late", f"it went on to its next rung at {contest.deadline}: say it again there")
    if not is_on and not vetoes:
        return Refusal("not_your_turn", f"no vote is on: the contest is at {contest.rung_name or 'its window'}")
    seat = seat_of(contest, agent)
    if seat is None or not (seat.has_vote or vetoes):
        return Refusal("not_a_seat", "it sits on no seat of this contest, or has a stake in it")
    return None


def cast(contest: Contest, ballot: Ballot) -> Contest:
    """The contest with this ballot, which takes the place of the agent's earlier one."""
    others = tuple(one for one in contest.ballots if one.agent != ballot.agent)
    return replace(contest, ballots=(*others, ballot))


def seat_of(contest: Contest, agent: str) -> Seat | None:
    """The seat this agent sits on; None for the author, for claimants unless terms seat them, for everybody else."""
    if agent == contest.author and contest.over == "review":
        return None
    if not contest.terms.vote.claimants_vote and any(one.agent == agent for one in contest.candidates):
        return None
    return next((seat for seat in contest.electorate.seats if agent in seat.agents), None)


def voting_seats(contest: Contest) -> tuple[Seat, ...]:
    """The seats with a vote: what a quorum is measured against, whoever is suspended."""
    return tuple(seat for seat in contest.electorate.seats if seat.has_vote)


def counted_ballots(contest: Contest) -> tuple[Ballot, ...]:
    """At most one ballot a seat, in the order of the seats, as they count now."""
    live = choices_of(contest)
    found = (standing_ballot(contest, seat) for seat in voting_seats(contest))
    return tuple(replace(one, choice=tuple(name for name in one.choice if name in live)) for one in found if one)


def standing_ballot(contest: Contest, seat: Seat) -> Ballot | None:
    """The last ballot of a seat that is valid now, as it was sent."""
    return next((one for one in reversed(contest.ballots) if one.seat == seat.name and _is_valid(contest, one)), None)


def choices_of(contest: Contest) -> tuple[str, ...]:
    """What a ballot may name now: the live candidates, and among claims ``reject``."""
    live = tuple(one.id for one in contest.live)
    return (*live, REJECT) if contest.over == "claims" else live


def veto_by(contest: Contest, agent: str, choice: tuple[str, ...], reason: str) -> VetoTerms | None:
    """The terms by which this choice of this agent is a veto; None if it is none, and a plain ``reject`` at most."""
    if choice != (REJECT,) or seat_of(contest, agent) is None:
        return None
    roles = [role for role, agents in contest.electorate.vetoers if agent in agents]
    return next((veto for veto in contest.terms.veto if veto.role in roles and veto.covers(reason)), None)


def standing_veto(contest: Contest) -> tuple[Ballot, VetoTerms] | None:
    """The first veto that stands, with its terms; its author may still take it back by another ballot."""
    for ballot in contest.ballots:
        if ballot.agent not in contest.suspended:
            terms = veto_by(contest, ballot.agent, ballot.choice, ballot.reason)
            if terms is not None:
                return ballot, terms
    return None


def _takes_ballots(contest: Contest) -> bool:
    """Is a vote on? After a veto the others' ballots still enter the case file until the vote would have ended."""
    return contest.hears == "ballots" or (contest.case in ("veto", "wait") and contest.ballots_until > 0)


def _is_valid(contest: Contest, ballot: Ballot) -> bool:
    return ballot.agent not in contest.suspended and seat_of(contest, ballot.agent) is not None


def _wrong_choice(contest: Contest, choice: tuple[str, ...]) -> str:
    known = choices_of(contest)
    if strange := [one for one in choice if one not in known]:
        shown = ", ".join(known[:CHOICES_SHOWN]) + (" …" if len(known) > CHOICES_SHOWN else "")
        return f"{strange[0]} cannot be chosen here: choose among {shown}, or {ABSTAIN}"
    if len(choice) > 1 and contest.terms.vote.method not in LISTS:
        return f"by {contest.terms.vote.method} a ballot names one choice"
    if contest.over == "claims" and len(choice) > 1 and REJECT in choice:
        return f"{REJECT} stands alone: it is a ballot for nobody"
    return "a ballot names each choice once" if len(set(choice)) < len(choice) else ""
