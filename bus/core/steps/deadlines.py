"""What a tick fires: every deadline up to its ``now``, in (deadline, subject) order, until the entry is full."""

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from typing import Literal

from bus.core.contest.contest import NONE
from bus.core.decision.events import Denied, Ended, event_to_json
from bus.core.decision.reasons import ArbiterReason as Why
from bus.core.frozen import replace
from bus.core.log.records import canonical
from bus.core.state.cases import Case
from bus.core.state.resource import Due, Ends, dues_of
from bus.core.steps.freezing import change_case
from bus.core.steps.granting import end_wait, refuse_held
from bus.core.steps.reviewing import tend
from bus.core.steps.settling import after_holding, after_leaving, make_obsolete, pass_deadline, proceed, settle_choice
from bus.core.steps.unfolding import Unfolding
from bus.core.steps.waiting import pass_wait

EVENTS_PER_TICK_MAX = 256  # a token has eight bits for the event's number
# A record of the journal holds 2 MiB: a segment of up to 256 KiB before it, and the events of one more deadline, fit.
BYTES_PER_TICK_MAX = 1024 * 1024


def fire(u: Unfolding, subjects: Iterable[tuple[int, str]]) -> None:
    """Fire what is due on these subjects, given in order; what would not fit stays due for the next tick."""
    size = 0
    for due in _in_order(u, subjects):
        mark = u.mark()
        u.sweep()
        _fire(u, due)
        tend(u)
        size += sum(len(canonical(event_to_json(one))) for one in u.events[mark[0] :])
        if len(u.events) > EVENTS_PER_TICK_MAX or (mark[0] and size > BYTES_PER_TICK_MAX):
            u.back_to(mark)
            return


def _in_order(u: Unfolding, subjects: Iterable[tuple[int, str]]) -> Iterator[Due]:
    """Turn to every deadline that has come, in (deadline, subject) order, also to those that firing one brings about.

    Of ten thousand due subjects only those are looked at whose turn comes: the others stay for the next tick.
    """
    coming = iter(subjects)
    queue: list[tuple[int, str, Due]] = []
    ahead = next(coming, None)
    while queue or ahead:
        # A subject's earliest deadline may be one without an event, so what it fires can only be later than that.
        while ahead and (not queue or ahead <= queue[0][:2]):
            if found := _next(u, ahead[1]):
                heappush(queue, found)
            ahead = next(coming, None)
        if queue:
            _, subject, due = heappop(queue)
            u.turn_to(subject)
            yield due
            if again := _next(u, subject):
                heappush(queue, again)


def _next(u: Unfolding, subject: str) -> tuple[int, str, Due] | None:
    """The first deadline of a subject that has come, if any."""
    u.turn_to(subject)
    due = min((one for one in dues_of(u.resource) if one.at <= u.moment.now), default=None)
    return (due.at, subject, due) if due else None


def _fire(u: Unfolding, due: Due) -> None:
    match due.what:
        case Ends.SUSPENDED:
            _drain(u, due.whose)
        case Ends.LEASE:
            _end(u, "expired", "")
            after_holding(u, "expired")
        case Ends.CONTEST:
            pass_deadline(u)
            u.postpone()
        case Ends.DELAY:
            proceed(u)
        case Ends.TIER:
            _pass_tier(u)
        case Ends.RESERVATION:
            case = u.resource.case
            assert case is not None
            change_case(u, replace(case, person="", reserved_until=0), does_move=True)
        case Ends.HOLD:
            _pass_hold(u, due.whose)
        case Ends.WAIT:
            pass_wait(u)


def _end(u: Unfolding, reason: Literal["expired", "revoked"], cause: str) -> None:
    holding = u.resource.holding
    assert holding is not None
    u.say(Ended(holding.agent, holding.token, reason, cause), holding.agent)


def _drain(u: Unfolding, agent: str) -> None:
    """A suspended agent loses what it holds; as a candidate it cannot win any more."""
    holding = u.resource.holding
    if not agent:
        assert holding is not None
        _end(u, "revoked", holding.doomed_by)
        after_holding(u, "suspended", Why.SUSPENDED)
        return
    candidate = next(one for one in u.resource.claims if one.agent == agent)
    u.say(Denied(agent, candidate.claim, Why.SUSPENDED, None, u.contest.id), agent)
    after_leaving(u)


def _pass_tier(u: Unfolding) -> None:
    """Nobody ruled in time: one tier up, or overdue and still there; a time-out never approves."""
    case = u.resource.case
    assert case is not None
    escalate = case.escalate
    if case.tier + 1 < len(escalate.tiers_ms):
        due = u.moment.now + escalate.tiers_ms[case.tier + 1]
        change_case(u, replace(case, tier=case.tier + 1, due=due), does_move=False)
    elif escalate.on_expiry == "stay_frozen":
        change_case(u, replace(case, due=None), does_move=False)
    else:
        _expire_case(u, case)


def _expire_case(u: Unfolding, case: Case) -> None:
    """The terms say that an overdue case ends: as denied, or so that nobody holds the subject any more."""
    make_obsolete(u)
    for action in u.resource.held:
        refuse_held(u, action, Why.UNRESOLVED)
    if case.escalate.on_expiry == "release" and u.resource.holding:
        _end(u, "expired", "")
        end_wait(u, "expired")


def _pass_hold(u: Unfolding, identifier: str) -> None:
    """Nobody decided on an action while its bytes were still there: it is refused, and its own case is obsolete."""
    resource = u.resource
    action = next(one for one in resource.held if one.id == identifier)
    is_first = resource.held[0].id == identifier
    refuse_held(u, action, Why.HOLD_EXPIRED)
    if resource.case and is_first and resource.case.over == "approval":
        make_obsolete(u)
    elif resource.case:
        change_case(u, resource.case, does_move=True)
    elif is_first and resource.contest and resource.contest.over == "review":
        settle_choice(u, u.contest, NONE, "")
