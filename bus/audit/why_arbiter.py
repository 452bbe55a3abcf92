"""Says in plain sentences why the arbiter decided as it did, from its own basis and from how things stood before."""

from dataclasses import dataclass

from bus.audit.decisions import ArbiterDecision
from bus.audit.lookup import Lookup
from bus.audit.plain import Clock, lasting, listed, name_of, shown
from bus.audit.standing import Standing
from bus.audit.why_control import why_changed
from bus.audit.why_suspended import why_suspended
from bus.core.control import Registry
from bus.core.entries import Entry
from bus.core.events import (
    ActionAdmitted,
    AgentStatus,
    Confirmed,
    ControlSet,
    Denied,
    Ended,
    FactStated,
    Granted,
    Refused,
    Renewed,
    Reported,
)
from bus.core.reasons import ArbiterReason
from bus.core.resource import missing_fact
from bus.core.terms import Terms
from bus.core.wants import WantedFact, WantedRoles, roles_in_words, value_in_words, values_in_words, wanted_roles


@dataclass(frozen=True, slots=True)
class Situation:
    """A decision of the arbiter with everything its reasons need: what was in force, and how things stood."""

    decision: ArbiterDecision
    lookup: Lookup
    registry: Registry
    before: Standing
    after: Standing
    clock: Clock

    @property
    def entry(self) -> Entry:
        """The decision on the record."""
        return self.decision.entry

    @property
    def terms(self) -> Terms | None:
        """The terms in force for the subject."""
        return self.registry.terms.get(self.before.subject.partition("/")[0])

    @property
    def sender(self) -> str:
        """Who sent it, by the short name."""
        return name_of(self.entry.source)


def why_arbiter(found: Situation) -> list[str]:  # noqa: C901 one case per kind, closed
    """The sentences."""
    if found.decision.event is None:
        return _without_event(found)
    match found.decision.event.what:
        case Granted() as what:
            return _granted(found, what)
        case Confirmed() as what:
            held = f"{name_of(what.agent)} held {found.before.subject} already, so the claim changed nothing"
            return [f"{held}: the token and the end of the lease stay as they were"]
        case Renewed() as what:
            return _renewed(found, what)
        case Ended() as what:
            return _ended(found, what)
        case Denied() as what:
            return _denied(found, what)
        case Refused() as what:
            return _refused(found, what)
        case ActionAdmitted() as what:
            return _admitted(found, what)
        case FactStated() as what:
            return _fact(found, what)
        case Reported() as what:
            return [f"the action was admitted as {what.action}, and a report of it was still awaited"]
        case AgentStatus() | ControlSet():
            return why_changed(found.lookup, found.entry, found.decision.p, found.clock)


def _without_event(found: Situation) -> list[str]:
    entry = found.entry
    if entry.verdict == "tick":
        return ["nothing was due at that time"]
    if entry.verdict != "repeat":
        return ["its contract asks for no holder and names no topic: such a message passes and changes nothing"]
    if entry.reason == "alien":
        return ["the record came from no lane of this bus, or lacks what a gate writes: it has no effect"]
    first = found.lookup.by_src(entry.src)
    told = f"; it was decided as {first.id}" if first else ""
    return [f"a gate had sent the same message before, or one before it was still missing: it has no effect{told}"]


def _granted(found: Situation, what: Granted) -> list[str]:
    subject, agent, terms = found.before.subject, name_of(what.agent), found.terms
    handover = found.before.resource.handover
    if handover:
        first = f"{subject} was reserved for {agent} until {found.clock(handover.until)}, and {agent} claimed it"
    else:
        first = f"nobody held {subject}, and this was the first claim in the log"
    sentences = [first]
    if terms is not None:
        if terms.when:
            facts = found.before.resource.facts
            known = [f"{name} was {shown(facts[name].value)}" for name in terms.when if name in facts]
            sentences.append(f"{listed(known)}, as the terms ask")
        sentences.append(_let_claim(found, terms, what.agent))
    holding = found.after.resource.holding
    lease = lasting(holding.lease_ms) if holding else ""
    wished = "as the claim wished" if terms and holding and holding.lease_ms < terms.lease_ms else "as the terms say"
    sentences.append(f"the lease is {lease}, {wished}: it ends at {found.clock(what.until)} unless it is renewed")
    return sentences


def _let_claim(found: Situation, terms: Terms, agent: str) -> str:
    if terms.claimants is None:
        return "the terms let every role claim it"
    shared = sorted(found.registry.roles(agent) & set(terms.claimants))
    return f"the terms let {listed(terms.claimants)} claim it, and {name_of(agent)} has role {listed(shared)}"


def _renewed(found: Situation, what: Renewed) -> list[str]:
    holding = found.before.resource.holding
    before = f", before the lease ended at {found.clock(holding.until)}" if holding else ""
    holds = f"{name_of(what.agent)} held {found.before.subject} under token {what.token}, the current one"
    same = holding is not None and what.until == holding.until
    then = "the lease ends when it did: an end never moves back" if same else "the lease is as long as at the grant"
    return [f"{holds}, and the renewal came at {found.clock(found.entry.at)}{before}", then]


def _ended(found: Situation, what: Ended) -> list[str]:
    agent, subject = name_of(what.agent), found.before.subject
    if what.reason == "released":
        kept = what.handover
        reserved = f"; until {found.clock(kept.until)} only {name_of(kept.agent)} may claim it" if kept else ""
        return [f"{agent} held {subject} under token {what.token}, the current one, and gave it back{reserved}"]
    if what.reason == "revoked":
        if not what.cause:
            return [f"{found.sender} has role operator and took {subject} away from {agent}"]
        return [f"{agent} was suspended by {what.cause}: what it held ended at the next tick"]
    holding = found.before.resource.holding
    until = found.clock(holding.until) if holding else "that time"
    sentences = [
        f"the lease ended at {until} and was not renewed in time: the tick states {found.clock(found.entry.now)}"
    ]
    if found.after.resource.cooling_until:
        cooling = found.clock(found.after.resource.cooling_until)
        sentences.append(f"the terms ask for a lock delay: nobody can claim {subject} before {cooling}")
    return sentences


def _refused(found: Situation, what: Refused) -> list[str]:
    if what.reason == ArbiterReason.LATE and what.token is None:  # about no lease
        return [what.detail or _PLAIN["late"]]
    if what.reason != ArbiterReason.FENCED or what.token is None:
        return _no(found, what.reason, what.detail)
    holding, subject = found.before.resource.holding, found.before.subject
    named = f"the message named token {what.token}"
    if holding is None:
        return [f"{named}, but nobody held {subject}: that token is over"]
    if holding.agent == what.agent:
        return [f"{named}, but the current token of {subject} is {holding.token}"]
    held = f"{name_of(holding.agent)} held {subject} under token {holding.token} until {found.clock(holding.until)}"
    if holding.token == what.token:
        return [f"{named}, but that is another agent's: {held}"]
    return [f"{named}, but {held}"]


def _denied(found: Situation, what: Denied) -> list[str]:
    """A claim's own reasons, from what the denial says was wanted; an older engine's denial says nothing of it."""
    wants, terms = what.wants, found.terms
    if what.reason == ArbiterReason.STAGE:
        if terms is not None and not isinstance(wants, WantedFact):
            wants = missing_fact(found.before.resource, terms, found.entry.at)
        return [_stage(found, wants)] if isinstance(wants, WantedFact) else [_MISSING]
    if what.reason == ArbiterReason.NOT_ALLOWED and terms is not None:
        roles = wants if isinstance(wants, WantedRoles) else wanted_roles(terms.claimants or ())
        return [_not_among_claimants(found, roles)]
    return _no(found, what.reason, "")


def _no(found: Situation, reason: str, detail: str) -> list[str]:
    """A claim that was denied, or anything else that was refused."""
    subject, kind = found.before.subject, found.before.subject.partition("/")[0]
    match reason:
        case ArbiterReason.HELD:
            return _held(found)
        case ArbiterReason.COOLING:
            return [_cooling(found)]
        case ArbiterReason.LATE if found.before.resource.holding is not None:
            until = found.clock(found.before.resource.holding.until)
            late = f"the lease of {subject} ended at {until}, and the message came at {found.clock(found.entry.at)}"
            return [f"{late}: no tick had ended it yet, but what comes after the end is late"]
        case ArbiterReason.UNKNOWN_RESOURCE:
            return [f"no terms were in force for resource type {kind}, so nobody can hold {subject}"]
        case ArbiterReason.SUSPENDED:
            return [why_suspended(found.lookup, found.registry, found.entry.source, found.clock)]
        case ArbiterReason.EXPIRED:
            return [f"the message was void by then, as its sender had asked for: {detail}" if detail else _EXPIRED]
        case _:
            plain = _PLAIN.get(reason, "the arbiter said no")
            return [detail or plain] if reason in _TOLD_BY_DETAIL else [plain, *([detail] if detail else [])]


_MISSING = "a fact that the terms ask for before a claim was not known, or another one"
_EXPIRED = "the message was void by then, as its sender had asked for with ce_expirytime"
_TOLD_BY_DETAIL = frozenset({ArbiterReason.LATE, ArbiterReason.CONTEST_CLOSED})
_PLAIN = {
    "fenced": "only the holder may do this, with the current token",
    "late": "the message names something that is not there any more, or never was",
    "not_allowed": "the terms do not let this sender do it",
    "contest_closed": "no contest is open there",
    "not_a_person": "only a person may do this",
    "wait_too_long": "the wait is longer than the terms allow",
    "unresolved": "a person or a vote has to settle this, and this version of the bus has neither",
}


def _held(found: Situation) -> list[str]:
    holding = found.before.resource.holding
    if holding is None:
        return ["another agent held it"]
    until = found.clock(holding.until)
    sentence = f"{name_of(holding.agent)} held {found.before.subject} under token {holding.token} until {until}"
    if holding.doomed_by:
        return [f"{sentence}; it was suspended by {holding.doomed_by}, and no tick had ended it yet"]
    if found.entry.at >= holding.until:
        return [f"{sentence}; that was over, but no tick had ended it yet"]
    return [sentence, "while one agent holds, the terms deny every other claim"]


def _cooling(found: Situation) -> str:
    resource, subject = found.before.resource, found.before.subject
    if resource.cooling_until:
        until = found.clock(resource.cooling_until)
        return f"the last lease of {subject} ran out, and the terms' lock delay goes on until {until}"
    if resource.handover:
        kept = resource.handover
        until = found.clock(kept.until)
        return f"the last holder gave {subject} to {name_of(kept.agent)}: only it may claim until {until}"
    return f"{subject} was kept for somebody else"


def _stage(found: Situation, wants: WantedFact) -> str:
    asked = f"before anybody may claim {found.before.subject} the terms ask for {wants.fact} to be"
    was = "not known" if wants.is_ is None else value_in_words(wants.is_)
    return f"{asked} {values_in_words(wants)}, and it was {was}"


def _not_among_claimants(found: Situation, wants: WantedRoles) -> str:
    if not found.registry.is_registered(found.entry.source):
        return f"{found.sender} was not registered any more"
    roles = sorted(found.registry.roles(found.entry.source))
    may = roles_in_words(wants, "and")
    return f"the terms let only {may} claim {found.before.subject}; {found.sender} has {_roles(roles)}"


def _roles(roles: list[str]) -> str:
    return roles_in_words(wanted_roles(roles), "and")


def _admitted(found: Situation, what: ActionAdmitted) -> list[str]:
    goes = f"it goes out to topic {what.topic}"
    if what.token is None or what.until is None:
        return [f"its contract asks for no holder, and {found.sender} may send it: {goes}"]
    holds = f"{name_of(what.agent)} held {found.before.subject} under token {what.token}, the current one"
    until = found.clock(what.until)
    return [f"{holds}, and the action came at {found.clock(found.entry.at)}, before the lease ended at {until}", goes]


def _fact(found: Situation, what: FactStated) -> list[str]:
    contract = found.registry.contract_by_ref(found.entry.basis.contract) if found.entry.basis else None
    role = contract.fact.role if contract and contract.fact else ""
    fact = found.after.resource.facts.get(what.name)
    until = f"; unless it is stated again, it is known until {found.clock(fact.until)}" if fact else ""
    return [
        f"role {role} states {what.name}, and {found.sender} has that role{until}"
        if role
        else f"{what.name} was stated{until}"
    ]
