"""What one contested resource is in the tests' own fold: its holder, its reservation, its delay, its facts."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.acceptance.wire import Json

LISTED_MAX = 16  # values or roles in `wants` of a denial


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

    def missing(self, when: Json) -> Json:
        """What a denial as `stage` wants: the first fact by name that has none of its values; {} if all have."""
        for name in sorted(when):
            if self.facts.get(name) not in when[name]:
                is_so = {"is": self.facts[name]} if name in self.facts else {}
                return at_most({"fact": name, "values": when[name]} | is_so, "values")
        return {}


def at_most(wants: Json, name: str) -> Json:
    """A list of `wants` cut to what the wire allows, and said to be cut."""
    is_cut = len(wants[name]) > LISTED_MAX
    return {**wants, name: wants[name][:LISTED_MAX]} | ({"more": True} if is_cut else {})


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
