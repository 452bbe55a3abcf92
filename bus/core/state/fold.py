"""What an event makes of its subject: the one place where the state of a resource changes.

`bus.core.steps.unfolding` folds every event as it is said, so that the next one is decided on what the one before left,
and `bus.core.state.partition` folds the entries of the journal: the same function, so a restore is the same state.
"""

from collections.abc import Callable
from typing import Any

from bus.core.contest.ballots import cast, read_choice
from bus.core.contest.candidates import drop, join, open_claims, open_question, open_review
from bus.core.contest.contest import Ballot, Candidate, Contest, Electorate, Resolvers, Turn
from bus.core.contest.electorate import review_terms
from bus.core.contest.negotiation import move, sit_down
from bus.core.decision.contest_events import (
    ActionHeld,
    ActionRefused,
    CaseChanged,
    CaseClosed,
    CaseOpened,
    ContestOpened,
    Joined,
    Offered,
    RungReached,
    Settled,
    TurnBegun,
    Unfrozen,
    Voted,
    WaitEnded,
    Waiting,
    Withdrawn,
)
from bus.core.decision.events import (
    ActionAdmitted,
    Denied,
    Ended,
    FactStated,
    Granted,
    Handover,
    Renewed,
    Reported,
    What,
)
from bus.core.frozen import dataclass, replace
from bus.core.policy.control import Registry
from bus.core.policy.terms import FACTS_TTL_MS, Terms
from bus.core.state.cases import Case, HeldAction, Wait
from bus.core.state.resource import Fact, Holding, Moment, Resource

UNREPORTED_MAX = 32  # an executor that is this far behind has its oldest report answered `late`
HUMAN = "human"


@dataclass(frozen=True, slots=True)
class Occasion:
    """The record an event is about: its place, when it is judged, who sent it (or ""), and what is in force then.

    ``contract`` is the ``type@revision`` it was read by. ``electorate`` seats the agents of now by given terms.
    """

    prefix: str
    moment: Moment
    source: str
    contract: str
    registry: Registry
    resolvers: Resolvers
    electorate: Callable[[Terms], Electorate]

    def decision(self, n: int) -> str:
        """The id of its event ``n``."""
        return f"{self.prefix}.{n}"

    @property
    def o(self) -> int:
        """The record's offset."""
        return int(self.prefix.rpartition(".")[2])

    def terms(self, subject: str) -> Terms | None:
        """The terms in force for a subject's type."""
        return self.registry.terms.get(subject.partition("/")[0])


def folded(before: Resource, subject: str, n: int, what: What, of: Occasion) -> Resource:
    """The subject after event ``n`` of a record."""
    fold = _FOLDS.get(what.__class__)
    return before if fold is None else fold(before, subject, n, what, of)


def opened(before: Resource, subject: str, identifier: str, what: ContestOpened, of: Occasion) -> Contest:
    """The contest as it stands right after it opened; what is not in the event is in force at its place in the log."""
    terms, start = of.terms(subject), of.moment.later
    assert terms is not None, f"{subject} is contested in a valid segment without terms"
    if what.over == "claims":
        contest = open_claims(identifier=identifier, terms=terms, electorate=of.electorate(terms), start=start)
        return replace(contest, holder=before.holding.agent if before.holding else "")
    if what.over == "review":
        action = next(one for one in before.held if one.id == what.held)
        review = of.registry.contract_by_ref(action.contract)
        assert review is not None, f"{action.contract} was never in force"
        assert review.review is not None, f"{action.contract} asks for no review"
        terms = review_terms(terms, review.review)
        contest = open_review(
            identifier=identifier,
            terms=terms,
            electorate=of.electorate(terms),
            start=start,
            author=action.agent,
            is_for_person=is_over_limit(action.cost, terms),
        )
    else:
        contest = open_question(
            identifier=identifier,
            terms=terms,
            electorate=of.electorate(terms),
            start=start,
            author=of.source,
            options=what.candidates,
            until=what.deadline,
        )
    return replace(contest, rung=0, deadline=what.deadline, ballots_until=what.deadline, hears="ballots")


def is_over_limit(cost: int | None, terms: Terms) -> bool:
    """Is an action too costly to be settled without a person?"""
    return cost is not None and terms.freeze_above_cost is not None and cost > terms.freeze_above_cost


def _holding(
    before: Resource, subject: str, _n: int, what: Granted | Renewed | Ended | Unfrozen, of: Occasion
) -> Resource:
    match what:
        case Granted():
            # The pinned lease needs no field of its own: until = max(at, now) + lease.
            # Who is given it by a ruling on a wait has claimed nothing: the record is the person's, not a claim.
            o = before.won_o if before.won_o >= 0 else of.o if what.claim else -1
            holding = Holding(what.agent, what.claim, what.token, what.until, what.until - of.moment.later, o=o)
            return replace(before, holding=holding, handover=None, cooling_until=0, won_o=-1)
        case Ended():
            return _ended(before, subject, what, of)
        case _:
            if before.holding is None or what.until is None:
                return before
            return replace(before, holding=replace(before.holding, until=what.until))


def _ended(before: Resource, subject: str, what: Ended, of: Occasion) -> Resource:
    handover = what.handover
    if handover is not None and of.registry.suspension_of(handover.agent):
        handover = Handover(handover.agent, of.moment.now)
    terms = of.terms(subject)
    delay_ms = terms.lock_delay_ms if terms is not None and what.reason == "expired" else 0
    cooling_until = of.moment.later + delay_ms if delay_ms else 0
    after = replace(before, holding=None, handover=handover, cooling_until=cooling_until, passed=None)
    return _without(after, what.agent, "ended")


def _without(before: Resource, agent: str, why: str) -> Resource:
    """The subject without an agent's candidacy, if it has one."""
    doomed = {one: since for one, since in before.doomed.items() if one != agent}
    contest, case = before.contest, before.case
    if contest is not None and contest.over == "claims":
        for one in contest.live:
            contest = drop(contest, one.id, why) if one.agent == agent else contest
    if case is not None and case.parties:
        parties = tuple(replace(one, dropped=why) if one.agent == agent else one for one in case.parties)
        case = replace(case, parties=parties)
    return replace(before, contest=contest, case=case, doomed=doomed)


def _actions(
    before: Resource,
    subject: str,
    n: int,
    what: FactStated | Reported | ActionHeld | ActionAdmitted | ActionRefused,
    of: Occasion,
) -> Resource:
    match what:
        case ActionAdmitted():
            if what.token is None:
                return before
            held = tuple(one for one in before.held if one.id != what.held) if before.held else ()
            unreported = (*before.unreported, of.decision(n))[-UNREPORTED_MAX:]
            return replace(before, held=held, unreported=unreported)
        case FactStated():
            terms = of.terms(subject)
            until = of.moment.later + (terms.facts_ttl_ms if terms else FACTS_TTL_MS)
            return replace(before, facts={**before.facts, what.name: Fact(what.value, until)})
        case Reported():
            if what.result == "partial":
                return before
            return replace(before, unreported=tuple(one for one in before.unreported if one != what.action))
        case ActionHeld():
            action = HeldAction(
                of.decision(n),
                *(what.o, what.agent, what.token, what.type, of.contract, what.until),
                *(what.hash, what.cost, what.fact, what.expiry),
            )
            return replace(before, held=(*before.held, action))
        case ActionRefused():
            return replace(before, held=tuple(one for one in before.held if one.id != what.held))


def _contest(
    before: Resource,
    subject: str,
    n: int,
    what: ContestOpened | RungReached | Joined | Withdrawn | Denied | Settled,
    of: Occasion,
) -> Resource:
    contest = before.contest
    match what:
        case ContestOpened():
            return replace(before, contest=opened(before, subject, of.decision(n), what, of))
        case Joined():
            return _joined(before, of.decision(n), what, of)
        case Withdrawn():
            return _without(before, what.agent, "withdrawn")
        case Denied():
            is_ours = contest is not None and what.contest == contest.id
            return _without(before, what.agent, what.reason) if is_ours else before
        case RungReached():
            return before if contest is None or what.rung == HUMAN else replace(before, contest=_on(contest, what, of))
        case Settled():
            return before if contest is None else _settled(before, contest, what, of)


def _joined(before: Resource, identifier: str, what: Joined, of: Occasion) -> Resource:
    roles = of.registry.roles(what.agent)
    holding = before.holding
    o = holding.o if holding and holding.agent == what.agent else of.o if what.claim else -1
    candidate = Candidate(identifier, what.agent, what.claim, roles, lease_ms=what.lease_ms, o=o)
    if before.contest is not None and before.contest.id == what.contest:
        return replace(before, contest=join(before.contest, candidate))
    assert before.case is not None, "a candidate joins a contest or a case"
    return replace(before, case=replace(before.case, parties=(*before.case.parties, candidate)))


def _on(contest: Contest, what: RungReached, of: Occasion) -> Contest:
    resolver = of.resolvers.get(what.rung)
    hears = resolver.hears if resolver else "nothing"
    rung, started = contest.ladder.index(what.rung), of.moment.later
    reached = replace(contest, rung=rung, started=started, deadline=what.deadline, hears=hears)
    if hears == "ballots":
        return replace(reached, ballots_until=what.deadline)
    return sit_down(reached, start=started) if hears == "offers" else reached


def _settled(before: Resource, contest: Contest, what: Settled, of: Occasion) -> Resource:
    """Who challenged the holder in vain leaves it in peace for a while, and so does a holder that lost."""
    cooldowns = dict(before.cooldowns)
    if contest.holder and contest.terms.cooldown_ms:
        keeps = contest.holder if what.winner == "none" else ""
        until = of.moment.later + contest.terms.cooldown_ms
        losers = [one.agent for one in contest.live if one.id != what.winner and one.agent != keeps]
        cooldowns |= dict.fromkeys(losers, until)
    last = (contest.id, contest.deadline)
    holder = before.holding.agent if before.holding else ""
    won_o = next((one.o for one in contest.live if one.id == what.winner and one.agent != holder), -1)
    return replace(before, contest=None, cooldowns=cooldowns, doomed={}, last_contest=last, won_o=won_o)


def _said(before: Resource, _subject: str, n: int, what: Voted | Offered | TurnBegun, of: Occasion) -> Resource:
    contest = before.contest
    assert contest is not None, f"{what.kind} in a valid segment while nothing is contested"
    match what:
        case Voted():
            choice = read_choice(what.choice)
            ballot = Ballot(
                *(what.seat, what.agent, choice, what.reason, what.confidence, what.reasoning_hash or ""),
                is_list=isinstance(what.choice, tuple),
                decision=of.decision(n),
            )
            return replace(before, contest=cast(contest, ballot))
        case Offered():
            kind = what.move or "offer"
            moved = move(contest, kind, start=of.moment.later, outcome=what.outcome or "", decision=of.decision(n))
            return replace(before, contest=moved)
        case TurnBegun():
            party = next(one.id for one in contest.live if one.agent == what.party)
            turn = Turn(what.turn, party, what.standing, of.moment.later)
            return replace(before, contest=replace(contest, turn=turn, deadline=what.deadline))


def _waits(before: Resource, _subject: str, _n: int, what: Waiting | WaitEnded, _of: Occasion) -> Resource:
    if isinstance(what, Waiting):
        return replace(before, wait=Wait(what.wait, what.agent, what.for_, what.until))
    return replace(before, wait=None, passed=before.wait if what.reason == "expired" else None)


def _case(
    before: Resource, subject: str, _n: int, what: CaseOpened | CaseChanged | CaseClosed, of: Occasion
) -> Resource:
    match what:
        case CaseOpened():
            terms = before.contest.terms if before.contest else of.terms(subject)
            assert terms is not None, f"{subject} has a case in a valid segment without terms"
            case = Case(
                *(what.case, what.over, what.why, terms.escalate, of.moment.later, what.due), waited=before.passed
            )
            contest = replace(before.contest, case=what.why, hears="nothing") if before.contest else None
            return replace(before, case=case, contest=contest, passed=None)
        case CaseChanged():
            assert before.case is not None
            case = replace(
                before.case,
                rev=what.rev,
                file_n=what.file_n,
                tier=what.tier,
                due=what.due,
                person=what.person or "",
                reserved_until=what.reserved_until or 0,
                waited=before.passed or before.case.waited,
            )
            return replace(before, case=case, passed=None)
        case CaseClosed():
            return replace(before, case=None)


Fold = Callable[[Resource, str, int, Any, Occasion], Resource]  # Any: the event's own class
# What changes nothing on its subject is not here.
_FOLDS: dict[type[What], Fold] = {
    **dict.fromkeys((Granted, Renewed, Ended, Unfrozen), _holding),
    **dict.fromkeys((FactStated, Reported, ActionHeld, ActionAdmitted, ActionRefused), _actions),
    **dict.fromkeys((ContestOpened, RungReached, Joined, Withdrawn, Denied, Settled), _contest),
    **dict.fromkeys((Voted, Offered, TurnBegun), _said),
    **dict.fromkeys((CaseOpened, CaseChanged, CaseClosed), _case),
    **dict.fromkeys((Waiting, WaitEnded), _waits),
}
