"""Claims and what takes them back: the first reason that applies, in the closed order; else a grant or a contest.

nobody holds   window 0 -> granted (first);  a window -> contest_opened, joined
another holds  deny -> held;  preempt_if_higher -> ended, granted;  contest -> a challenge: the holder joins first
a contest over claims is open -> joined, until its window ends
"""

from bus.core.contest.bound import bound_ms
from bus.core.contest.candidates import check_join, check_withdraw, has_everybody_claimed
from bus.core.decision.contest_events import ContestOpened, Joined, Withdrawn
from bus.core.decision.events import Denied, Ended
from bus.core.decision.reasons import ArbiterReason as Why
from bus.core.decision.wants import wanted_roles
from bus.core.frozen import replace
from bus.core.log.records import digest
from bus.core.message.arrivals import Message
from bus.core.policy.terms import Terms
from bus.core.state.resource import closed_until, lease_wish, missing_fact
from bus.core.steps.granting import confirm, grant
from bus.core.steps.settling import after_holding, after_leaving, proceed
from bus.core.steps.unfolding import Unfolding


def claim(u: Unfolding, message: Message, terms: Terms) -> None:
    """A claim on the subject, whoever holds it."""
    resource, wish_ms = u.resource, lease_wish(message.body)
    holding, contest = resource.holding, resource.contest
    if holding and holding.agent == u.source:
        # While the subject is frozen the lease clock stands still.
        if resource.case is None and u.moment.at >= holding.until:
            u.deny(Why.LATE)
        else:
            confirm(u)
    elif denied := _denied(u, terms):
        u.say(denied, u.source)
    elif contest and contest.over == "claims":
        _join(u, message)
    elif holding and terms.on_held == "preempt_if_higher":
        u.say(Ended(holding.agent, holding.token, "superseded", u.ahead(1)), holding.agent)
        grant(u, u.source, u.id, wish_ms, terms, "preempt")
        after_holding(u, "superseded")
    elif holding is None and terms.window_ms == 0:
        grant(u, u.source, u.id, wish_ms, terms, "first")
    else:
        _open(u, terms)
        _join(u, message)


def withdraw(u: Unfolding, message: Message) -> None:
    """A claimant takes its claim back while the contest is open."""
    contest, claim = u.resource.contest, message.body["claim"]
    if contest is None or contest.over != "claims" or u.source == contest.holder:
        u.refuse(Why.LATE, "no contest on this subject has such a claim")
    elif refusal := check_withdraw(contest, u.source, claim):
        u.refuse(refusal.reason, refusal.detail)
    else:
        u.say(Withdrawn(u.source, claim, contest.id), u.source)
        after_leaving(u)


def _denied(u: Unfolding, terms: Terms) -> Denied | None:
    """Why the claim fails, the first reason in the closed order; None if it may be granted or join."""
    resource, registry = u.resource, u.state.registry
    contest = resource.contest if resource.contest and resource.contest.over == "claims" else None
    pinned = contest.terms if contest else terms
    if resource.case is not None:
        return Denied(u.source, u.id, Why.FROZEN)
    if contest and any(one.agent == u.source for one in contest.candidates):
        return Denied(u.source, u.id, Why.ALREADY_CLAIMED)
    until = closed_until(resource, u.source)
    if until is not None:
        return Denied(u.source, u.id, Why.COOLING, until)
    if contest is None and _is_held(u, terms):
        return Denied(u.source, u.id, Why.HELD, resource.holding.until if resource.holding else None)
    if missing := missing_fact(resource, pinned, u.moment.at):
        return Denied(u.source, u.id, Why.STAGE, wants=missing)
    if u.source not in registry.agents:
        return Denied(u.source, u.id, Why.NOT_ALLOWED)
    if pinned.claimants is not None and registry.roles(u.source).isdisjoint(pinned.claimants):
        return Denied(u.source, u.id, Why.NOT_ALLOWED, wants=wanted_roles(pinned.claimants))
    refusal = check_join(contest, u.source, at=u.moment.at) if contest else None
    return Denied(u.source, u.id, refusal.reason, contest=u.contest.id) if refusal else None


def _is_held(u: Unfolding, terms: Terms) -> bool:
    """Must this claim wait for whoever holds, or for a question that is open?"""
    resource, roles = u.resource, u.state.registry.roles
    if resource.holding is None:
        # A window would be a second contest on the same subject.
        return resource.contest is not None and terms.window_ms > 0
    if terms.on_held == "preempt_if_higher":
        return terms.rank(roles(u.source)) >= terms.rank(roles(resource.holding.agent))
    return terms.on_held == "deny" or resource.contest is not None


def _open(u: Unfolding, terms: Terms) -> None:
    """A contest over claims; the holder of a challenged subject is its first candidate."""
    start, holding = u.moment.later, u.resource.holding
    seats = u.state.electorate(terms).agents_by_seat
    bound = start + bound_ms(terms, "claims", u.state.resolvers)
    opened = ContestOpened("claims", terms.ref, terms.vote.method, (), seats, start + terms.window_ms, bound)
    contest = u.say(opened, u.source, *([holding.agent] if holding else []))
    if holding:
        u.say(_joined(u, Joined(contest, holding.agent, holding.claim)), holding.agent)


def _join(u: Unfolding, message: Message) -> None:
    """The sender's claim becomes a candidate; a window is over as soon as nobody is left to wait for."""
    reasoning = message.body.get("reasoning")
    hashed = None if reasoning is None else digest(reasoning.encode())
    u.say(_joined(u, Joined(u.contest.id, u.source, u.id, hashed, lease_wish(message.body))), u.source)
    if u.contest.terms.window_ms == 0 or has_everybody_claimed(u.contest):
        proceed(u)


def _joined(u: Unfolding, joined: Joined) -> Joined:
    """Who joins hears when the contest ends, as who opened it did."""
    contest = u.contest
    bound = contest.opened + bound_ms(contest.terms, "claims", u.state.resolvers)
    return replace(joined, deadline=contest.deadline, bound=bound)
