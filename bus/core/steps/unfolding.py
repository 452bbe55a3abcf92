"""What one record brings about: events said one after another, each folded at once, so that the next knows of it.

A decision only reads the partition; what it changes on the way stands on copies of the subjects it touches, and becomes
the partition's state when the entry is folded. The two are the same fold (`bus.core.state.fold`).
"""

from collections.abc import Iterable

from bus.core.contest.contest import Contest
from bus.core.decision.entries import Verdict
from bus.core.decision.events import Denied, Event, Refused, What
from bus.core.frozen import replace
from bus.core.message.arrivals import Message
from bus.core.policy.terms import Terms
from bus.core.state.fold import Occasion, folded
from bus.core.state.partition import PartitionState
from bus.core.state.resource import Moment, Resource, postponed, swept


class Unfolding:
    """The events of one record, under way: a message, or (None) a tick, which turns to one subject after another."""

    def __init__(self, state: PartitionState, o: int, moment: Moment, message: Message | None = None) -> None:
        envelope = message.envelope if message else None
        self.state, self.o, self.moment = state, o, moment
        self.subject = envelope.subject if envelope else ""
        self.source = envelope.source if envelope else ""
        self.lane = message.lane if message else ""
        self.id = envelope.id if envelope else ""
        self.type = envelope.type if envelope else ""
        contract = message.contract_ref if message else ""
        self.verdict: Verdict = "applied"
        self.reason = ""  # why what the sender asked for failed
        self.events: list[Event] = []
        self.occasion = Occasion(
            prefix=f"{state.gen}.{state.p}.{o}",
            moment=moment,
            source=self.source,
            contract=contract,
            registry=state.registry,
            resolvers=state.resolvers,
            electorate=state.electorate,
        )
        self._touched: dict[str, Resource] = {}

    @property
    def resource(self) -> Resource:
        """The subject as it is after everything said so far."""
        return self._touched.get(self.subject) or self.state.resource(self.subject)

    @property
    def contest(self) -> Contest:
        """The subject's contest; suspensions count as they are now."""
        contest = self.resource.contest
        assert contest is not None, f"nothing is contested on {self.subject}"
        registry = self.state.registry
        if not registry.suspended:
            return contest
        agents = {*agents_of(contest), *(one.agent for one in contest.ballots)}
        return replace(contest, suspended=frozenset(one for one in agents if registry.suspension_of(one)))

    @property
    def terms(self) -> Terms | None:
        """The terms in force for the subject's type."""
        return self.occasion.terms(self.subject)

    def say(self, what: What, *concerned: str) -> str:
        """Something happened; whom it concerns hears it. Returns the decision's id."""
        n = len(self.events)
        to = self.state.recipients(*concerned, sender=self.source, lane=self.lane)
        self.events.append(Event(n, self.subject, to, what))
        self._touched[self.subject] = folded(self.resource, self.subject, n, what, self.occasion)
        return self.occasion.decision(n)

    def ahead(self, count: int = 0) -> str:
        """The decision of the next event, or of one further ahead: some name what follows from them."""
        return self.occasion.decision(len(self.events) + count)

    def token(self, count: int = 0) -> int:
        """The fencing token that the next event would give, or one further ahead."""
        return self.state.token(self.o, len(self.events) + count)

    def refuse(self, reason: str, detail: str, *, token: int | None = None, retry_after: int | None = None) -> None:
        """What the sender asked for fails."""
        current = self.resource.token if reason == "fenced" else None
        self.fail(Refused(self.source, self.type, reason, detail, token, current, retry_after))

    def fail(self, refused: Refused) -> None:
        """What the sender asked for fails, for the reason that was found."""
        self.verdict = "refused"
        self.reason = self.reason or refused.reason
        self.say(refused, self.source)

    def deny(self, reason: str, retry_after: int | None = None) -> None:
        """The sender's claim fails."""
        self.say(Denied(self.source, self.id, reason, retry_after), self.source)

    # ---- ticks touch many subjects ---------------------------------------------------------------------

    def turn_to(self, subject: str) -> None:
        """Go on with another subject."""
        self.subject = subject

    def sweep(self) -> None:
        """Let go of what ended on the subject without an event."""
        self._touched[self.subject] = swept(self.resource, self.moment.now)

    def postpone(self) -> None:
        """If the subject's contest could not be settled within a lock delay, it is asked again when that is over."""
        self._touched[self.subject] = postponed(self.resource, self.moment.now)

    def mark(self) -> tuple[int, Resource]:
        """A point to come back to."""
        return len(self.events), self.resource

    def back_to(self, mark: tuple[int, Resource]) -> None:
        """Unsay everything since the mark: it would not fit."""
        count, self._touched[self.subject] = mark
        del self.events[count:]


def agents_of(contest: Contest) -> Iterable[str]:
    """Whom it concerns that a contest goes on: candidates that can win, seats, and who acted or asked."""
    seated = [agent for seat in contest.electorate.seats for agent in seat.agents]
    author = [contest.author] if contest.author else []
    return [*(one.agent for one in contest.live if one.agent), *seated, *author]
