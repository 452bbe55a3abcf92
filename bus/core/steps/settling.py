"""A contest goes down its ladder and ends: the walk becomes events, the winner gets what it won, the losers hear why.

    settled, unfrozen, [ended], granted | confirmed, [wait_ended], denied … in log order, action_refused …

A winner that may not have it now is dropped, and the rung is asked again without it.
"""

from collections.abc import Callable

from bus.core.contest.ballots import ABSTAIN, standing_ballot
from bus.core.contest.candidates import drop
from bus.core.contest.contest import NONE, Candidate, Contest, Escalate, Settle, Wait
from bus.core.contest.ladder import UNCONTESTED, Walked, after_message, after_tick
from bus.core.decision.contest_events import RungReached, Settled, TurnBegun
from bus.core.decision.events import Denied
from bus.core.decision.reasons import ArbiterReason as Why
from bus.core.policy.contracts import JsonObject
from bus.core.policy.terms import Terms
from bus.core.state.cases import Case
from bus.core.state.resource import is_delayed
from bus.core.steps.freezing import case_of_contest, change_case, close_case
from bus.core.steps.granting import (
    confirm,
    end_wait,
    hand_over,
    obstacle,
    refuse_fenced,
    refuse_held,
    release_held,
    thaw,
)
from bus.core.steps.unfolding import Unfolding, agents_of

RULING, VETO, BY_VOTE = "ruling", "veto", "vote"
_WHY_NOBODY = {VETO: Why.VETOED, RULING: Why.RULED_OUT}


def proceed(u: Unfolding, since: Contest | None = None) -> None:
    """Walk the contest on after what was said, and say what came of it ``since`` it stood as given, or as it stands."""
    _walk(u, since, _said)


def pass_deadline(u: Unfolding) -> None:
    """The contest's deadline has come: walk it on, and say what came of it."""
    _walk(u, None, _passed)


def is_decided(u: Unfolding) -> bool:
    """Is the winner known, and waits only for the end of a lock delay? Then nothing more is heard."""
    return is_delayed(u.resource, u.moment.later) and isinstance(_said(u, u.contest).result, Settle)


def _said(u: Unfolding, contest: Contest) -> Walked:
    return after_message(contest, u.state.resolvers, at=u.moment.at, now=u.moment.now)


def _passed(u: Unfolding, contest: Contest) -> Walked:
    return after_tick(contest, u.state.resolvers, now=u.moment.now)


def _walk(u: Unfolding, since: Contest | None, step: Callable[[Unfolding, Contest], Walked]) -> None:
    before = u.contest
    while u.resource.contest is not None:
        walked = step(u, before)
        result = walked.result
        match result:
            case Wait():
                _announce(u, since or before, walked.contest)
                return
            case Escalate():
                case_of_contest(u, result.why)
                return
            case Settle():
                dropped = settle(u, walked.contest, result)
                if not dropped:
                    return
                # A holder is dropped without an event: it was answered by its grant, and its holding ends by itself.
                before = drop(u.contest, dropped, Why.SUSPENDED)


def settle(u: Unfolding, contest: Contest, result: Settle) -> str:
    """End the contest; returns the candidate that had to be dropped instead, or "" when it is over or has to wait."""
    if contest.over != "claims":
        _settle_by_vote(u, contest, result)
        return ""
    winner = next((one for one in contest.live if one.id == result.winner), None)
    if winner is None:
        settle_nobody(u, contest, "" if result.by == UNCONTESTED else result.by, outcome=result.outcome)
        return ""
    if reason := _why_not(u, winner, contest.terms):
        if winner.agent != _holder(u):
            _deny(u, contest, winner, reason)
        return winner.id
    if is_delayed(u.resource, u.moment.later):
        return ""
    award(u, contest, winner, result, None)
    return ""


def award(u: Unfolding, contest: Contest, winner: Candidate, result: Settle, case: Case | None) -> None:
    """The contest has a winner that may have it; ``case`` is the one a person has just ruled on."""
    told = [one.agent for one in contest.live]
    decision = u.say(settled(contest, result), *told)
    thaw(u, case, *told)
    if winner.agent == _holder(u):
        confirm(u)
    else:
        hand_over(u, winner, contest.terms, by=result.by, cause=decision)
    for loser in contest.live:
        if loser.id != winner.id and loser.agent != contest.holder:
            _deny(u, contest, loser, Why.LOST, by=result.by, winner=winner.id)
    refuse_fenced(u)


def settle_nobody(u: Unfolding, contest: Contest, by: str, *, case: Case | None = None, outcome: str = "") -> None:
    """The contest over claims ends and nobody has won: whoever held still holds."""
    told = [one.agent for one in contest.live]
    u.say(settled(contest, Settle(NONE, by, outcome=outcome)), *told)
    thaw(u, case, *told)
    for loser in contest.live:
        if loser.agent != contest.holder:
            _deny(u, contest, loser, _WHY_NOBODY.get(by, Why.UNRESOLVED))
    refuse_fenced(u)


def settled(contest: Contest, result: Settle) -> Settled:
    """The event that ends a contest: from here on the ballots are open."""
    tally = dict(result.tally) if result.by == BY_VOTE else {}
    return Settled(contest.id, result.winner, result.by, tally, ballots_of(contest), result.outcome or None)


def ballots_of(contest: Contest) -> tuple[JsonObject, ...]:
    """The ballots that stand, as they were sent: in the order of the seats, and behind them those that only veto."""
    told: list[JsonObject] = []
    for seat in contest.electorate.seats:
        if ballot := standing_ballot(contest, seat):
            choice = list(ballot.choice) if ballot.is_list else (ballot.choice[0] if ballot.choice else ABSTAIN)
            one = {"seat": ballot.seat, "agent": ballot.agent, "choice": choice, "reason": ballot.reason}
            told.append(one if ballot.confidence is None else {**one, "confidence": ballot.confidence})
    return tuple(told)


def after_leaving(u: Unfolding) -> None:
    """A candidate is gone: of a case that is a new revision, or its end; else the contest goes on without it."""
    case = u.resource.case
    if case is None:
        if u.resource.contest:
            proceed(u)
    elif case.over in ("claims", "wait") and not u.resource.parties:
        make_obsolete(u)
    else:
        change_case(u, case, does_move=True)


def make_obsolete(u: Unfolding) -> None:
    """Nothing is left that a person could decide: the case goes, and the subject thaws."""
    contest = u.contest if u.resource.contest else None
    case = close_case(u)
    if contest is None:
        thaw(u, case, *(one.agent for one in case.parties))
    elif contest.over == "claims":
        settle_nobody(u, contest, "", case=case)
    else:
        settle_choice(u, contest, NONE, "")
        thaw(u, case)


def settle_choice(u: Unfolding, contest: Contest, winner: str, by: str) -> None:
    """A review or a question ends other than by its vote; what follows from it is the caller's to say."""
    u.say(settled(contest, Settle(winner, by)), contest.author)


def after_holding(u: Unfolding, reason: str, why_held: str = Why.FENCED) -> None:
    """What hung on a holding that ended: its wait, its actions, its part in a contest or a case."""
    end_wait(u, reason)
    case = u.resource.case
    contest = u.contest if u.resource.contest else None
    if contest is not None and contest.over == "review" and case is None:
        settle_choice(u, contest, NONE, "")
    if case is None or why_held == Why.SUSPENDED:
        refuse_fenced(u, why_held)
    if case is not None or (contest is not None and contest.over == "claims"):
        after_leaving(u)


def _announce(u: Unfolding, before: Contest, after: Contest) -> None:
    """Say what changed while the contest waits: another rung, another turn."""
    if after.rung != before.rung:
        u.say(RungReached(after.id, after.rung_name, _end_of_rung(after)), *agents_of(after))
    if after.hears == "offers" and after.turn.number and (after.rung, after.turn) != (before.rung, before.turn):
        party = next(one.agent for one in after.live if one.id == after.turn.party)
        turn = TurnBegun(after.id, after.turn.number, party, after.turn.standing, after.deadline)
        u.say(turn, party)


def _end_of_rung(contest: Contest) -> int:
    """The latest the rung can end: a negotiation's deadline is only that of its turn."""
    if contest.hears != "offers":
        return contest.deadline
    return contest.started + contest.turns_max * contest.terms.negotiate.turn_ms


def _settle_by_vote(u: Unfolding, contest: Contest, result: Settle) -> None:
    u.say(settled(contest, result), contest.author)
    if contest.over == "review":
        action = u.resource.held[0]
        if result.winner == "approve":
            release_held(u, action)
        else:
            refuse_held(u, action, Why.VETOED if result.by == VETO else Why.RULED_OUT)


def _why_not(u: Unfolding, winner: Candidate, terms: Terms) -> str:
    reason = obstacle(u, winner.agent, terms)
    return reason if winner.agent != _holder(u) or reason == Why.SUSPENDED else ""


def _holder(u: Unfolding) -> str:
    return u.resource.holding.agent if u.resource.holding else ""


def _deny(
    u: Unfolding, contest: Contest, loser: Candidate, reason: str, *, by: str | None = None, winner: str | None = None
) -> None:
    u.say(Denied(loser.agent, loser.claim, reason, None, contest.id, by, winner), loser.agent)
