"""One edition of a case file to be: the event that makes it, the subject as it stood, and the bytes it tells of."""

from collections.abc import Mapping
from dataclasses import field

from bus.core.contest.ballots import standing_ballot
from bus.core.contest.contest import Ballot, Contest
from bus.core.decision.contest_events import CaseChanged, CaseClosed, CaseOpened
from bus.core.decision.entries import Entry
from bus.core.decision.events import Event
from bus.core.frozen import dataclass, replace
from bus.core.log.records import Record
from bus.core.message.excerpts import Said, offset_of
from bus.core.outputs.witness import Situation
from bus.core.policy.terms import Terms
from bus.core.state.cases import Case
from bus.core.state.resource import Resource

CaseEvent = CaseOpened | CaseChanged | CaseClosed


@dataclass(frozen=True, slots=True)
class Edition:
    """What one edition of a case file is made from; nothing of it depends on when that is done."""

    entry: Entry
    event: Event
    what: CaseEvent
    situation: Situation
    records: Mapping[int, Record]
    _said: dict[int, Said] = field(default_factory=dict, compare=False)

    @property
    def subject(self) -> str:
        """What the case is about."""
        return self.event.subject

    @property
    def resource(self) -> Resource:
        """The subject, right before its case closed, or right after it opened or changed."""
        return self.situation.resource

    @property
    def case(self) -> Case:
        """The case itself."""
        case = self.situation.resource.case
        assert case is not None, f"{self.what.kind} of {self.subject} was seen without a case"
        return case

    @property
    def contest(self) -> Contest | None:
        """What competes, if the case came from a contest; the ballots of suspended agents do not stand."""
        contest, registry = self.situation.resource.contest, self.situation.registry
        if contest is None or not registry.suspended:
            return contest
        voters = {one.agent for one in contest.ballots}
        return replace(contest, suspended=frozenset(one for one in voters if registry.suspension_of(one)))

    @property
    def terms(self) -> Terms | None:
        """The terms the contest was opened with, else those in force."""
        if self.contest:
            return self.contest.terms
        return self.situation.registry.terms.get(self.subject.partition("/")[0])

    @property
    def is_open(self) -> bool:
        """Does it still wait for a person?"""
        return not isinstance(self.what, CaseClosed)

    def said(self, o: int) -> Said:
        """The message at an offset of ``bus.arbiter``."""
        return self._said.setdefault(o, Said(self.records.get(o)))

    def ballots(self) -> tuple[Ballot, ...]:
        """The ballot of each seat that stands, in the order of the seats."""
        contest = self.contest
        if contest is None:
            return ()
        found = (standing_ballot(contest, seat) for seat in contest.electorate.seats)
        return tuple(ballot for ballot in found if ballot is not None)


def offsets_of(edition: Edition) -> set[int]:
    """The records whose bytes this edition tells of, as offsets of ``bus.arbiter``."""
    contest, case = edition.contest, edition.case
    offsets = {action.o for action in edition.resource.held}
    offsets |= {one.o for one in case.parties}
    if case.waited:
        offsets.add(offset_of(case.waited.id))
    if contest:
        offsets |= {one.o for one in contest.candidates}
        offsets |= {offset_of(ballot.decision) for ballot in edition.ballots()}
        offsets |= {offset_of(move.decision) for move in contest.moves}
        if contest.over == "question":
            offsets.add(offset_of(contest.id))
    if isinstance(edition.what, CaseClosed) and edition.what.ruling:
        offsets.add(edition.entry.o)
    return offsets - {-1}
