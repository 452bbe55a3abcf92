"""What a message asks the arbiter for, and the answer: one function per kind of act.

    suspended -> expired -> unknown_resource -> (the act's own checks, in the order of `ArbiterReason`) -> done

A claim that fails is ``denied`` (the entry is ``applied``); anything else that fails is ``refused``.
What needs a contest, a review or a person cannot be settled by this engine: it is refused as ``unresolved``.
"""

from bus.core.arrivals import Message
from bus.core.contracts import Contract
from bus.core.entries import Basis, Entry, Verdict
from bus.core.events import ActionAdmitted, Denied, Ended, Event, FactStated, Refused, Reported, What
from bus.core.partition import PartitionState
from bus.core.reasons import ArbiterReason as Why
from bus.core.resource import (
    Claim,
    Moment,
    check_holder,
    decide_claim,
    decide_release,
    decide_renewal,
    decide_revocation,
)
from bus.core.terms import Terms

CLAIM = "bus.resource.claim.v1"
# Acts that only make sense on a resource type with terms.
_ON_TERMS = frozenset(
    {
        *(CLAIM, "bus.resource.renew.v1", "bus.resource.release.v1", "bus.resource.revoke.v1"),
        *("bus.contest.ask.v1", "bus.agent.wait.v1"),
    }
)


def decide_message(state: PartitionState, message: Message) -> Entry:
    """The entry for a message that continues its lane."""
    contract = state.registry.contract_by_ref(message.contract_ref)
    if contract is None or not _is_complete(message, contract):
        return Entry(message.o, "repeat", reason="alien", src=message.src)
    terms = state.registry.terms.get(message.envelope.subject.partition("/")[0])
    happened = _happened(state, message, contract, terms)
    events = tuple(
        Event(n, message.envelope.subject, _recipients(state, message, what), what) for n, what in enumerate(happened)
    )
    reason = next((what.reason for what in happened if isinstance(what, Refused)), "")
    return Entry(
        o=message.o,
        verdict=_verdict(happened),
        events=events,
        reason=reason,
        src=message.src,
        id=message.envelope.id,
        type=message.envelope.type,
        source=message.envelope.source,
        at=message.at,
        hash=message.hash,
        basis=Basis(state.registry.number, terms.ref if terms else "", message.contract_ref),
    )


def _is_complete(message: Message, contract: Contract) -> bool:
    """Does it carry what its contract makes the arbiter read? No gate forwards it otherwise."""
    if contract.guard and message.envelope.token is None:
        return False
    return contract.fact is None or contract.fact.name in message.values.get("fact", {})


def _verdict(happened: tuple[What, ...]) -> Verdict:
    if any(isinstance(what, Refused) for what in happened):
        return "refused"
    return "admitted" if any(isinstance(what, ActionAdmitted) for what in happened) else "applied"


def _recipients(state: PartitionState, message: Message, what: What) -> tuple[tuple[str, str], ...]:
    concerned = [message.envelope.source]
    if isinstance(what, Ended):
        concerned.append(what.agent)
    return state.recipients(*concerned, lane=message.lane)


def _happened(state: PartitionState, message: Message, contract: Contract, terms: Terms | None) -> tuple[What, ...]:
    moment = Moment(message.at, state.now)
    if stopped := _stopped(state, message, contract, terms, moment):
        return (stopped,)
    if contract.type.startswith("bus."):
        return (_built_in(state, message, terms, moment),)
    return _domain(state, message, contract, terms, moment)


def _stopped(
    state: PartitionState, message: Message, contract: Contract, terms: Terms | None, moment: Moment
) -> What | None:
    envelope = message.envelope
    if name := state.registry.suspension_of(envelope.source):
        return _fails(message, Why.SUSPENDED, f"{name} is suspended; an operator lifts it")
    if envelope.expiry_ms is not None and moment.later >= envelope.expiry_ms:
        return _fails(message, Why.EXPIRED, f"ce_expirytime passed {moment.later - envelope.expiry_ms} ms ago")
    needs_terms = contract.guard or contract.fact is not None or contract.type in _ON_TERMS
    if needs_terms and terms is None:
        kind = envelope.subject.partition("/")[0]
        return _fails(message, Why.UNKNOWN_RESOURCE, f"no terms are in force for resource type {kind}")
    return None


def _fails(message: Message, reason: Why, detail: str) -> What:
    source = message.envelope.source
    if message.envelope.type == CLAIM:
        return Denied(source, message.envelope.id, reason)
    return Refused(source, message.envelope.type, reason, detail)


def _built_in(state: PartitionState, message: Message, terms: Terms | None, moment: Moment) -> What:
    envelope, body = message.envelope, message.body
    source, kind = envelope.source, envelope.type
    resource = state.resource(envelope.subject)
    match kind:
        case "bus.resource.claim.v1":
            assert terms is not None
            return decide_claim(resource, _claim(state, message), terms, moment)
        case "bus.resource.renew.v1":
            return decide_renewal(resource, source, int(body["token"]), kind, moment)
        case "bus.resource.release.v1":
            assert terms is not None
            to = body.get("to", "")
            return decide_release(resource, source, int(body["token"]), kind, to, terms.handover_ms, moment)
        case "bus.resource.revoke.v1":
            return decide_revocation(resource, source, kind)
        case "bus.resource.withdraw.v1":
            return _fails(message, Why.LATE, "no contest on this subject has such a claim")
        case "bus.action.report.v1":
            if body["decision"] not in resource.unreported:
                return _fails(message, Why.LATE, "no action admitted on this subject waits for such a report")
            return Reported(body["decision"], source, body["result"])
        case "bus.agent.wait.v1":
            assert terms is not None
            return _wait(state, message, terms)
        case "bus.agent.resume.v1":
            return _fails(message, Why.LATE, "no such wait is open")
        case _:
            return _contest_or_case(message, terms, state.registry.roles(source))


def _claim(state: PartitionState, message: Message) -> Claim:
    source, lease_ms = message.envelope.source, message.body.get("lease_ms")
    return Claim(
        agent=source,
        id=message.envelope.id,
        token=state.token(message.o, 0),
        roles=state.registry.roles(source),
        is_registered=state.registry.is_registered(source),
        lease_ms=int(lease_ms) if lease_ms is not None else None,
    )


def _wait(state: PartitionState, message: Message, terms: Terms) -> What:
    source = message.envelope.source
    resource = state.resource(message.envelope.subject)
    if resource.holding is None or resource.holding.agent != source:
        detail = "an agent waits on what it holds, and it does not hold this"
        return Refused(source, message.envelope.type, Why.FENCED, detail, current=resource.token)
    if int(message.body["until"]) > message.at + terms.wait_max_ms:
        return _fails(message, Why.WAIT_TOO_LONG, f"the terms allow {terms.wait_max_ms} ms")
    return _fails(message, Why.UNRESOLVED, "a wait ends in a case for people, and this engine opens none")


def _contest_or_case(message: Message, terms: Terms | None, roles: frozenset[str]) -> What:
    envelope = message.envelope
    if envelope.type == "bus.contest.ask.v1":
        asks = terms.ask if terms else ()
        if roles.isdisjoint(asks):
            return _fails(message, Why.NOT_ALLOWED, f"the terms let these roles ask: {', '.join(asks) or 'none'}")
        return _fails(message, Why.UNRESOLVED, "a question needs a vote, and this engine holds none")
    if envelope.type.startswith("bus.contest."):
        return _fails(message, Why.CONTEST_CLOSED, "no such contest is open on this subject")
    if not envelope.is_person:
        return _fails(message, Why.NOT_A_PERSON, "cases are for people")
    return _fails(message, Why.LATE, "no such case is open on this subject")


def _domain(
    state: PartitionState, message: Message, contract: Contract, terms: Terms | None, moment: Moment
) -> tuple[What, ...]:
    envelope, token, until = message.envelope, None, None
    if contract.has_review and not contract.guard:
        return (_fails(message, Why.UNRESOLVED, "its contract asks for a review, and this engine holds none"),)
    if contract.guard:
        assert terms is not None
        assert envelope.token is not None
        resource = state.resource(envelope.subject)
        if failed := check_holder(resource, envelope.source, envelope.token, envelope.type, moment):
            return (failed,)
        if needed := _needs_settling(message, contract, terms):
            return (_fails(message, Why.UNRESOLVED, needed),)
        assert resource.holding is not None
        token, until = resource.holding.token, resource.holding.until
    happened: list[What] = []
    if contract.fact is not None:
        happened.append(FactStated(contract.fact.name, message.values["fact"][contract.fact.name]))
    if contract.topic:
        kind = envelope.type
        happened.append(ActionAdmitted(message.o, envelope.source, kind, contract.topic, token=token, until=until))
    return tuple(happened)


def _needs_settling(message: Message, contract: Contract, terms: Terms) -> str:
    if contract.has_review:
        return "its contract asks for a review, and this engine holds none"
    cost, limit = message.values.get("cost"), terms.freeze_above_cost
    if limit is not None and cost is not None and cost > limit:
        return f"cost {cost} > {limit}: a person decides, and this engine opens no case"
    return ""
