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
from dataclasses import field
from enum import IntEnum
from typing import NamedTuple

from bus.core.contest.contest import Candidate, Contest
from bus.core.decision.events import Handover, Refused
from bus.core.decision.reasons import ArbiterReason as Why
from bus.core.decision.wants import WantedFact, wanted_fact
from bus.core.frozen import dataclass, replace
from bus.core.policy.contracts import JsonObject
from bus.core.policy.terms import Terms
from bus.core.state.cases import Case, HeldAction, Wait


@dataclass(frozen=True, slots=True)
class Holding:
    """Who holds, by which claim, under which token, until when (ms). ``lease_ms`` was pinned at the grant.

    ``doomed_by`` is the decision of the suspension that ends it at the next tick, due at ``due_ms``. ``o`` is the
    offset of its claim's bytes on ``bus.arbiter``, -1 if it is not known.
    """

    agent: str
    claim: str
    token: int
    until: int
    lease_ms: int
    doomed_by: str = ""
    due_ms: int = 0
    o: int = -1


@dataclass(frozen=True, slots=True)
class Fact:
    """A stated value, known until ``until`` (ms)."""

    value: str | int | bool
    until: int


@dataclass(frozen=True, slots=True)
class Resource:
    """The state of one subject: a product, not a sum. One with nothing to tell equals ``Resource()``.

    ``cooldowns`` says until when (ms) who lost a challenge may not challenge again. ``doomed`` says since when (ms)
    candidates are suspended. ``last_contest`` is the id and the deadline of the contest that closed last. Between two
    events of one entry, ``won_o`` is where the claim that just won stands (-1: none did), ``passed`` the wait that just
    passed.
    """

    holding: Holding | None = None
    handover: Handover | None = None
    cooling_until: int = 0
    facts: Mapping[str, Fact] = field(default_factory=dict)
    unreported: tuple[str, ...] = ()
    contest: Contest | None = None
    case: Case | None = None
    held: tuple[HeldAction, ...] = ()
    wait: Wait | None = None
    cooldowns: Mapping[str, int] = field(default_factory=dict)
    doomed: Mapping[str, int] = field(default_factory=dict)
    last_contest: tuple[str, int] = ("", 0)
    won_o: int = -1
    passed: Wait | None = None

    @property
    def token(self) -> int:
        """The current fencing token, 0 if nobody holds."""
        return self.holding.token if self.holding else 0

    @property
    def claims(self) -> tuple[Candidate, ...]:
        """The claims that compete and can still win."""
        return self.contest.live if self.contest is not None and self.contest.over == "claims" else ()

    @property
    def parties(self) -> tuple[Candidate, ...]:
        """Who can still win: the claims that compete, or whom a case of a wait names."""
        return self.claims or tuple(one for one in (self.case.parties if self.case else ()) if not one.dropped)

    @property
    def stakeholders(self) -> set[str]:
        """The agents that a suspension ends something for: who holds, who competes, for whom it is kept."""
        found = {one.agent for one in self.claims} if self.contest is not None else set()
        if self.holding is not None:
            found.add(self.holding.agent)
        if self.handover is not None:
            found.add(self.handover.agent)
        return found

    @property
    def is_plain(self) -> bool:
        """Is there nothing but a holding, or nothing at all, that a deadline could be about?"""
        is_contested = self.contest is not None or self.case is not None or self.held or self.wait is not None
        is_kept = self.handover is not None or self.cooling_until or self.facts or self.cooldowns or self.doomed
        return not (is_contested or is_kept)

    def next_deadline(self) -> int | None:
        """The earliest time (ms) at which a tick changes something here."""
        if self.is_plain:  # nearly all, nearly always
            holding = self.holding
            if holding is None:
                return None
            return holding.due_ms if holding.doomed_by else holding.until
        times = [due.at for due in dues_of(self)]
        times += [fact.until for fact in self.facts.values()]
        times += self.cooldowns.values()
        if self.handover:
            times.append(self.handover.until)
        if self.cooling_until:
            times.append(self.cooling_until)
        return min(times, default=None)


class Ends(IntEnum):
    """What ends at a deadline; of one subject's at one moment the smaller comes first."""

    SUSPENDED = 0
    LEASE = 1
    CONTEST = 2
    DELAY = 3
    TIER = 4
    RESERVATION = 5
    HOLD = 6
    WAIT = 7


BEFORE_ANY = -1  # the holder's place: before any candidate


class Due(NamedTuple):
    """A deadline that a tick fires: when (ms), what ends, its place among its like, and whose (agent, held action)."""

    at: int
    what: Ends
    place: int = 0
    whose: str = ""


def dues_of(resource: Resource) -> list[Due]:
    """The deadlines of a subject that a tick says something about. While it is frozen, the lease clock stands still."""
    found = [
        Due(resource.doomed[one.agent], Ends.SUSPENDED, place, one.agent)
        for place, one in enumerate(resource.claims)
        if one.agent in resource.doomed
    ]
    if holding := resource.holding:
        if holding.doomed_by:
            found.append(Due(holding.due_ms, Ends.SUSPENDED, BEFORE_ANY))
        elif not resource.case:
            found.append(Due(holding.until, Ends.LEASE))
    contest = resource.contest
    if contest and not contest.case:
        found.append(Due(contest.deadline, Ends.CONTEST))
        if resource.cooling_until and contest.over == "claims":
            found.append(Due(resource.cooling_until, Ends.DELAY))  # a winner may wait for this
    if case := resource.case:
        found += [Due(case.due, Ends.TIER)] if case.due is not None else []
        found += [Due(case.reserved_until, Ends.RESERVATION)] if case.person else []
    found += [Due(one.until, Ends.HOLD, place, one.id) for place, one in enumerate(resource.held)]
    found += [Due(resource.wait.until, Ends.WAIT)] if resource.wait else []
    return found


@dataclass(frozen=True, slots=True)
class Moment:
    """When an act is judged: ``at`` of its message, ``now`` of the partition's ticks so far (ms)."""

    at: int
    now: int

    @property
    def later(self) -> int:
        """What leases and other deadlines start from."""
        return max(self.at, self.now)


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


def lease_wish(body: JsonObject) -> int | None:
    """The lease (ms) that a claim asks for, None if it leaves that to the terms."""
    wish = body.get("lease_ms")
    return int(wish) if wish is not None else None


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
    """The resource once ``now`` has been reached: what ends without an event (rule 4) is gone."""
    facts = resource.facts
    if any(fact.until <= now for fact in facts.values()):
        facts = {name: fact for name, fact in facts.items() if fact.until > now}
    cooldowns = resource.cooldowns
    if any(until <= now for until in cooldowns.values()):
        cooldowns = {agent: until for agent, until in cooldowns.items() if until > now}
    handover = resource.handover if resource.handover and resource.handover.until > now else None
    cooling_until = resource.cooling_until if resource.cooling_until > now else 0
    return replace(resource, handover=handover, cooling_until=cooling_until, facts=facts, cooldowns=cooldowns)


def is_delayed(resource: Resource, later: int) -> bool:
    """Does a lock delay keep a winner waiting? Effects outside the bus must end before the next holder begins."""
    return resource.holding is None and resource.cooling_until > later


def postponed(resource: Resource, now: int) -> Resource:
    """The resource after a tick that found its contest ready to settle within a lock delay: it is asked again then."""
    contest = resource.contest
    if contest is None or contest.over != "claims" or contest.case or contest.deadline > now:
        return resource
    if not is_delayed(resource, now):
        return resource
    return replace(resource, contest=replace(contest, deadline=resource.cooling_until))


def closed_until(resource: Resource, agent: str) -> int | None:
    """Until when (ms) this agent may not claim: a lock delay, a hand-over, a challenge it lost; None: it may."""
    if resource.holding is not None:
        return resource.cooldowns.get(agent)
    ends = [resource.cooling_until] if resource.cooling_until else []
    if resource.handover and resource.handover.agent != agent:
        ends.append(resource.handover.until)
    return max(ends, default=None)


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
