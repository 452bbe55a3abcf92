"""Looks on while an entry is folded, and keeps each subject as it stood when a rung was reached or a case moved.

What goes out for such an event (excerpts, the case file) tells of that moment, live and when it is sent once more. A
case that opens or changes is told as it stands before anything else happens on its subject, one that closes as it stood
just before.
"""

from dataclasses import field

from bus.core.decision.contest_events import CaseChanged, CaseClosed, CaseOpened, Frozen, Joined, RungReached
from bus.core.decision.events import Event
from bus.core.frozen import dataclass
from bus.core.policy.control import Registry
from bus.core.state.partition import PartitionState
from bus.core.state.resource import Resource


@dataclass(frozen=True, slots=True)
class Situation:
    """A subject at the moment of an event, with what was in force."""

    resource: Resource
    registry: Registry


@dataclass(slots=True)
class Witness:
    """One entry's onlooker: give it to `bus.core.arbiter.evolve`, then ask for what it saw."""

    state: PartitionState
    _seen: dict[int, Situation] = field(default_factory=dict)
    _open: list[Event] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        """Something is about to be folded."""
        # The freeze and the parties of a wait are said right behind the case they belong to.
        if not isinstance(event.what, Frozen | Joined):
            self._settle(event.subject)
        match event.what:
            case CaseClosed():
                self._keep(event)
            case CaseOpened() | CaseChanged() | RungReached():
                self._open.append(event)
            case _:
                pass

    def situations(self) -> dict[int, Situation]:
        """What was seen, by the event's number, once the entry is folded."""
        for event in self._open:
            self._keep(event)
        self._open.clear()
        return self._seen

    def _settle(self, subject: str) -> None:
        for event in self._open:
            if event.subject == subject:
                self._keep(event)
        self._open = [event for event in self._open if event.subject != subject]

    def _keep(self, event: Event) -> None:
        self._seen[event.n] = Situation(self.state.resource(event.subject), self.state.registry)
