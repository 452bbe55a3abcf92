"""A contest told as values: who competed by which terms, what happened, how it ended, what came of its case."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from bus.audit.decisions import Link
from bus.core.policy.contracts import JsonObject

State = Literal["open", "case", "settled", "closed"]


@dataclass(frozen=True, slots=True)
class CandidateTold:
    """Who or what could win; ``heard`` is how its own story ended, "" while it has not, ``sentence`` the same in words.

    ``priority`` counts from 1, None where the terms name none of its roles.
    """

    id: str
    agent: str
    claim: str
    roles: tuple[str, ...]
    priority: int | None
    heard: str
    sentence: str


@dataclass(frozen=True, slots=True)
class SeatTold:
    """A seat, who sat on it, what its ballot weighs, and whether one was received. ``has_vote`` False: veto only."""

    seat: str
    agents: tuple[str, ...]
    weight: int
    has_vote: bool
    has_voted: bool


@dataclass(frozen=True, slots=True)
class PassedTold:
    """A rung that had no result, when it was left (ms), and why."""

    rung: str
    at: int
    why: str
    tally: Mapping[str, int]
    sentence: str


@dataclass(frozen=True, slots=True)
class HeldTold:
    """A held action and what became of it: ``admitted``, ``refused`` with a reason, or "" as long as it waits."""

    decision: str
    type: str
    agent: str
    cost: int | None
    became: Literal["admitted", "refused", ""]
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class CaseTold:
    """The case it became: why, whose, frozen from when to when (ms; None: still), and how a person ruled.

    ``reason`` is what that person gave as the reason, "" if nobody ruled or the words are not kept any more.
    """

    id: str
    kind: str
    why: str
    queue: str
    state: str
    rev: int
    tier: int
    due: int | None
    is_overdue: bool
    frozen_since: int
    frozen_until: int | None
    reserved_by: str
    reserved_until: int | None
    ruling: str
    person: str
    candidate: str
    reason: str = ""
    sentences: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ContestTold:
    """The whole of it. Times in epoch milliseconds. ``ballots`` stay empty until the close; ``received`` counts them.

    ``contest`` is "" for a case that no contest came before. ``names`` says whom a candidate's id stands for.
    ``question`` is what was asked, "" if nothing was, or its words are not kept any more.
    """

    contest: str
    subject: str
    over: str
    state: State
    terms: str
    ladder: tuple[str, ...]
    rung: str
    opened: int
    deadline: int | None
    bound: int | None
    rules: Sequence[str]
    candidates: Sequence[CandidateTold]
    seats: Sequence[SeatTold]
    received: int
    ballots: Sequence[JsonObject]
    passed: Sequence[PassedTold]
    winner: str
    by: str
    tally: Mapping[str, int]
    why: Sequence[str]
    case: CaseTold | None
    held: Sequence[HeldTold]
    told: Sequence[Link]
    told_left_out: int
    followed: Sequence[Link]
    names: Mapping[str, str]
    question: str = ""

    @property
    def id(self) -> str:
        """What it is asked for by: the contest, else the case."""
        return self.contest or (self.case.id if self.case else "")

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """The contest as ``--json`` shows it."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}


def _plain(value: Any) -> Any:  # Any: a value of this file, or JSON
    if isinstance(value, Link):
        return value.to_json()
    if isinstance(value, CandidateTold | SeatTold | PassedTold | HeldTold | CaseTold):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
