"""Guarded actions in the order of the log: admitted, held for a review, a person or behind others, or refused.

review in the contract                 held -> contest over {approve, reject} -> admitted or refused
cost over the terms' limit             held -> case (after the ballots of a review, if there is one)
the subject is frozen                  held, and the case has a new revision
another action is held already         held behind it; each has its own review
"""

from bus.core.contest.bound import bound_ms
from bus.core.contest.electorate import review_terms
from bus.core.decision.contest_events import ActionHeld, ContestOpened
from bus.core.decision.events import ActionAdmitted, FactStated
from bus.core.decision.reasons import ArbiterReason as Why
from bus.core.message.arrivals import Message
from bus.core.policy.contracts import Contract
from bus.core.policy.terms import Terms
from bus.core.state.cases import HELD_MAX, HeldAction
from bus.core.state.fold import is_over_limit
from bus.core.state.resource import check_holder
from bus.core.steps.freezing import case_of_contest, change_case, open_case
from bus.core.steps.granting import release_held
from bus.core.steps.unfolding import Unfolding


def guarded(u: Unfolding, message: Message, contract: Contract, terms: Terms) -> None:
    """An action that only the holder may do, with its current token."""
    resource, token = u.resource, message.envelope.token
    assert token is not None
    moment = None if resource.case else u.moment  # while the subject is frozen the lease clock stands still
    if failed := check_holder(resource, u.source, token, u.type, moment):
        u.fail(failed)
    elif not _need(contract, message.values.get("cost"), terms) and not resource.case and not resource.held:
        assert resource.holding is not None
        admit(u, message, contract, token=token, until=resource.holding.until)
    elif len(resource.held) >= HELD_MAX:
        u.refuse(Why.HOLD_OVERFLOW, f"{HELD_MAX} actions wait on this subject already")
    else:
        _hold(u, message, contract, terms, token)


def admit(
    u: Unfolding, message: Message, contract: Contract, *, token: int | None = None, until: int | None = None
) -> None:
    """State the fact that the contract says, and release the record to its topic, if it has one."""
    if contract.fact is not None:
        u.say(FactStated(contract.fact.name, message.values["fact"][contract.fact.name]), u.source)
    if contract.topic:
        u.verdict = "admitted"
        u.say(ActionAdmitted(u.o, u.source, u.type, contract.topic, token=token, until=until), u.source)


def tend(u: Unfolding) -> None:
    """Nothing is open any more: the next held action gets its own review or case, or goes."""
    while (held := u.resource.held) and not u.resource.case and not u.resource.contest and u.terms:
        contract = u.state.registry.contract_by_ref(held[0].contract)
        assert contract is not None
        need = _need(contract, held[0].cost, u.terms)
        if need == "review":
            _open_review(u, held[0], contract, u.terms)
        elif need == "case":
            open_case(u, "approval", "over_limit", u.terms)
        else:
            release_held(u, held[0])


def _need(contract: Contract, cost: int | None, terms: Terms) -> str:
    if contract.review is not None:
        return "review"
    return "case" if is_over_limit(cost, terms) else ""


def _hold(u: Unfolding, message: Message, contract: Contract, terms: Terms, token: int) -> None:
    resource, cost = u.resource, message.values.get("cost")
    is_next = not resource.case and not resource.contest and not resource.held
    need = _need(contract, cost, terms)
    fact = None if contract.fact is None else (contract.fact.name, message.values["fact"][contract.fact.name])
    case = resource.case.id if resource.case else u.ahead(1) if is_next and need == "case" else None
    held = ActionHeld(
        *(u.o, u.source, token, u.type, message.hash, u.moment.later + terms.escalate.hold_ms),
        contest=u.ahead(1) if is_next and need == "review" else None,
        case=case,
        cost=cost,
        fact=fact,
        expiry=message.envelope.expiry_ms,
    )
    u.verdict = "held"
    u.say(held, u.source)
    if resource.case:
        change_case(u, resource.case, does_move=True)


def _open_review(u: Unfolding, action: HeldAction, contract: Contract, terms: Terms) -> None:
    """The contract's seats judge the action; over the limit their ballots only go into a case."""
    assert contract.review is not None
    terms = review_terms(terms, contract.review)
    end = u.moment.later + terms.vote.ballot_ms
    opened = ContestOpened(
        *("review", terms.ref, terms.vote.method, ("approve", "reject"), u.state.electorate(terms).agents_by_seat),
        *(end, u.moment.later + bound_ms(terms, "review", u.state.resolvers)),
        held=action.id,
    )
    open_choice(u, opened)


def open_choice(u: Unfolding, opened: ContestOpened) -> None:
    """A contest that is voted on from its opening; without a seat it is a case at once."""
    seated = [agent for _, agents in opened.seats for agent in agents]
    holding = u.resource.holding
    told = [*([u.source] if u.source else []), *([holding.agent] if holding else []), *seated]
    u.say(opened, *told)
    if not any(seat.has_vote for seat in u.contest.electorate.seats):
        case_of_contest(u, "ladder")
