"""What one contested resource is in the tests' own fold: its holder, its reservation, its delay, its facts."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.acceptance.wire import Json


@dataclass(slots=True)
class Holding:
    """Who holds, by which token, until when; `due_ms` is when its holder was suspended (0: it is not)."""

    agent: str
    claim: str
    token: int
    until_ms: int
    lease_ms: int
    due_ms: int = 0


@dataclass(slots=True)
class Resource:
    """A resource without contests: holding, reservation, lock delay, facts."""

    holding: Holding | None = None
    reserved_for: str = ""
    reserved_until_ms: int = 0
    locked_until_ms: int = 0
    facts: dict[str, Json] = field(default_factory=dict)

    def cooling_until(self, agent: str) -> int:
        """When this agent may claim the free resource again; 0 is now."""
        if self.reserved_for and self.reserved_for != agent:
            return self.reserved_until_ms
        return self.locked_until_ms

    def meets(self, when: Json) -> bool:
        """Whether every fact the terms ask for is one of the listed values."""
        return all(self.facts.get(name) in values for name, values in when.items())


@dataclass(slots=True)
class Act:
    """One forwarded message as the arbiter sees it."""

    type: str
    source: str
    id: str
    subject: str
    at_ms: int
    expiry_ms: int | None
    token: int | None
    body: Json
    roles: tuple[str, ...]
    is_suspended: bool
    terms: Json


@dataclass(slots=True)
class Outcome:
    """What the arbiter must say of one record; the events of a tick that revokes may stand in any order."""

    verdict: str
    reason: str = ""
    events: list[Json] = field(default_factory=list)
    is_ordered: bool = True
