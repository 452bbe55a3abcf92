"""What a message asks the arbiter for, and the answer: one function per kind of act.

    suspended -> expired -> unknown_resource -> (the act's own checks, in the order of `ArbiterReason`) -> done

A claim that fails is ``denied`` (the entry is ``applied``); anything else that fails is ``refused``. Whatever an act
leaves behind, the next held action of the subject is looked at in the same entry (`bus.core.steps.reviewing.tend`).
"""

from bus.core.contest.bound import bound_ms
from bus.core.decision.contest_events import ContestOpened
from bus.core.decision.entries import Basis, Entry
from bus.core.decision.events import Ended, Handover, Renewed, Reported
from bus.core.decision.reasons import ArbiterReason as Why
from bus.core.message.arrivals import Message
from bus.core.policy.contracts import Contract
from bus.core.policy.terms import Terms
from bus.core.state.partition import PartitionState
from bus.core.state.resource import Moment, check_holder
from bus.core.steps.balloting import MOVES, move, vote
from bus.core.steps.claiming import claim, withdraw
from bus.core.steps.granting import confirm
from bus.core.steps.reviewing import admit, guarded, open_choice, tend
from bus.core.steps.ruling import act_on_case
from bus.core.steps.settling import after_holding
from bus.core.steps.unfolding import Unfolding
from bus.core.steps.waiting import resume, wait

CLAIM = "bus.resource.claim.v1"
# Acts that only make sense on a resource type with terms.
_ON_TERMS = frozenset(
    {
        *(CLAIM, "bus.resource.renew.v1", "bus.resource.release.v1", "bus.resource.revoke.v1"),
        *("bus.resource.withdraw.v1", "bus.contest.ask.v1", "bus.agent.wait.v1", "bus.agent.resume.v1"),
    }
)


def decide_message(state: PartitionState, message: Message) -> Entry:
    """The entry for a message that continues its lane."""
    contract = state.registry.contract_by_ref(message.contract_ref)
    if contract is None or not _is_complete(message, contract):
        return Entry(message.o, "repeat", reason="alien", src=message.src)
    envelope = message.envelope
    u = Unfolding(state, message.o, Moment(message.at, state.now), message)
    terms = u.terms
    _act(u, message, contract, terms)
    tend(u)
    return Entry(
        o=message.o,
        verdict=u.verdict,
        events=tuple(u.events),
        reason=u.reason,
        src=message.src,
        id=envelope.id,
        type=envelope.type,
        source=envelope.source,
        at=message.at,
        hash=message.hash,
        basis=Basis(
            state.registry.number,
            terms.ref if terms else "",
            message.contract_ref,
            resolvers=state.resolvers_version,
        ),
    )


def _is_complete(message: Message, contract: Contract) -> bool:
    """Does it carry what its contract makes the arbiter read? No gate forwards it otherwise."""
    if contract.guard and message.envelope.token is None:
        return False
    return contract.fact is None or contract.fact.name in message.values.get("fact", {})


def _act(u: Unfolding, message: Message, contract: Contract, terms: Terms | None) -> None:
    if stopped := _stopped(u, message, contract, terms):
        reason, detail = stopped
        if u.type == CLAIM:
            u.deny(reason)
        else:
            u.refuse(reason, detail)
    elif contract.type.startswith("bus."):
        _built_in(u, message, terms)
    elif contract.guard:
        assert terms is not None
        guarded(u, message, contract, terms)
    elif contract.review is not None:
        u.refuse(Why.UNRESOLVED, "its contract asks for a review but not for a holder: only guarded actions are judged")
    else:
        admit(u, message, contract)


def _stopped(u: Unfolding, message: Message, contract: Contract, terms: Terms | None) -> tuple[Why, str] | None:
    expiry_ms = message.envelope.expiry_ms
    if name := u.state.registry.suspension_of(u.source):
        return Why.SUSPENDED, f"{name} is suspended; an operator lifts it"
    if expiry_ms is not None and u.moment.later >= expiry_ms:
        return Why.EXPIRED, f"ce_expirytime passed {u.moment.later - expiry_ms} ms ago"
    needs_terms = contract.guard or contract.fact is not None or contract.type in _ON_TERMS
    if needs_terms and terms is None:
        return Why.UNKNOWN_RESOURCE, f"no terms are in force for resource type {u.subject.partition('/')[0]}"
    return None


def _built_in(u: Unfolding, message: Message, terms: Terms | None) -> None:
    match u.type:
        case "bus.resource.withdraw.v1":
            withdraw(u, message)
        case "bus.resource.renew.v1":
            _renew(u, message)
        case "bus.action.report.v1":
            _report(u, message)
        case "bus.agent.resume.v1":
            resume(u, message)
        case "bus.contest.vote.v1":
            vote(u, message)
        case kind if kind in MOVES:
            move(u, message)
        case kind if kind.startswith("bus.case."):
            act_on_case(u, message, terms)
        case _:
            assert terms is not None
            _by_terms(u, message, terms)


def _by_terms(u: Unfolding, message: Message, terms: Terms) -> None:
    match u.type:
        case "bus.resource.claim.v1":
            claim(u, message, terms)
        case "bus.resource.release.v1":
            _release(u, message, terms)
        case "bus.resource.revoke.v1":
            _revoke(u)
        case "bus.agent.wait.v1":
            wait(u, message, terms)
        case _:
            assert u.type == "bus.contest.ask.v1", f"{u.type} is a built-in type that nobody acts on"
            _ask(u, message, terms)


def _renew(u: Unfolding, message: Message) -> None:
    """A frozen holder keeps what it has: the lease clock stands still, so there is nothing to extend."""
    token, is_frozen = int(message.body["token"]), u.resource.case is not None
    if failed := check_holder(u.resource, u.source, token, u.type, None if is_frozen else u.moment):
        u.fail(failed)
    elif is_frozen:
        confirm(u)
    else:
        holding = u.resource.holding
        assert holding is not None
        until = max(holding.until, u.moment.later + holding.lease_ms)
        u.say(Renewed(u.source, token, until), u.source)


def _release(u: Unfolding, message: Message, terms: Terms) -> None:
    """Whatever ``at``: it extends nothing. With ``to`` the subject is kept for that agent a while."""
    token, to = int(message.body["token"]), message.body.get("to", "")
    if failed := check_holder(u.resource, u.source, token, u.type, None):
        u.fail(failed)
        return
    handover = Handover(to, u.moment.later + terms.handover_ms) if to else None
    u.say(Ended(u.source, token, "released", handover=handover), u.source)
    after_holding(u, "released")


def _revoke(u: Unfolding) -> None:
    """An operator ends whatever holding there is."""
    holding = u.resource.holding
    if holding is None:
        u.refuse(Why.FENCED, "nobody holds it")
        return
    u.say(Ended(holding.agent, holding.token, "revoked"), u.source, holding.agent)
    after_holding(u, "revoked")


def _ask(u: Unfolding, message: Message, terms: Terms) -> None:
    """A question goes to the seats of the terms, and to a person if they cannot answer it."""
    resource, start = u.resource, u.moment.later
    if resource.case is not None:
        u.refuse(Why.FROZEN, "a person decides on it now")
    elif contest := resource.contest:
        u.refuse(Why.HELD, f"contest {contest.id} is open on it", retry_after=contest.deadline)
    elif u.state.registry.roles(u.source).isdisjoint(terms.ask):
        u.refuse(Why.NOT_ALLOWED, f"the terms let these roles ask: {', '.join(terms.ask) or 'none'}")
    else:
        until = message.body.get("until")
        end = start + terms.vote.ballot_ms
        seats = u.state.electorate(terms).agents_by_seat
        options = tuple(message.body["options"])
        bound = start + bound_ms(terms, "question", u.state.resolvers)
        deadline = end if until is None else min(end, int(until))
        open_choice(
            u, ContestOpened("question", terms.ref, terms.vote.method, options, seats, deadline, min(bound, deadline))
        )


def _report(u: Unfolding, message: Message) -> None:
    action, result = message.body["decision"], message.body["result"]
    if action not in u.resource.unreported:
        u.refuse(Why.LATE, "no action admitted on this subject waits for such a report")
    else:
        u.say(Reported(action, u.source, result), u.source)
