"""How a resource stands at one moment: who holds it, until when, for whom it is kept, and what is known about it."""

from dataclasses import dataclass, field
from typing import Any, Literal

from bus.audit.kept import as_text, from_text
from bus.core.partition import TOKEN_GEN, TOKEN_OFFSET, PartitionState
from bus.core.resource import Resource

Word = Literal["free", "held", "ending", "reserved", "cooling"]


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
        """``held``, ``ending`` (its agent was suspended), ``reserved``, ``cooling`` or ``free``."""
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
