"""What happens in contests, cases and waits: the events of everything that is not settled at once.

Fields that are None are absent on the wire. What an agent chose or offered stands in the journal alone until the close
(`bus.core.outputs.sealed` says what leaves it).
"""

from collections.abc import Mapping
from dataclasses import field
from typing import ClassVar, Literal

from bus.core.frozen import dataclass
from bus.core.policy.contracts import JsonObject

Over = Literal["claims", "review", "question"]
CaseKind = Literal["claims", "approval", "question", "wait"]
CaseWhy = Literal["ladder", "veto", "over_limit", "wait"]
CaseState = Literal["ready", "reserved", "closed", "obsolete"]
Seats = tuple[tuple[str, tuple[str, ...]], ...]  # (seat, its agents)


@dataclass(frozen=True, slots=True)
class ContestOpened:
    """A contest is open until ``deadline`` at first, and settled or a case by ``bound`` (ms).

    ``candidates`` are those there from the start: none of claims, which join; approve and reject; or the options.
    ``held`` is the decision that holds the action under review.
    """

    kind: ClassVar[str] = "contest_opened"
    over: Over
    terms: str
    method: str
    candidates: tuple[str, ...]
    seats: Seats
    deadline: int
    bound: int
    held: str | None = None


@dataclass(frozen=True, slots=True)
class Joined:
    """A claim became a candidate; this event's decision is the candidate's id. ``lease_ms`` is the lease it asked.

    Of a contest: until when (ms) claims are collected, and by when it is settled or a case.
    """

    kind: ClassVar[str] = "joined"
    contest: str
    agent: str
    claim: str
    reasoning_hash: str | None = None
    lease_ms: int | None = None
    deadline: int | None = None
    bound: int | None = None


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A claimant took its claim back."""

    kind: ClassVar[str] = "withdrawn"
    agent: str
    claim: str
    contest: str


@dataclass(frozen=True, slots=True)
class RungReached:
    """The contest stands on the next rung of its ladder, until ``deadline`` (ms) at most."""

    kind: ClassVar[str] = "rung"
    contest: str
    rung: str
    deadline: int


@dataclass(frozen=True, slots=True)
class TurnBegun:
    """It is the turn of ``party`` (an agent) until ``deadline`` (ms); ``standing`` is the offer on the table, or ""."""

    kind: ClassVar[str] = "turn"
    contest: str
    turn: int
    party: str
    standing: str
    deadline: int


@dataclass(frozen=True, slots=True)
class Voted:
    """A seat's ballot was received. ``choice`` is one name, a list, or ``abstain``, as it was sent."""

    kind: ClassVar[str] = "voted"
    contest: str
    seat: str
    agent: str
    choice: str | tuple[str, ...]
    reason: str
    confidence: int | None = None
    reasoning_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Offered:
    """The party on turn spoke: an offer, or (``move``) it accepted what stands, or quit."""

    kind: ClassVar[str] = "offered"
    contest: str
    turn: int
    agent: str
    outcome: str | None = None
    move: Literal["accept", "quit"] | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """The contest is over: ``winner`` is a candidate, approve, reject, an option or "none"; now the ballots are open.

    ``outcome`` is what a negotiation agreed on, or the reason of a veto.
    """

    kind: ClassVar[str] = "settled"
    contest: str
    winner: str
    by: str
    tally: Mapping[str, int] = field(default_factory=dict)
    ballots: tuple[JsonObject, ...] = ()
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class ActionHeld:
    """The action at ``o`` waits for a decision, until ``until`` (ms) at most; its bytes stay on ``bus.arbiter``.

    What is needed when it is looked at again: ``cost``, the ``fact`` it states (name, value), its ``expiry`` (ms).
    """

    kind: ClassVar[str] = "action_held"
    o: int
    agent: str
    token: int
    type: str
    hash: str
    until: int
    contest: str | None = None
    case: str | None = None
    cost: int | None = None
    fact: tuple[str, str | int | bool] | None = None
    expiry: int | None = None


@dataclass(frozen=True, slots=True)
class ActionRefused:
    """The action at ``o``, held by decision ``held``, will not be done."""

    kind: ClassVar[str] = "action_refused"
    o: int
    agent: str
    token: int
    reason: str
    held: str


@dataclass(frozen=True, slots=True)
class Frozen:
    """Nothing moves on the subject until the case is closed."""

    kind: ClassVar[str] = "frozen"
    case: str


@dataclass(frozen=True, slots=True)
class Unfrozen:
    """The freeze is over; a holder holds until ``until`` (ms), absent if nobody holds."""

    kind: ClassVar[str] = "unfrozen"
    case: str
    until: int | None = None


@dataclass(frozen=True, slots=True)
class CaseOpened:
    """A person decides from here on: in ``queue``, until ``due`` (ms) before it goes up a tier.

    ``case`` is this event's own decision. ``file_hash`` is that of the case file, "" until the stage has written it.
    """

    kind: ClassVar[str] = "case_opened"
    case: str
    over: CaseKind
    why: CaseWhy
    queue: str
    due: int | None
    file_n: int = 1
    rev: int = 1
    state: CaseState = "ready"
    file_hash: str = ""
    tier: int = 0


@dataclass(frozen=True, slots=True)
class CaseChanged:
    """The case file has a new revision (``rev``, if what a ruling covers moved) or a new edition (``file_n``)."""

    kind: ClassVar[str] = "case_changed"
    case: str
    file_n: int
    rev: int
    state: CaseState
    tier: int
    due: int | None = None
    overdue: bool | None = None
    person: str | None = None
    reserved_until: int | None = None
    file_hash: str = ""


@dataclass(frozen=True, slots=True)
class CaseClosed:
    """A person has ruled, or there was nothing left to rule on (``state`` obsolete)."""

    kind: ClassVar[str] = "case_closed"
    case: str
    file_n: int
    rev: int
    state: CaseState
    ruling: str | None = None
    person: str | None = None
    reason_hash: str | None = None
    candidate: str | None = None
    file_hash: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The holder waits for somebody (``for`` on the wire) until ``until`` (ms); then people are told."""

    kind: ClassVar[str] = "waiting"
    wait: str
    agent: str
    for_: str
    until: int


@dataclass(frozen=True, slots=True)
class WaitEnded:
    """The wait is over: resumed, expired, or its holding ended."""

    kind: ClassVar[str] = "wait_ended"
    wait: str
    reason: str


ContestWhat = (
    ContestOpened
    | Joined
    | Withdrawn
    | RungReached
    | TurnBegun
    | Voted
    | Offered
    | Settled
    | ActionHeld
    | ActionRefused
    | Frozen
    | Unfrozen
    | CaseOpened
    | CaseChanged
    | CaseClosed
    | Waiting
    | WaitEnded
)
