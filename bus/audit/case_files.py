"""One edition of a case file as a person reads it, and what a person can choose in it.

The file itself is docs/wire.md's: a field it has more is kept, one it lacks reads as "", 0 or nothing.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bus.audit.plain import name_of
from bus.core.log.records import Record
from bus.core.policy.contracts import JsonObject

READY, RESERVED = "ready", "reserved"
OPEN = frozenset({READY, RESERVED})
AWARD = "award"


@dataclass(frozen=True, slots=True)
class CaseFile:
    """One edition. ``at`` is when the bus wrote it, all times in epoch milliseconds; ``body`` is all of it."""

    case: str
    n: int
    rev: int
    state: str
    is_overdue: bool
    kind: str
    subject: str
    queue: str
    tier: int
    due: int | None
    why: str
    detail: str
    frozen_since: int
    person: str
    reserved_until: int
    alike: str
    at: int
    body: JsonObject

    @property
    def is_open(self) -> bool:
        """Does it still wait for a person?"""
        return self.state in OPEN

    def part(self, name: str) -> list[JsonObject]:
        """A list of the file, such as ``claims``; what is no object in it is left out."""
        found = self.body.get(name)
        return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


@dataclass(frozen=True, slots=True)
class Choice:
    """One ruling a person can give. ``number`` is its candidate's, from 1; 0 of what is no award.

    ``candidate`` is what an award names on the wire; ``agent`` whose claim that is, "" of an option; ``roles`` are
    those of the claim.
    """

    ruling: str
    effects: tuple[str, ...]
    is_irreversible: bool
    number: int = 0
    candidate: str = ""
    agent: str = ""
    claim: str = ""
    roles: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """How people call it: ``award 1 sales-1``, of an option ``award invoice``, ``reject_all``."""
        if not self.number:
            return self.ruling
        return f"{self.ruling} {self.number} {name_of(self.agent)}" if self.agent else f"{self.ruling} {self.candidate}"

    @property
    def short(self) -> str:
        """What is typed to choose it: a claim's number; an option's name, which may well be a number."""
        if not self.number:
            return self.ruling
        return f"{self.ruling} {self.number if self.agent else self.candidate}"

    def is_meant_by(self, given: str) -> bool:
        """May the candidate be called so: a claim by its number, id, claim's id or agent, an option by its name?"""
        names = {self.candidate}
        if self.agent:
            names |= {str(self.number), self.claim, self.agent, name_of(self.agent)}
        return bool(self.number) and given in names - {"", "somebody"}


def case_of(record: Record) -> CaseFile | None:
    """The edition in a record of ``bus.escalations``; None if it holds none."""
    try:
        body = json.loads(record.value or b"")
        return case_from_json(body, at=record.timestamp_ms)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def case_from_json(body: JsonObject, *, at: int) -> CaseFile:
    """The edition; raises `KeyError`, `TypeError`, `ValueError`, `AttributeError` if it is no case file."""
    why = body.get("why") or {}
    return CaseFile(
        case=str(body["case"]),
        n=int(body["n"]),
        rev=int(body["rev"]),
        state=str(body["state"]),
        is_overdue=bool(body.get("overdue")),
        kind=str(body.get("kind", "")),
        subject=str(body.get("subject", "")),
        queue=str(body.get("queue", "")),
        tier=int(body.get("tier", 0)),
        due=None if body.get("due") is None else int(body["due"]),
        why=str(why.get("reason", "")),
        detail=str(why.get("detail", "")),
        frozen_since=int(body.get("frozen_since") or 0),
        person=str(body.get("person") or ""),
        reserved_until=int(body.get("reserved_until") or 0),
        alike=str(body.get("alike") or ""),
        at=at,
        body=body,
    )


def choices(file: CaseFile) -> list[Choice]:
    """Everything a person can rule, in the file's order."""
    agents = {_candidate(one): one for one in file.part("claims")}
    numbers = _numbers(file)
    found: list[Choice] = []
    for one in file.part("rulings"):
        ruling, candidate = str(one.get("ruling", "")), str(one.get("candidate") or "")
        claim = agents.get(candidate, {})
        found.append(
            Choice(
                ruling,
                tuple(map(str, one.get("effects") or ())),
                bool(one.get("irreversible")),
                numbers[candidate] if ruling == AWARD else 0,
                candidate,
                str(claim.get("agent") or ""),
                str(claim.get("claim") or ""),
                tuple(map(str, claim.get("roles") or ())),
            )
        )
    return found


def numbered_claims(file: CaseFile) -> Iterator[tuple[int, JsonObject]]:
    """The claims with their numbers; one that can no longer be chosen has ``dropped``, or no award names it."""
    numbers = _numbers(file)
    for one in file.part("claims"):
        yield numbers[_candidate(one)], one


def _numbers(file: CaseFile) -> dict[str, int]:
    """Candidate -> number. Claims are numbered as they came, and who is out keeps its number: no other one gets it."""
    found: dict[str, int] = {}
    for one in file.part("claims"):
        found.setdefault(_candidate(one), len(found) + 1)
    for one in file.part("rulings"):
        if one.get("ruling") == AWARD:
            found.setdefault(str(one.get("candidate") or ""), len(found) + 1)
    return found


def _candidate(claim: JsonObject) -> str:
    return str(claim.get("candidate") or claim.get("decision") or "")
