"""What one contested subject is: who holds it, what competes for it, which case freezes it, what is held back."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.contests.oracle.log import Json


@dataclass(slots=True)
class Holding:
    """Who holds, by which token, until when; `due` is when a suspension ends it."""

    agent: str
    claim: str
    token: int
    until: int
    lease_ms: int
    due: int | None = None
    cause: str = ""


@dataclass(slots=True)
class Candidate:
    """One claim in a contest; dead once it was withdrawn, dropped or denied."""

    id: str
    agent: str
    claim: str
    lease_ms: int | None = None
    is_holder: bool = False
    is_live: bool = True
    roles: tuple[str, ...] = ()
    due: int | None = None


@dataclass(slots=True)
class Ballot:
    """What one agent of a seat says; a later one of the same agent takes its place."""

    seat: str
    agent: str
    choice: Json
    reason: str
    confidence: int | None


@dataclass(slots=True)
class Contest:
    """One contest. `phase`: window, vote, counted, negotiate, delay, human.

    `seats` vote; `veto_seats` can veto and nothing else; `vetoers` says who has the veto of a role. All three are as
    they were when it opened. `ballots` has the last one of each agent, in log order. `outcome` is what a negotiation
    agreed on, or the reason of a veto.
    """

    id: str
    over: str
    terms: Json
    seats: list[tuple[str, list[str]]]
    deadline: int
    phase: str
    veto_seats: list[tuple[str, list[str]]] = field(default_factory=list)
    vetoers: dict[str, list[str]] = field(default_factory=dict)
    is_challenge: bool = False
    candidates: list[Candidate] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    method: str = ""
    rung: int = -1
    window_end: int = 0
    ballot_end: int | None = None
    rung_end: int = 0
    ballots: dict[str, Ballot] = field(default_factory=dict)
    is_cut_short: bool = False
    is_over_limit: bool = False
    actor: str = ""
    decided: tuple[str, str, Json] = ("", "", None)
    turn: int = 0
    turns_max: int = 0
    parties: list[Candidate] = field(default_factory=list)
    standing: str = ""
    accepts: int = 0
    used: list[str] = field(default_factory=list)
    outcome: str = ""

    def live(self) -> list[Candidate]:
        """Candidates that can still win, in log order."""
        return [candidate for candidate in self.candidates if candidate.is_live]

    def seated(self) -> list[str]:
        """Everybody who sits on a seat of it, with a vote or without."""
        return [agent for _, agents in (*self.seats, *self.veto_seats) for agent in agents]

    def choices(self) -> list[str]:
        """What a ballot may name now."""
        return [c.id for c in self.live()] if self.over == "claims" else self.options


@dataclass(slots=True)
class Held:
    """A guarded action that waits: the decision that held it, its record, and until when."""

    decision: str
    o: int
    agent: str
    token: int
    type: str
    contract: Json
    cost: int | None
    expiry: int | None
    until: int


@dataclass(slots=True)
class Case:
    """An open case: what a person has to decide, and how far up it went."""

    id: str
    kind: str
    escalate: Json
    due: int | None
    rev: int = 1
    file_n: int = 1
    tier: int = 0
    is_overdue: bool = False
    person: str = ""
    reserved_until: int = 0
    parties: list[Candidate] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Wait:
    """A holder that waits for somebody, until when."""

    id: str
    agent: str
    whom: str
    until: int


@dataclass(slots=True)
class Subject:
    """A product of parts that live side by side (the specification of contests, section 2)."""

    name: str
    holding: Holding | None = None
    contest: Contest | None = None
    case: Case | None = None
    wait: Wait | None = None
    held: list[Held] = field(default_factory=list)
    reserved_for: str = ""
    reserved_until: int = 0
    lock_until: int = 0
    cooldowns: dict[str, int] = field(default_factory=dict)
    facts: dict[str, tuple[Json, int]] = field(default_factory=dict)
    closed: tuple[str, int] = ("", 0)
    reportable: list[str] = field(default_factory=list)
