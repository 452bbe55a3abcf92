"""Takes a subject back to the moment right before one event, and walks its contest down the ladder again from there.

A journal says which rung a contest came to. Why those before it had no result is not written: it follows from the
contest as it stood, by the same walk.
"""

from dataclasses import replace

from bus.audit.decisions import ArbiterDecision
from bus.audit.lookup import Lookup
from bus.core.contest.contest import Contest, Escalate, Settle, Wait
from bus.core.contest.electorate import seat_agents
from bus.core.contest.ladder import Passed, Walked, after_message, after_tick
from bus.core.decision.contest_events import RungReached, Settled
from bus.core.decision.events import What
from bus.core.policy.control import Registry
from bus.core.state.fold import Occasion, folded
from bus.core.state.resource import Moment, Resource
from resolvers import RESOLVERS


def resource_before(lookup: Lookup, found: ArbiterDecision) -> Resource:
    """The subject of an event after everything that the same record brought about before it."""
    entry, subject, event = found.entry, found.subject, found.event
    resource = lookup.standing(subject, entry.o).resource
    if event is None or not event.n:
        return resource
    occasion = _occasion(lookup, found)
    for earlier in entry.events[: event.n]:
        if earlier.subject == subject:
            resource = folded(resource, subject, earlier.n, earlier.what, occasion)
    return resource


def contest_before(lookup: Lookup, found: ArbiterDecision) -> Contest | None:
    """Its contest, with the agents of it that were suspended then."""
    contest = resource_before(lookup, found).contest
    return None if contest is None else with_suspended(contest, registry_at(lookup, found))


def with_suspended(contest: Contest, registry: Registry) -> Contest:
    """The contest, knowing whose ballots are void by what is in force."""
    agents = {one.agent for one in contest.candidates} | {one.agent for one in contest.ballots}
    agents |= {agent for seat in contest.electorate.seats for agent in seat.agents}
    return replace(contest, suspended=frozenset(one for one in agents if registry.suspension_of(one)))


def passed_before(lookup: Lookup, found: ArbiterDecision) -> tuple[Passed, ...]:
    """The rungs that were left without a result between the event before and this one, and why."""
    what, contest = found.event.what if found.event else None, contest_before(lookup, found)
    if contest is None or what is None or contest.case:
        return ()
    moment = moment_of(lookup, found)
    if found.entry.verdict != "tick":
        return after_message(contest, RESOLVERS, at=moment.at, now=moment.now).passed
    fired = after_tick(contest, RESOLVERS, now=moment.now)
    if _leads_to(fired, what):
        return fired.passed
    return after_message(contest, RESOLVERS, at=moment.at, now=moment.now).passed


def registry_at(lookup: Lookup, found: ArbiterDecision) -> Registry:
    """What was in force for a decision."""
    basis = found.entry.basis
    number = basis.control if basis else lookup.in_force.control_before(found.p, found.entry.o)
    return lookup.index.registry(number)


def moment_of(lookup: Lookup, found: ArbiterDecision) -> Moment:
    """When an entry was judged: its time, and what the ticks had stated by then (ms)."""
    now = lookup.now_at(found.p, found.entry.o)
    return Moment(now if found.entry.verdict == "tick" else found.entry.at, now)


def _occasion(lookup: Lookup, found: ArbiterDecision) -> Occasion:
    entry, registry = found.entry, registry_at(lookup, found)
    roles = {one.id: one.roles for one in registry.agents.values()}
    return Occasion(
        prefix=f"{found.gen}.{found.p}.{entry.o}",
        moment=moment_of(lookup, found),
        source=entry.source,
        contract=entry.basis.contract if entry.basis else "",
        registry=registry,
        resolvers=RESOLVERS,
        electorate=lambda terms: seat_agents(terms, roles),
    )


def _leads_to(walked: Walked, what: What) -> bool:
    """Does this walk end where the event says?"""
    match what, walked.result:
        case Settled(), Settle(winner=winner):
            return winner == what.winner
        case RungReached(), Escalate():
            return what.rung == "human"
        case RungReached(), Wait():
            return walked.contest.rung_name == what.rung
        case _:
            return False
