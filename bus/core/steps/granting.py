"""How a subject changes hands, thaws, and lets a held action go: the smallest steps, each checked against now."""

from typing import Literal

from bus.core.contest.contest import Candidate
from bus.core.decision.contest_events import ActionRefused, Unfrozen, WaitEnded
from bus.core.decision.events import ActionAdmitted, Confirmed, Ended, FactStated, Granted
from bus.core.decision.reasons import ArbiterReason as Why
from bus.core.policy.terms import Terms
from bus.core.state.cases import Case, HeldAction
from bus.core.state.obstacles import why_not_granted, why_not_released
from bus.core.state.resource import lease_of
from bus.core.steps.unfolding import Unfolding


def obstacle(u: Unfolding, agent: str, terms: Terms | None) -> str:
    """Why this agent may not be granted the subject now, or "": status and authority are those in force now."""
    return why_not_granted(u.state.registry, agent, terms)


def grant(u: Unfolding, agent: str, claim: str, wish_ms: int | None, terms: Terms, by: str) -> None:
    """Give the subject to an agent, with a new token and a whole lease."""
    until = u.moment.later + lease_of(wish_ms, terms)
    u.say(Granted(agent, claim, u.token(), until, by), agent)


def confirm(u: Unfolding) -> None:
    """Say once more what the holder holds."""
    holding = u.resource.holding
    assert holding is not None
    case = u.resource.case.id if u.resource.case else None
    told = Confirmed(holding.agent, holding.claim, holding.token, holding.until, holding.lease_ms, case)
    u.say(told, holding.agent)


def end_wait(u: Unfolding, reason: str) -> None:
    """A wait is over, if there is one."""
    if wait := u.resource.wait:
        u.say(WaitEnded(wait.id, reason), wait.agent)


def hand_over(u: Unfolding, winner: Candidate, terms: Terms, *, by: str, cause: str) -> None:
    """The winner of a contest gets the subject; whoever held it has lost it. ``cause`` is the decision that says so."""
    loser = u.resource.holding
    why: Literal["ruled", "superseded"] = "ruled" if by == "ruling" else "superseded"
    if loser:
        u.say(Ended(loser.agent, loser.token, why, cause), loser.agent)
    grant(u, winner.agent, winner.claim, winner.lease_ms, terms, by)
    if loser:
        end_wait(u, why)


def thaw(u: Unfolding, case: Case | None, *also: str) -> None:
    """The freeze of a case that was closed is over: the holder gets a whole lease, never a shorter one (T6)."""
    if case is None:
        return
    holding = u.resource.holding
    until = max(holding.until, u.moment.later + holding.lease_ms) if holding else None
    holder = (holding.agent,) if holding else ()
    u.say(Unfrozen(case.id, until), *holder, *also)


def refuse_held(u: Unfolding, action: HeldAction, reason: str) -> None:
    """An action that was held will not be done."""
    u.say(ActionRefused(action.o, action.agent, action.token, reason, action.id), action.agent)


def refuse_fenced(u: Unfolding, reason: str = Why.FENCED) -> None:
    """Held actions of a token that is not the current one will not be done."""
    for action in u.resource.held:
        if action.token != u.resource.token:
            refuse_held(u, action, reason)


def release_held(u: Unfolding, action: HeldAction) -> None:
    """Let a held action go, if status, token, authority and its own expiry still allow it now."""
    reason = why_not_released(u.state.registry, action, token=u.resource.token, later=u.moment.later)
    if reason:
        refuse_held(u, action, reason)
        return
    holding, contract = u.resource.holding, u.state.registry.contract_by_ref(action.contract)
    assert holding is not None
    assert contract is not None
    if action.fact is not None:
        u.say(FactStated(*action.fact), action.agent)
    admitted = ActionAdmitted(
        action.o, action.agent, action.type, contract.topic, action.id, action.token, holding.until
    )
    u.say(admitted, action.agent)
