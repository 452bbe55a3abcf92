"""Says in plain sentences why the arbiter decided as it did, from its own basis and from how things stood before."""

from bus.audit.contest_sentences import candidate_name, why_won
from bus.audit.plain import lasting, listed, name_of, plainly, shown
from bus.audit.situation import Situation
from bus.audit.why_actions import why_released
from bus.audit.why_contest import why_contest
from bus.audit.why_control import why_changed
from bus.audit.why_suspended import why_suspended
from bus.core.contest.contest import Contest
from bus.core.decision.contest_events import Settled
from bus.core.decision.events import (
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
from bus.core.decision.reasons import ArbiterReason
from bus.core.decision.wants import (
    WantedFact,
    WantedRoles,
    roles_in_words,
    value_in_words,
    values_in_words,
    wanted_roles,
)
from bus.core.policy.terms import Terms
from bus.core.state.resource import missing_fact


def why_arbiter(found: Situation) -> list[str]:  # noqa: C901 one case per kind, closed
    """The sentences."""
    if found.decision.event is None:
        return _without_event(found)
    match found.decision.event.what:
        case Granted() as what:
            return _granted(found, what)
        case Confirmed() as what:
            return _confirmed(found, what)
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
        case what:
            return why_contest(found, what)


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


def _confirmed(found: Situation, what: Confirmed) -> list[str]:
    subject, agent = found.before.subject, name_of(what.agent)
    if settled := found.settled():
        contest, ended = settled
        won = why_won(contest, ended.winner, ended.by, dict(ended.tally), ended.outcome)
        return [won, f"it is the holder of {subject}, so its token stays as it was"]
    held = f"{agent} held {subject} already, so its message changed nothing"
    if found.before.resource.case:
        return [f"{held}: while a person decides the lease stands still"]
    return [f"{held}: the token and the end of the lease stay as they were"]


def _granted(found: Situation, what: Granted) -> list[str]:
    return [*_won(found, what), *_lease(found, what)]


def _won(found: Situation, what: Granted) -> list[str]:
    """Why this claim got it: first, above the holder, or as the winner of a contest."""
    subject, agent = found.before.subject, name_of(what.agent)
    if settled := found.settled():
        contest, ended = settled
        return [why_won(contest, ended.winner, ended.by, dict(ended.tally), ended.outcome)]
    holding = found.before.resource.holding
    if what.by == "preempt" and holding:
        rule = f"the terms let a role with a higher priority take {subject} from its holder"
        return [f"{rule}: {agent} stands above {name_of(holding.agent)}"]
    if what.by == "ruling":
        return [f"a person ruled on the wait of its holder: {agent} gets {subject}"]
    return _first(found, what)


def _first(found: Situation, what: Granted) -> list[str]:
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
    return sentences


def _lease(found: Situation, what: Granted) -> list[str]:
    terms = found.terms
    holding = found.after.resource.holding
    lease = lasting(holding.lease_ms) if holding else ""
    wished = "as the claim wished" if terms and holding and holding.lease_ms < terms.lease_ms else "as the terms say"
    return [f"the lease is {lease}, {wished}: it ends at {found.clock(what.until)} unless it is renewed"]


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
    if what.reason in ("superseded", "ruled"):
        return _replaced(found, what)
    if found.resource.case is None and found.before.resource.case:
        return ["its case ended without a person, and the terms give the resource back then"]
    holding = found.before.resource.holding
    until = found.clock(holding.until) if holding else "that time"
    sentences = [
        f"the lease ended at {until} and was not renewed in time: the tick states {found.clock(found.entry.now)}"
    ]
    if found.after.resource.cooling_until:
        cooling = found.clock(found.after.resource.cooling_until)
        sentences.append(f"the terms ask for a lock delay: nobody can claim {subject} before {cooling}")
    return sentences


def _replaced(found: Situation, what: Ended) -> list[str]:
    """Another agent got it: by a contest, by a higher priority, or by a person."""
    if settled := found.settled():
        contest, ended = settled
        return [why_won(contest, ended.winner, ended.by, dict(ended.tally), ended.outcome)]
    if what.reason == "ruled":
        return ["a person ruled that whom the holder waited for gets it"]
    return ["an agent whose role stands higher in the terms claimed it, and they let it take it over"]


def _refused(found: Situation, what: Refused) -> list[str]:
    if what.reason == ArbiterReason.LATE and what.token is None:  # about no lease
        return [plainly(what.detail, found.clock) or _PLAIN["late"]]
    if what.reason != ArbiterReason.FENCED or what.token is None:
        return _no(found, what.reason, plainly(what.detail, found.clock))
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
    if settled := found.settled():
        return _lost(found, what, *settled)
    return _no(found, what.reason, "")


def _lost(found: Situation, what: Denied, contest: Contest, ended: Settled) -> list[str]:
    """Its contest was settled, and another candidate, or nobody, has won."""
    won = why_won(contest, ended.winner, ended.by, dict(ended.tally), ended.outcome)
    if what.winner is None:
        return [won, f"{found.before.subject} goes to nobody by this contest"]
    return [won, f"{found.before.subject} went to {candidate_name(contest, what.winner)}"]


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
        case ArbiterReason.LATE | ArbiterReason.CONTEST_CLOSED if not detail and found.before.resource.contest:
            return [_window_over(found, found.before.resource.contest)]
        case ArbiterReason.FROZEN if found.before.resource.case:
            case = found.before.resource.case
            return [f"case {case.id} has frozen {subject} since {found.clock(case.opened)}: a person decides first"]
        case ArbiterReason.SUSPENDED if found.decision.event and not found.entry.source:
            agent = str(getattr(found.decision.event.what, "agent", ""))
            return [why_suspended(found.lookup, found.registry, agent, found.clock), _NO_CANDIDATE]
        case ArbiterReason.UNKNOWN_RESOURCE:
            return [f"no terms were in force for resource type {kind}, so nobody can hold {subject}"]
        case ArbiterReason.SUSPENDED:
            return [why_suspended(found.lookup, found.registry, found.entry.source, found.clock)]
        case ArbiterReason.EXPIRED:
            return [f"the message was void by then, as its sender had asked for: {detail}" if detail else _EXPIRED]
        case _:
            plain = _PLAIN.get(reason, "the arbiter said no")
            return [detail or plain] if reason in _TOLD_BY_DETAIL else [plain, *([detail] if detail else [])]


def _window_over(found: Situation, contest: Contest) -> str:
    """A claim that came too late to join."""
    end = found.clock(contest.opened + contest.terms.window_ms)
    return f"claims were collected until {end}, or until every role that may claim had claimed; this one came after"


_NO_CANDIDATE = "a suspended agent cannot win: its claim is no candidate any more"
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
    "already_claimed": "an agent has one claim in a contest, also after it took it back",
    "contest_full": "the contest has as many claims as it can take",
    "frozen": "a person decides on it, and nobody else gets it before",
    "unresolved": "its contract asks for a review, and only an action of a holder can have one",
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
    goes = f"it goes out to topic {what.topic}" if what.topic else "it may be done; its contract names no topic"
    if what.held:
        return [*why_released(found, what), goes]
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
