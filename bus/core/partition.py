"""The state of one partition of ``bus.arbiter``: its resources, its registry, its deadlines, and the fold of events."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import assert_never

from bus.core.control import SUSPENDED, Change, Registry, suspension_name
from bus.core.entries import Entry
from bus.core.events import (
    ActionAdmitted,
    AgentStatus,
    Confirmed,
    ControlSet,
    Denied,
    Ended,
    Event,
    FactStated,
    Granted,
    Handover,
    Recipients,
    Refused,
    Renewed,
    Reported,
)
from bus.core.resource import Fact, Holding, Resource, swept
from bus.core.terms import FACTS_TTL_MS
from bus.core.topics import DESK_LANE, lane_and_offset

UNREPORTED_MAX = 32  # an executor that is this far behind has its oldest report answered `late`
TOKEN_GEN = 1 << 44  # token = gen * 2^44 + offset * 2^8 + n: one integer below 2^53
TOKEN_OFFSET = 1 << 8
NOTHING = Resource()


@dataclass(slots=True)
class PartitionState:
    """Everything the arbiter knows in partition ``p``, folded from its journal. Times in milliseconds."""

    gen: int
    p: int
    registry: Registry
    now: int = 0
    next_offset: int = 0
    resources: dict[str, Resource] = field(default_factory=dict)
    last_of_lane: dict[str, str] = field(default_factory=dict)
    held_by: dict[str, set[str]] = field(default_factory=dict)
    _deadlines: list[tuple[int, str]] = field(default_factory=list)

    def decision(self, o: int, n: int) -> str:
        """The id of event ``n`` on the record at ``o``."""
        return f"{self.gen}.{self.p}.{o}.{n}"

    def token(self, o: int, n: int) -> int:
        """The fencing token of a grant: strictly rising per resource, comparable as a number."""
        return self.gen * TOKEN_GEN + o * TOKEN_OFFSET + n

    def resource(self, subject: str) -> Resource:
        """The state of a subject."""
        return self.resources.get(subject, NOTHING)

    def put(self, subject: str, resource: Resource) -> None:
        """Replace a subject's state and keep the indexes of deadlines and holders in step."""
        before = self.resource(subject)
        old, new = before.next_deadline(), resource.next_deadline()
        if old != new:
            if old is not None:
                del self._deadlines[bisect_left(self._deadlines, (old, subject))]
            if new is not None:
                insort(self._deadlines, (new, subject))
        if before.holding:
            self.held_by[before.holding.agent].discard(subject)
        if resource.holding:
            self.held_by.setdefault(resource.holding.agent, set()).add(subject)
        if resource == NOTHING:
            self.resources.pop(subject, None)
        else:
            self.resources[subject] = resource

    def next_deadline(self) -> int | None:
        """When the next tick has something to do; None if nothing is due, ever."""
        return self._deadlines[0][0] if self._deadlines else None

    def due_subjects(self, now: int) -> Iterator[str]:
        """The subjects with a deadline at or before ``now``."""
        for deadline, subject in self._deadlines:
            if deadline > now:
                return
            yield subject

    def sweep(self) -> None:
        """Drop the hand-overs, lock delays and facts that ended by ``now``."""
        for subject in list(self.due_subjects(self.now)):
            self.put(subject, swept(self.resource(subject), self.now))

    def recipients(self, *sources: str, lane: str = "") -> Recipients:
        """Lane and id of each source once; ``lane`` is that of the message answered, if one is.

        A lane that is no longer set is told nothing: its topics may be gone.
        """
        pairs: list[tuple[str, str]] = []
        for source in sources:
            its_lane = lane or DESK_LANE if "/person/" in source else self.registry.lane_of(source) or lane
            if its_lane in self.registry.lanes and (its_lane, source) not in pairs:
                pairs.append((its_lane, source))
        return tuple(pairs)

    def origin(self, src: str) -> tuple[str, int]:
        """Lane and offset a forwarded record came from."""
        found = lane_and_offset(src)
        assert found is not None, f"an entry of a valid segment names {src!r} as its origin"
        return found


def fold_event(state: PartitionState, entry: Entry, event: Event) -> None:  # noqa: C901 one case per kind, closed
    """Fold one event of an entry."""
    what, subject = event.what, event.subject
    match what:
        case Granted():
            _fold_grant(state, entry, subject, what)
        case Renewed():
            holding = _holding(state, subject)
            state.put(subject, replace(state.resource(subject), holding=replace(holding, until=what.until)))
        case Ended():
            _fold_end(state, entry, subject, what)
        case FactStated():
            ttl_ms = _facts_ttl_ms(state, subject)
            facts = {**state.resource(subject).facts, what.name: Fact(what.value, max(entry.at, state.now) + ttl_ms)}
            state.put(subject, replace(state.resource(subject), facts=facts))
        case ActionAdmitted() if what.token is not None:
            waiting = (*state.resource(subject).unreported, state.decision(entry.o, event.n))[-UNREPORTED_MAX:]
            state.put(subject, replace(state.resource(subject), unreported=waiting))
        case Reported() if what.result != "partial":
            waiting = tuple(d for d in state.resource(subject).unreported if d != what.action)
            state.put(subject, replace(state.resource(subject), unreported=waiting))
        case AgentStatus():
            value = {"select": what.select} if what.status == "suspended" else None
            change = state.registry.next_change(SUSPENDED, suspension_name(what.select), value)
            state.registry = state.registry.apply(change)
            if value is not None:
                _doom(state, state.decision(entry.o, event.n))
        case ControlSet():
            change = Change(what.control, what.kind_of, what.name, what.rev, what.value)
            state.registry = state.registry.apply(change)
            if what.kind_of == "agent":
                _doom(state, state.decision(entry.o, event.n))
        case Confirmed() | Denied() | Refused() | ActionAdmitted() | Reported():
            pass
        case _:
            assert_never(what)


def _holding(state: PartitionState, subject: str) -> Holding:
    holding = state.resource(subject).holding
    assert holding is not None, f"{subject} is renewed in a valid segment while nobody holds it"
    return holding


def _fold_grant(state: PartitionState, entry: Entry, subject: str, what: Granted) -> None:
    # The pinned lease needs no field of its own: until = max(at, now) + lease.
    lease_ms = what.until - max(entry.at, state.now)
    holding = Holding(what.agent, what.claim, what.token, what.until, lease_ms)
    state.put(subject, replace(state.resource(subject), holding=holding, handover=None))


def _fold_end(state: PartitionState, entry: Entry, subject: str, what: Ended) -> None:
    handover = what.handover
    if handover is not None and state.registry.suspension_of(handover.agent):
        handover = Handover(handover.agent, state.now)
    cooling_until = 0
    if what.reason == "expired":
        terms = state.registry.terms.get(subject.partition("/")[0])
        if terms is not None and terms.lock_delay_ms:
            cooling_until = entry.now + terms.lock_delay_ms
    ended = replace(state.resource(subject), holding=None, handover=handover, cooling_until=cooling_until)
    state.put(subject, ended)


def _facts_ttl_ms(state: PartitionState, subject: str) -> int:
    terms = state.registry.terms.get(subject.partition("/")[0])
    return terms.facts_ttl_ms if terms else FACTS_TTL_MS


def _doom(state: PartitionState, cause: str) -> None:
    """Make everything that suspended agents hold, or is kept for them, due at the next tick."""
    stopped = {agent for agent in state.held_by if state.registry.suspension_of(agent)}
    for agent in stopped:
        for subject in sorted(state.held_by[agent]):
            resource = state.resource(subject)
            if resource.holding and not resource.holding.doomed_by:
                doomed = replace(resource.holding, doomed_by=cause, due_ms=state.now)
                state.put(subject, replace(resource, holding=doomed))
    for subject, resource in list(state.resources.items()):
        handover = resource.handover
        if handover and state.registry.suspension_of(handover.agent):
            state.put(subject, replace(resource, handover=replace(handover, until=state.now)))
