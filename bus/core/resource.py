"""Who holds one resource: claims, leases, fencing tokens, hand-overs and facts, decided one act at a time.

    free      -- claim ------------------------------------> held
    held      -- claim by the holder, renew ---------------> held
    held      -- release, revoke, suspension, lease end ---> free
    held      -- release to an agent ----------------------> reserved
    held      -- lease end with a lock delay --------------> cooling
    reserved  -- claim by that agent ----------------------> held
    reserved  -- hand-over over, suspension ---------------> free
    cooling   -- lock delay over --------------------------> free

1. A holding ends by an event, never by a clock: until a tick ends it, others hear ``held``.
2. ``at >= until`` is late even if no tick has fired; ``at < until`` is never late.
3. A lease ends at max(at, now) + lease_ms, with the lease pinned at the grant, and never moves back.
4. Hand-overs, lock delays and facts end when a tick's ``now`` reaches them, without an event.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bus.core.events import Confirmed, Denied, Ended, Granted, Handover, Refused, Renewed, What
from bus.core.reasons import ArbiterReason as Why
from bus.core.terms import Terms
from bus.core.wants import WantedFact, wanted_fact, wanted_roles


@dataclass(frozen=True, slots=True)
class Holding:
    """Who holds, by which claim, under which token, until when (ms). ``lease_ms`` was pinned at the grant.

    ``doomed_by`` is the decision of the suspension that ends it at the next tick, due at ``due_ms``.
    """

    agent: str
    claim: str
    token: int
    until: int
    lease_ms: int
    doomed_by: str = ""
    due_ms: int = 0

    @property
    def deadline(self) -> int:
        """When a tick ends it."""
        return self.due_ms if self.doomed_by else self.until


@dataclass(frozen=True, slots=True)
class Fact:
    """A stated value, known until ``until`` (ms)."""

    value: str | int | bool
    until: int


@dataclass(frozen=True, slots=True)
class Resource:
    """The state of one subject; a resource with nothing to tell equals ``Resource()``."""

    holding: Holding | None = None
    handover: Handover | None = None
    cooling_until: int = 0
    facts: Mapping[str, Fact] = field(default_factory=dict)
    unreported: tuple[str, ...] = ()

    @property
    def token(self) -> int:
        """The current fencing token, 0 if nobody holds."""
        return self.holding.token if self.holding else 0

    def next_deadline(self) -> int | None:
        """The earliest time (ms) at which a tick changes something here."""
        times = [fact.until for fact in self.facts.values()]
        if self.holding:
            times.append(self.holding.deadline)
        if self.handover:
            times.append(self.handover.until)
        if self.cooling_until:
            times.append(self.cooling_until)
        return min(times, default=None)


@dataclass(frozen=True, slots=True)
class Moment:
    """When an act is judged: ``at`` of its message, ``now`` of the partition's ticks so far (ms)."""

    at: int
    now: int

    @property
    def later(self) -> int:
        """What leases and other deadlines start from."""
        return max(self.at, self.now)


@dataclass(frozen=True, slots=True)
class Claim:
    """An agent wants the resource; ``token`` is the one it would get."""

    agent: str
    id: str
    token: int
    roles: frozenset[str]
    is_registered: bool
    lease_ms: int | None


def decide_claim(resource: Resource, claim: Claim, terms: Terms, moment: Moment) -> What:
    """Grant, confirm or deny a claim (window 0, ``on_held: deny``)."""
    holding = resource.holding
    if holding and holding.agent == claim.agent:
        if moment.at >= holding.until:
            return Denied(claim.agent, claim.id, Why.LATE)
        return Confirmed(claim.agent, holding.claim, holding.token, holding.until)
    until = _cooling(resource, claim.agent)
    if holding is None and until is not None:
        return Denied(claim.agent, claim.id, Why.COOLING, until)
    if holding:
        return Denied(claim.agent, claim.id, Why.HELD, holding.until)
    if missing := missing_fact(resource, terms, moment.at):
        return Denied(claim.agent, claim.id, Why.STAGE, wants=missing)
    if not claim.is_registered:
        return Denied(claim.agent, claim.id, Why.NOT_ALLOWED)
    if terms.claimants is not None and claim.roles.isdisjoint(terms.claimants):
        return Denied(claim.agent, claim.id, Why.NOT_ALLOWED, wants=wanted_roles(terms.claimants))
    return Granted(claim.agent, claim.id, claim.token, moment.later + lease_of(claim.lease_ms, terms))


def decide_renewal(resource: Resource, agent: str, token: int, message_type: str, moment: Moment) -> What:
    """Extend the lease of the current holder, in time."""
    if failed := check_holder(resource, agent, token, message_type, moment):
        return failed
    holding = resource.holding
    assert holding is not None
    return Renewed(agent, token, max(holding.until, moment.later + holding.lease_ms))


def decide_release(
    resource: Resource, agent: str, token: int, message_type: str, to: str, handover_ms: int, moment: Moment
) -> What:
    """End the holder's own holding, at any time; with ``to`` keep the resource for that agent a while."""
    if failed := check_holder(resource, agent, token, message_type, None):
        return failed
    handover = Handover(to, moment.later + handover_ms) if to else None
    return Ended(agent, token, "released", handover=handover)


def decide_revocation(resource: Resource, operator: str, message_type: str) -> What:
    """End whatever holding there is."""
    if resource.holding is None:
        return Refused(operator, message_type, Why.FENCED, "nobody holds it", current=0)
    return Ended(resource.holding.agent, resource.holding.token, "revoked")


def check_holder(
    resource: Resource, agent: str, token: int, message_type: str, moment: Moment | None
) -> Refused | None:
    """None if ``agent`` holds with ``token`` and (unless ``moment`` is None) is in time; else why not."""
    holding = resource.holding
    if holding is None or holding.agent != agent or holding.token != token:
        detail = _fenced_detail(resource, agent, token)
        return Refused(agent, message_type, Why.FENCED, detail, token=token, current=resource.token)
    if moment is not None and moment.at >= holding.until:
        return Refused(agent, message_type, Why.LATE, f"the lease ended at {holding.until}", token=token)
    return None


def lease_of(wished_ms: int | None, terms: Terms) -> int:
    """The lease of a grant: the claim's wish, cut to the terms."""
    return terms.lease_ms if wished_ms is None else min(wished_ms, terms.lease_ms)


def missing_fact(resource: Resource, terms: Terms, at: int) -> WantedFact | None:
    """The first fact, by name, that at ``at`` (ms) is not what the terms ask for before a claim; None if all are.

    By name, for the journal has the terms with sorted keys: who folds it must find the same fact as who took them live.
    """
    for name, wanted in sorted((terms.when or {}).items()):
        fact = resource.facts.get(name)
        known = fact.value if fact is not None and at < fact.until else None
        if not any(_same(known, value) for value in wanted):
            return wanted_fact(name, wanted, known)
    return None


def swept(resource: Resource, now: int) -> Resource:
    """The resource once ``now`` has been reached: hand-over, lock delay and facts that ended are gone."""
    facts = resource.facts
    if any(fact.until <= now for fact in facts.values()):
        facts = {name: fact for name, fact in facts.items() if fact.until > now}
    handover = resource.handover if resource.handover and resource.handover.until > now else None
    cooling_until = resource.cooling_until if resource.cooling_until > now else 0
    return replace(resource, handover=handover, cooling_until=cooling_until, facts=facts)


def _cooling(resource: Resource, agent: str) -> int | None:
    """Until when nobody but the named agent may claim; None if anybody may."""
    if resource.cooling_until:
        return resource.cooling_until
    handover = resource.handover
    return handover.until if handover and handover.agent != agent else None


def _same(left: object, right: object) -> bool:
    return type(left) is type(right) and left == right


def _fenced_detail(resource: Resource, agent: str, token: int) -> str:
    holding = resource.holding
    if holding is None:
        return f"nobody holds it: token {token} is over; claim it again"
    if holding.agent != agent and holding.token == token:
        return f"token {token} is another agent's, who holds it; stop acting on it"
    if holding.agent != agent:
        return f"another agent holds it under token {holding.token}: token {token} is over; stop acting on it"
    return f"token {token} is not the current one, {holding.token}"
