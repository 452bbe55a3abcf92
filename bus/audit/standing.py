"""How a resource stands at one moment: who holds it, until when, for whom it is kept, and what is known about it."""

from dataclasses import dataclass, field
from typing import Any, Literal

from bus.audit.kept import as_text, from_text
from bus.core.contest.ballots import counted_ballots
from bus.core.contest.bound import bound_ms
from bus.core.contest.contest import Contest
from bus.core.state.cases import Case, HeldAction, Wait
from bus.core.state.partition import TOKEN_GEN, TOKEN_OFFSET, PartitionState
from bus.core.state.resource import Resource
from resolvers import RESOLVERS

Word = Literal["free", "held", "ending", "reserved", "cooling", "contested", "frozen"]


@dataclass(slots=True)
class WatchedState(PartitionState):
    """The core's own state of a partition, which also notes the subjects that change."""

    touched: dict[str, None] = field(default_factory=dict)

    def put(self, subject: str, resource: Resource) -> None:
        """Replace a subject's state, as the core does, and note it."""
        if resource != self.resource(subject):
            self.touched[subject] = None
        PartitionState.put(self, subject, resource)


@dataclass(frozen=True, slots=True)
class Standing:
    """A resource and since when (``at`` of the grant, ms; 0 if nobody holds) it is held."""

    subject: str
    resource: Resource
    since: int = 0

    @property
    def word(self) -> Word:
        """Frozen (a person decides) comes before ending (its agent was suspended), contested, held, and the others."""
        if self.resource.case:
            return "frozen"
        if self.resource.contest and not (self.resource.holding and self.resource.holding.doomed_by):
            return "contested"
        if self.resource.holding:
            return "ending" if self.resource.holding.doomed_by else "held"
        if self.resource.cooling_until:
            return "cooling"
        return "reserved" if self.resource.handover else "free"

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """The standing as ``--json`` shows it: times in epoch milliseconds, null where there is none."""
        holding, handover = self.resource.holding, self.resource.handover
        return {
            "subject": self.subject,
            "state": self.word,
            "holder": holding.agent if holding else None,
            "claim": holding.claim if holding else None,
            "token": holding.token if holding else None,
            "until": holding.until if holding else None,
            "since": self.since or None,
            "lease_ms": holding.lease_ms if holding else None,
            "ended_by": holding.doomed_by or None if holding else None,
            "reserved_for": handover.agent if handover else None,
            "reserved_until": handover.until if handover else None,
            "cooling_until": self.resource.cooling_until or None,
            "facts": {name: fact.value for name, fact in sorted(self.resource.facts.items())},
            "awaiting_report": list(self.resource.unreported),
            "contest": _contest(self.resource.contest),
            "case": _case(self.resource.case),
            "held_actions": [_held(one) for one in self.resource.held],
            "wait": _wait(self.resource.wait),
            "cooldowns": dict(sorted(self.resource.cooldowns.items())),
        }


def resource_to_text(resource: Resource) -> str:
    """The resource as the index keeps it."""
    return as_text(resource)


def resource_from_text(text: str) -> Resource:
    """Read it back."""
    return from_text(Resource, text)


def granted_at(token: int, gen: int) -> tuple[int, int]:
    """Input offset and event number of the grant behind a fencing token."""
    return divmod(token - gen * TOKEN_GEN, TOKEN_OFFSET)


def _contest(contest: Contest | None) -> dict[str, Any] | None:  # Any: JSON
    """The open contest: where it stands, until when, and how many have spoken; nothing of what they said."""
    if contest is None:
        return None
    return {
        "contest": contest.id,
        "over": contest.over,
        "rung": contest.rung_name or "window",
        "opened": contest.opened,
        "deadline": None if contest.case else contest.deadline,
        "candidates": [one.id for one in contest.live],
        "seats": len([seat for seat in contest.electorate.seats if seat.has_vote]),
        "received": len(counted_ballots(contest)),
        "turn": contest.turn.number if contest.hears == "offers" else None,
        "bound": contest.opened + bound_ms(contest.terms, contest.over, RESOLVERS),
    }


def _case(case: Case | None) -> dict[str, Any] | None:  # Any: JSON
    if case is None:
        return None
    return {
        "case": case.id,
        "kind": case.over,
        "why": case.why,
        "queue": case.escalate.queue,
        "state": case.state,
        "rev": case.rev,
        "tier": case.tier,
        "due": case.due,
        "overdue": case.is_overdue,
        "frozen_since": case.opened,
        "reserved_by": case.person or None,
        "reserved_until": case.reserved_until or None,
    }


def _held(one: HeldAction) -> dict[str, Any]:  # Any: JSON
    return {"decision": one.id, "type": one.type, "agent": one.agent, "cost": one.cost, "until": one.until}


def _wait(wait: Wait | None) -> dict[str, Any] | None:  # Any: JSON
    return None if wait is None else {"wait": wait.id, "agent": wait.agent, "for": wait.whom, "until": wait.until}
