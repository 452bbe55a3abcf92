"""A decision of the arbiter with everything its reasons need: what was in force, and how things stood."""

from dataclasses import dataclass, replace

from bus.audit.contest_sentences import no_result
from bus.audit.decisions import ArbiterDecision
from bus.audit.lookup import Lookup
from bus.audit.plain import Clock, name_of
from bus.audit.right_before import passed_before, resource_before, with_suspended
from bus.audit.standing import Standing
from bus.core.contest.contest import Contest
from bus.core.decision.contest_events import Settled
from bus.core.decision.entries import Entry
from bus.core.policy.control import Registry
from bus.core.policy.terms import Terms
from bus.core.state.resource import Resource


@dataclass(frozen=True, slots=True)
class Situation:
    """A decision of the arbiter with everything its reasons need: what was in force, and how things stood."""

    decision: ArbiterDecision
    lookup: Lookup
    registry: Registry
    before: Standing
    after: Standing
    clock: Clock

    @property
    def entry(self) -> Entry:
        """The decision on the record."""
        return self.decision.entry

    @property
    def terms(self) -> Terms | None:
        """The terms in force for the subject."""
        return self.registry.terms.get(self.before.subject.partition("/")[0])

    @property
    def sender(self) -> str:
        """Who sent it, by the short name."""
        return name_of(self.entry.source)

    @property
    def resource(self) -> Resource:
        """The subject right before the event itself."""
        return resource_before(self.lookup, self.decision)

    @property
    def contest(self) -> Contest | None:
        """Its contest right before the event itself, with the agents of it that were suspended then."""
        contest = self.resource.contest
        return None if contest is None else with_suspended(contest, self.registry)

    def passed(self) -> list[str]:
        """The rungs that were left without a result since the event before; no counts as long as it is open."""
        contest = self.contest
        if contest is None:
            return []
        now = self.lookup.present(self.before.subject).resource.contest
        is_sealed = now is not None and now.id == contest.id
        return [no_result(contest, one, is_sealed=is_sealed) for one in passed_before(self.lookup, self.decision)]

    def settled(self) -> tuple[Contest, Settled] | None:
        """The contest that the same record settled before this event, and how."""
        event = self.decision.event
        for earlier in self.entry.events[: event.n if event else 0]:
            if isinstance(earlier.what, Settled) and earlier.subject == self.before.subject:
                at_the_end = replace(self, decision=replace(self.decision, event=earlier))
                contest = at_the_end.contest
                return (contest, earlier.what) if contest else None
        return None
