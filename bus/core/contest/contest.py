"""A contest as a value: what competes, who votes, what was said so far, how far down the ladder it has come.

A contest is over claims, over {approve, reject} of an action under review, or over the options of a question. What it
opened with stays: terms, electorate, weights. Candidates stand in log order, dropped ones included, so that listings,
turns and "first" never depend on anything else.

The files around this one each hold one part of its life: `candidates` (open, join, drop, suspend), `electorate` (who
sits), `ballots` (cast, count, veto), `negotiation` (offers and turns), `ladder` (the walk from rung to rung). A check
says why not and changes nothing; a transition is total and is what a replay folds.
"""

from collections.abc import Mapping
from typing import Literal, Protocol

from bus.core.decision.contest_events import Over
from bus.core.frozen import dataclass
from bus.core.policy.terms import Terms

Hears = Literal["nothing", "ballots", "offers"]
MoveKind = Literal["offer", "accept", "quit", "left"]
Reason = Literal[
    "not_allowed", "already_claimed", "contest_full", "late", "contest_closed", "not_your_turn", "not_a_seat"
]

CANDIDATES_MAX = 64  # more than that no vote can tell apart; the 65th claimant hears `contest_full`
WINDOW = -1  # the place on the ladder before its first rung: claims are collected
NONE = "none"  # the winner where nobody wins
HUMAN, DENY = "human", "deny"
ENDS = (HUMAN, DENY)  # of a ladder: a case, or nobody wins
BALLOT_LADDER = ("vote", HUMAN)  # of reviews and questions, whatever the ladder for claims is
APPROVE, REJECT = "approve", "reject"


@dataclass(frozen=True, slots=True)
class Candidate:
    """What can win: a claim of ``agent`` (``id`` is the decision of its ``joined``), approve, reject, or an option.

    ``roles`` are those at the claim. ``dropped`` says why it can no longer win, "" while it can. ``lease_ms`` is the
    lease the claim asked for, None if it left that to the terms. ``o`` is the offset of the claim's bytes on
    ``bus.arbiter``, -1 where there is no claim.
    """

    id: str
    agent: str = ""
    claim: str = ""
    roles: frozenset[str] = frozenset()
    dropped: str = ""
    lease_ms: int | None = None
    o: int = -1


@dataclass(frozen=True, slots=True)
class Seat:
    """One vote, held by one or more agents (five replicas of a role are one seat); frozen at the opening.

    ``has_vote`` False: the agents of a veto role that no seat of the terms names; they can veto and nothing else.
    """

    name: str
    agents: tuple[str, ...]
    weight: int = 1
    has_vote: bool = True


@dataclass(frozen=True, slots=True)
class Electorate:
    """Who may vote and who may veto (role, agents), frozen at the opening."""

    seats: tuple[Seat, ...] = ()
    vetoers: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def agents_by_seat(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The seats as an opening lists them: name and agents."""
        return tuple((seat.name, seat.agents) for seat in self.seats)


@dataclass(frozen=True, slots=True)
class Ballot:
    """What an agent of a seat chose: one candidate, an approval set, a ranking (best first), or () to abstain.

    ``is_list``: it was sent as a list, also where that names one. ``decision`` is that of its ``voted``.
    """

    seat: str
    agent: str
    choice: tuple[str, ...]
    reason: str
    confidence: int | None = None
    reasoning_hash: str = ""
    is_list: bool = False
    decision: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """What a party (a candidate's id) did in a turn of a negotiation; ``left``: it was dropped.

    ``decision`` is that of its ``offered``, "" where it left.
    """

    turn: int
    party: str
    kind: MoveKind
    outcome: str = ""
    decision: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn it is, counted from 1, since when (ms), and the offer it may accept ("" if none stands)."""

    number: int
    party: str
    standing: str
    started: int


NO_TURN = Turn(0, "", "", 0)


@dataclass(frozen=True, slots=True)
class Contest:
    """One contest on one subject. All times in epoch milliseconds.

    ``rung`` is the place on ``ladder``, `WINDOW` before it; ``started`` and ``deadline`` are the rung's (the turn's, in
    a negotiation). ``ballots`` holds the last one of each agent, in log order. ``ballots_until`` is the end of the vote
    that was reached or begun, 0 without one. ``author`` acted or asked and has no seat in a review. ``until`` is the
    end a question asked for, None without one. ``is_for_person``: over the cost limit, only a person settles.
    ``case`` says why a person decides now, "" while none does; if that cut a vote short, ballots still enter the file.
    ``holder`` held when claims challenged it, "" if nobody did.
    """

    id: str
    over: Over
    terms: Terms
    electorate: Electorate
    opened: int
    started: int
    deadline: int
    candidates: tuple[Candidate, ...] = ()
    rung: int = WINDOW
    hears: Hears = "nothing"
    ballots: tuple[Ballot, ...] = ()
    ballots_until: int = 0
    moves: tuple[Move, ...] = ()
    turn: Turn = NO_TURN
    turns_max: int = 0
    suspended: frozenset[str] = frozenset()
    author: str = ""
    until: int | None = None
    is_for_person: bool = False
    case: Literal["", "ladder", "veto", "over_limit", "wait"] = ""
    holder: str = ""

    @property
    def ladder(self) -> tuple[str, ...]:
        """The rungs this contest knows, down to an end: reviews and questions are voted on, then a person decides."""
        if self.over != "claims":
            return BALLOT_LADDER
        end = next((one for one in self.terms.ladder if one in ENDS), HUMAN)
        return (*(one for one in self.terms.ladder if one not in ENDS), end)

    @property
    def rung_name(self) -> str:
        """The rung it stands on, "" in the window."""
        if self.case:
            return HUMAN
        return "" if self.rung == WINDOW else self.ladder[self.rung]

    @property
    def live(self) -> tuple[Candidate, ...]:
        """The candidates that can win, in log order."""
        return tuple(one for one in self.candidates if not one.dropped)


@dataclass(frozen=True, slots=True)
class View:
    """What a resolver sees of a contest on its rung: everything it may use, and nothing of how the bus keeps it.

    ``candidates`` are the live ones in log order. ``seats`` are those with a vote. ``ballots`` are the counted ones, at
    most one a seat, in the order of the seats, without choices that can no longer win; among claims ``reject`` is a
    ballot for nobody. ``moves`` and ``turn`` are the negotiation's. ``until`` is an end the question asked for, earlier
    than the rung's own. Times in milliseconds.
    """

    over: Over
    terms: Terms
    candidates: tuple[Candidate, ...]
    seats: tuple[Seat, ...]
    ballots: tuple[Ballot, ...]
    started: int
    moves: tuple[Move, ...] = ()
    turn: Turn = NO_TURN
    turns_max: int = 0
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Settle:
    """It is over: ``winner`` (a candidate's id, or "none") by which rung or rule, with the counts that show why.

    ``outcome`` is what a negotiation agreed on, or the reason of a veto.
    """

    winner: str
    by: str
    tally: tuple[tuple[str, int], ...] = ()
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to settle yet: ask again when something was said, or at the deadline (ms)."""

    deadline: int


@dataclass(frozen=True, slots=True)
class NextRung:
    """This rung has no result, and why: a tie, too few ballots, a missed turn."""

    why: str
    tally: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Escalate:
    """A person decides: the ladder came to ``human``, a ``veto`` asked for it, or the cost is ``over_limit``."""

    why: Literal["ladder", "veto", "over_limit", "wait"]


Resolution = Settle | Wait | NextRung


class Resolver(Protocol):
    """One strategy: a pure function of what stands in the view and of ``now``; it keeps nothing between two calls.

    ``hears`` says what may be sent while it is asked. ``bound_ms`` is the longest it takes with so many candidates,
    however the parties behave; the bus holds it to that.
    """

    @property
    def name(self) -> str:
        """The rung's name in terms, and ``by`` in the outcome."""

    @property
    def hears(self) -> Hears:
        """What counts on this rung: nothing, ballots, or offers."""

    def bound_ms(self, terms: Terms, candidates: int) -> int:
        """The longest this rung lasts, in milliseconds."""

    def resolve(self, view: View, now: int) -> Resolution:
        """Settle, wait or pass on. ``now`` is the time (ms) up to which deadlines have fired."""


Resolvers = Mapping[str, Resolver]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the contest does not take what was said: a reason of the closed list and a sentence for people."""

    reason: Reason
    detail: str
