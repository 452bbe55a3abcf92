"""The state of one partition of ``bus.arbiter``: its resources, its registry, its deadlines, and the fold of events."""

from collections.abc import Iterator
from dataclasses import field

from bus.core.contest.contest import Electorate, Resolvers
from bus.core.contest.electorate import seat_agents
from bus.core.decision.entries import Entry
from bus.core.decision.events import AgentStatus, ControlSet, Event, Recipients
from bus.core.frozen import dataclass, replace
from bus.core.log.topics import DESK_LANE, lane_and_offset
from bus.core.policy.control import SUSPENDED, Change, Registry, suspension_name
from bus.core.policy.terms import Terms
from bus.core.state.calendar import Calendar
from bus.core.state.fold import Occasion, folded
from bus.core.state.resource import Moment, Resource, postponed, swept

TOKEN_GEN = 1 << 44  # token = gen * 2^44 + offset * 2^8 + n: one integer below 2^53
TOKEN_OFFSET = 1 << 8
NOTHING = Resource()


@dataclass(slots=True)
class PartitionState:
    """Everything the arbiter knows in partition ``p``, folded from its journal. Times in milliseconds.

    ``resolvers_version`` is written into every basis, so that a re-decision knows which strategies were in force.
    ``anchored`` is None unless records were lost and that was accepted: then it names the lanes heard of since.
    """

    gen: int
    p: int
    registry: Registry
    now: int = 0
    next_offset: int = 0
    resources: dict[str, Resource] = field(default_factory=dict)
    last_of_lane: dict[str, str] = field(default_factory=dict)
    anchored: frozenset[str] | None = None
    resolvers: Resolvers = field(default_factory=dict, compare=False)
    resolvers_version: int = field(default=0, compare=False)
    stakes: dict[str, set[str]] = field(default_factory=dict)
    _calendar: Calendar = field(default_factory=Calendar)
    _seated: dict[tuple[str, tuple[str, ...]], Electorate] = field(default_factory=dict)
    _seated_at: int = -1

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
        self._calendar.note(subject, resource.next_deadline())
        lost, won = self.resource(subject).stakeholders, resource.stakeholders
        if lost != won:
            for agent in lost - won:
                self.stakes[agent].discard(subject)
            for agent in won - lost:
                self.stakes.setdefault(agent, set()).add(subject)
        if resource.holding is None and resource == NOTHING:
            self.resources.pop(subject, None)
        else:
            self.resources[subject] = resource

    def fill(self, resources: dict[str, Resource]) -> None:
        """Put all subjects at once, where none is yet: their indexes are made in one go."""
        assert not self.resources, "only an empty partition is filled"
        self.resources = resources
        due = []
        for subject, resource in resources.items():
            if (deadline := resource.next_deadline()) is not None:
                due.append((deadline, subject))
            for agent in resource.stakeholders:
                self.stakes.setdefault(agent, set()).add(subject)
        self._calendar.fill(due)

    def next_deadline(self) -> int | None:
        """When the next tick has something to do; None if nothing is due, ever."""
        return self._calendar.first()

    def due_subjects(self, now: int) -> Iterator[tuple[int, str]]:
        """The subjects with a deadline at or before ``now``, each with its earliest, in (deadline, subject) order."""
        return self._calendar.until(now)

    def sweep(self) -> None:
        """Let go of what ended by ``now`` without an event."""
        for _, subject in list(self.due_subjects(self.now)):
            self.put(subject, postponed(swept(self.resource(subject), self.now), self.now))

    def occasion(self, entry: Entry) -> Occasion:
        """What the events of an entry are about."""
        at = self.now if entry.verdict == "tick" else entry.at
        contract = entry.basis.contract if entry.basis else ""
        prefix = f"{self.gen}.{self.p}.{entry.o}"
        moment = Moment(at, self.now)
        return Occasion(prefix, moment, entry.source, contract, self.registry, self.resolvers, self.electorate)

    def electorate(self, terms: Terms) -> Electorate:
        """Who sits in a contest that opens now: looked up once for each list of seats, until something is set."""
        if self._seated_at != self.registry.number:
            self._seated, self._seated_at = {}, self.registry.number
        key = (terms.ref, terms.vote.seats)
        if key not in self._seated:
            roles = {one.id: one.roles for one in self.registry.agents.values()}
            self._seated[key] = seat_agents(terms, roles)
        return self._seated[key]

    def recipients(self, *sources: str, sender: str = "", lane: str = "") -> Recipients:
        """Lane and id of each source once; ``lane`` is that of the message answered, whose ``sender`` hears there.

        A lane that is no longer set is told nothing: its topics may be gone.
        """
        pairs: dict[tuple[str, str], None] = {}
        for source in sources:
            theirs = lane if source == sender else ""
            its_lane = theirs or DESK_LANE if "/person/" in source else self.registry.lane_of(source) or theirs
            if its_lane in self.registry.lanes:
                pairs[its_lane, source] = None
        return tuple(pairs)

    def may_anchor(self, lane: str) -> bool:
        """May this lane go on from any newer message? Once, after records were lost and that was accepted."""
        return self.anchored is not None and lane not in self.anchored

    def origin(self, src: str) -> tuple[str, int]:
        """Lane and offset a forwarded record came from."""
        found = lane_and_offset(src)
        assert found is not None, f"an entry of a valid segment names {src!r} as its origin"
        return found


def fold_event(state: PartitionState, entry: Entry, event: Event, occasion: Occasion) -> None:
    """Fold one event of an entry."""
    what = event.what
    match what:
        case AgentStatus():
            value = {"select": what.select} if what.status == "suspended" else None
            change = state.registry.next_change(SUSPENDED, suspension_name(what.select), value)
            state.registry = state.registry.apply(change)
            if value is not None:
                doom(state, state.decision(entry.o, event.n))
        case ControlSet():
            change = Change(what.control, what.kind_of, what.name, what.rev, what.value)
            state.registry = state.registry.apply(change)
            if what.kind_of == "agent":
                doom(state, state.decision(entry.o, event.n))
        case _:
            before = state.resource(event.subject)
            after = folded(before, event.subject, event.n, what, occasion)
            if after is not before:
                state.put(event.subject, after)


def doom(state: PartitionState, cause: str) -> None:
    """Make everything that suspended agents hold, claim, or is kept for them, due at the next tick."""
    stopped = {agent for agent in state.stakes if state.registry.suspension_of(agent)}
    for agent in stopped:
        for subject in sorted(state.stakes[agent]):
            state.put(subject, _doomed(state.resource(subject), agent, cause, state.now))


def _doomed(resource: Resource, agent: str, cause: str, now: int) -> Resource:
    holding, handover = resource.holding, resource.handover
    if handover is not None and handover.agent == agent:
        return replace(resource, handover=replace(handover, until=min(handover.until, now)))
    if holding is not None and holding.agent == agent:
        if holding.doomed_by:
            return resource
        return replace(resource, holding=replace(holding, doomed_by=cause, due_ms=now))
    return resource if agent in resource.doomed else replace(resource, doomed={**resource.doomed, agent: now})
