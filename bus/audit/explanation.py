"""An explanation of one decision as values: who, what, how verified, under what, why, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bus.audit.contest_told import ContestTold
from bus.audit.decisions import Link, Proof, Setting
from bus.audit.original import Message, Released
from bus.audit.standing import Standing
from bus.core.policy.contracts import JsonObject


@dataclass(frozen=True, slots=True)
class Who:
    """Who spoke, and how that is known. ``sentence`` says it in plain words; ``registered`` is their registration.

    ``has_authorizer``: does this Kafka check now who writes? None where that is not known, as in an export.
    """

    id: str
    kind: Literal["agent", "person", "bus", "unknown"]
    lane: str
    principal: str
    registered_lane: str
    roles: tuple[str, ...]
    owner: str
    registered: Setting | None
    sentence: str
    has_authorizer: bool | None = None

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """Who spoke, as ``--json`` shows it; ``signature`` is there for what is to come."""
        return {
            "id": self.id,
            "kind": self.kind,
            "lane": self.lane,
            "principal": self.principal,
            "registered_lane": self.registered_lane,
            "roles": list(self.roles),
            "owner": self.owner,
            "registered": self.registered.to_json() if self.registered else None,
            "signature": None,
            "verified": self.sentence,
            "has_authorizer": self.has_authorizer,
        }


@dataclass(frozen=True, slots=True)
class Rests:
    """One thing the decision rests on: terms, contract or control, by its reference; ``set`` is who set it and when."""

    what: Literal["terms", "contract", "control"]
    ref: str
    set: Setting | None

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """What it rests on, as ``--json`` shows it; ``set`` null: it comes with agentbus, or is not known."""
        return {"what": self.what, "ref": self.ref, "set": self.set.to_json() if self.set else None}


@dataclass(frozen=True, slots=True)
class Around:
    """The decisions before and after, in one order."""

    where: str
    before: Link | None
    after: Link | None

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """The neighbours as ``--json`` shows them."""
        before, after = (link.to_json() if link else None for link in (self.before, self.after))
        return {"in": self.where, "before": before, "after": after}


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that can be said about one decision. Times in epoch milliseconds."""

    decision: str
    stage: Literal["gate", "arbiter"]
    at: int
    verdict: str
    reason: str
    event: JsonObject
    subject: str
    who: Who
    message: Message | None
    rests_on: Sequence[Rests]
    why: Sequence[str]
    violations: Sequence[JsonObject] = ()
    before: Standing | None = None
    after: Standing | None = None
    followed: Sequence[Link] = ()
    followed_left_out: int = 0
    released: Released | None = None
    around: Sequence[Around] = ()
    proof: Sequence[Proof] = ()
    again: Sequence[Link] = ()
    notes: Sequence[str] = field(default_factory=tuple)
    contest: ContestTold | None = None

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """The explanation as ``--json`` shows it: fields are added, never changed."""
        return {
            "decision": self.decision,
            "stage": self.stage,
            "at": self.at,
            "verdict": self.verdict,
            "reason": self.reason,
            "subject": self.subject,
            "event": dict(self.event),
            "who": self.who.to_json(),
            "message": self.message.to_json() if self.message else None,
            "rests_on": [one.to_json() for one in self.rests_on],
            "why": list(self.why),
            "violations": [dict(one) for one in self.violations],
            "before": self.before.to_json() if self.before else None,
            "after": self.after.to_json() if self.after else None,
            "followed": [link.to_json() for link in self.followed],
            "followed_left_out": self.followed_left_out,
            "released": self.released.to_json() if self.released else None,
            "around": [one.to_json() for one in self.around],
            "proof": [one.to_json() for one in self.proof],
            "again": [link.to_json() for link in self.again],
            "notes": list(self.notes),
            "contest": self.contest.to_json() if self.contest else None,
        }
