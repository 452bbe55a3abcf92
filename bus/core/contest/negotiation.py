"""Offers: whose turn it is, what may be offered, which offer stands, and how a turn passes on.

    offer   -- a new outcome stands; everybody else is asked in turn -----> next party's turn
    accept  -- the party agrees to what stands ---------------------------> next party's turn
    quit    -- the party leaves the table; the resolver ends the rung
    left    -- a party was dropped: as if it had quit

With two parties these are alternating offers, with more the stacked alternating offers of Aydoğan, Festen, Hindriks and
Jonker (2017). No outcome is offered twice in a rung, by whomever, so a rung ends even without its bound on turns.
Parties are the live candidates, in log order.
"""

from bus.core.contest.contest import NO_TURN, Candidate, Contest, Move, MoveKind, Refusal, Turn
from bus.core.frozen import replace


def outcomes_of(contest: Contest) -> tuple[str, ...]:
    """What can be offered at all: the outcomes of the terms, else an award to each live candidate (by its id)."""
    return contest.terms.negotiate.outcomes or tuple(one.id for one in contest.live)


def offered(contest: Contest) -> tuple[str, ...]:
    """What was offered on this rung so far, in order."""
    return tuple(move.outcome for move in contest.moves if move.kind == "offer")


def check_move(
    contest: Contest, agent: str, kind: MoveKind, *, turn: int, at: int, outcome: str = ""
) -> Refusal | None:
    """None if this agent may make the move it sent at ``at`` (ms) for ``turn``; else why not."""
    if kind == "offer" and (wrong := _wrong_offer(contest, outcome)):
        return Refusal("not_allowed", wrong)
    if kind == "accept" and contest.turn.number == turn and not contest.turn.standing:
        return Refusal("not_allowed", "no offer stands: make one")
    is_on = contest.hears == "offers" and contest.turn.number == turn
    if is_on and at >= contest.deadline:
        return Refusal("late", f"turn {turn} ended at {contest.deadline}")
    if not is_on or not _party(contest, agent):
        on = f"turn {contest.turn.number} is on" if contest.hears == "offers" else "no negotiation is on"
        return Refusal("not_your_turn", on)
    return None


def sit_down(contest: Contest, *, start: int) -> Contest:
    """The contest with the first party's turn begun at ``start`` (ms)."""
    live = contest.live
    first = Turn(1, live[0].id, "", start) if live else NO_TURN
    return replace(contest, moves=(), turn=first, turns_max=contest.terms.negotiate.turns_max(len(live)))


def move(contest: Contest, kind: MoveKind, *, start: int, outcome: str = "", decision: str = "") -> Contest:
    """The contest after the party on turn offered, accepted or quit; the next turn begins at ``start`` (ms)."""
    now = contest.turn
    moves = (*contest.moves, Move(now.number, now.party, kind, outcome or now.standing, decision))
    if kind == "quit":
        return replace(contest, moves=moves)
    standing = outcome if kind == "offer" else now.standing
    turn = Turn(now.number + 1, _after(contest, now.party), standing, start)
    return replace(contest, moves=moves, turn=turn)


def leave(contest: Contest, candidate: str) -> Contest:
    """The table after a candidate was dropped: as if it had quit, so the resolver ends the rung."""
    if contest.hears != "offers":
        return contest
    return replace(contest, moves=(*contest.moves, Move(contest.turn.number, candidate, "left")))


def award(candidates: tuple[Candidate, ...], outcome: str) -> str:
    """Which candidate an outcome gives the subject to: the one with this id, else the only one with this role, else "".

    An agreed outcome that names nobody is an agreement that nobody gets it.
    """
    with_role = [one.id for one in candidates if outcome in one.roles]
    if any(one.id == outcome for one in candidates):
        return outcome
    return with_role[0] if len(with_role) == 1 else ""


def _wrong_offer(contest: Contest, outcome: str) -> str:
    if outcome not in outcomes_of(contest):
        return f"{outcome} is no outcome of this negotiation"
    return f"{outcome} was offered before: no offer is repeated" if outcome in offered(contest) else ""


def _party(contest: Contest, agent: str) -> bool:
    return any(one.id == contest.turn.party and one.agent == agent for one in contest.live)


def _after(contest: Contest, party: str) -> str:
    """The next live party after this one, round the table in log order."""
    order = [one.id for one in contest.candidates]
    place = order.index(party)
    live = {one.id for one in contest.live}
    return next(one for one in (*order[place + 1 :], *order[: place + 1]) if one in live)
