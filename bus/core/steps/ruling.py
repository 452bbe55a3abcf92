"""What persons do with a case: reserve it, give it back, rule on it; who may, and what each ruling does."""

from bus.core.contest.contest import NONE, Candidate, Settle
from bus.core.decision.reasons import ArbiterReason as Why
from bus.core.frozen import replace
from bus.core.message.arrivals import Message
from bus.core.policy.terms import Terms
from bus.core.state.cases import Case
from bus.core.state.obstacles import why_not_awarded
from bus.core.steps.freezing import change_case, close_case
from bus.core.steps.granting import confirm, hand_over, refuse_fenced, refuse_held, release_held, thaw
from bus.core.steps.settling import RULING, award, settle_choice, settle_nobody
from bus.core.steps.unfolding import Unfolding

RESERVE, RELEASE, RULE = "bus.case.reserve.v1", "bus.case.release.v1", "bus.case.rule.v1"
AWARD, REJECT_ALL, APPROVE, REJECT = "award", "reject_all", "approve", "reject"
RULINGS_OF = {
    "claims": (AWARD, REJECT_ALL),
    "wait": (AWARD, REJECT_ALL),
    "question": (AWARD, REJECT_ALL),
    "approval": (APPROVE, REJECT),
}


def act_on_case(u: Unfolding, message: Message, terms: Terms | None) -> None:
    """One act of a person (or of an agent that thinks it is one) on a case."""
    case = _case_for(u, message)
    if case is None:
        return
    match u.type:
        case "bus.case.reserve.v1":
            _reserve(u, case)
        case "bus.case.release.v1":
            if case.person != u.source:
                u.refuse(Why.LATE, "nobody has reserved it")
            else:
                change_case(u, _of(case, "", 0), does_move=True)
        case _:
            _rule(u, message, case, terms)


def conflicting(u: Unfolding, case: Case) -> set[str]:
    """The agents whose owner may not rule: who holds, for whom it is kept, who competes or did, who wants to act."""
    resource = u.resource
    agents = {one.agent for one in case.parties} | {one.agent for one in resource.held}
    agents |= {resource.holding.agent} if resource.holding else set()
    agents |= {resource.handover.agent} if resource.handover else set()
    if contest := resource.contest:
        agents |= {one.agent for one in contest.candidates if one.agent}
        agents |= {contest.author} if contest.over == "review" else set()
    return agents


def _case_for(u: Unfolding, message: Message) -> Case | None:
    """The case, if this sender may act on it now; else None, and a refusal with the first reason that applies."""
    case = u.resource.case
    if not message.envelope.is_person:
        u.refuse(Why.NOT_A_PERSON, "cases are for people")
    elif case is None or case.id != message.body["case"]:
        u.refuse(Why.LATE, "no such case is open on this subject")
    elif why_not := _why_no_judge(u, case, u.source):
        u.refuse(Why.NOT_ALLOWED, why_not)
    elif _is_anothers(u, case):
        u.refuse(Why.NOT_ALLOWED, f"{case.person} has reserved it until {case.reserved_until}")
    elif case.rev != int(message.body["rev"]):
        u.refuse(Why.STALE_REV, f"the case is at rev {case.rev}: read it again")
    else:
        return case
    return None


def _why_no_judge(u: Unfolding, case: Case, person: str) -> str:
    """Why this person may not rule on the case by what is in force now, whoever has reserved it; "" if they may."""
    registry = u.state.registry
    known = registry.persons.get(person)
    if known is None or case.escalate.queue not in known.queues:
        return f"the case is in queue {case.escalate.queue or '(none)'}, which is not one of yours"
    own = sorted(one for one in conflicting(u, case) if registry.owns(person, one))
    return f"{own[0]} is yours: somebody else has to rule" if own else ""


def _is_anothers(u: Unfolding, case: Case) -> bool:
    """Has somebody else reserved it? Only while they may rule themselves: who has gone keeps nobody from it."""
    return case.person not in ("", u.source) and not _why_no_judge(u, case, case.person)


def _reserve(u: Unfolding, case: Case) -> None:
    """Nobody else rules for a while; reserving it again prolongs nothing, so that it ends for whoever waits."""
    is_new = case.person != u.source
    until = u.moment.later + case.escalate.reserve_ms if is_new else case.reserved_until
    change_case(u, _of(case, u.source, until), does_move=is_new)


def _of(case: Case, person: str, until: int) -> Case:
    return replace(case, person=person, reserved_until=until)


def _rule(u: Unfolding, message: Message, case: Case, terms: Terms | None) -> None:
    ruling, named = message.body["ruling"], message.body.get("candidate", "")
    if ruling not in RULINGS_OF[case.over]:
        u.refuse(Why.NOT_ALLOWED, f"here a ruling is one of: {', '.join(RULINGS_OF[case.over])}")
        return
    winner = _winner(u, case, named, terms) if ruling == AWARD else None
    if ruling == AWARD and winner is None:
        u.refuse(Why.WINNER_UNAVAILABLE, f"{named or 'nobody'} cannot be given it: look at the case again")
        return
    contest = u.contest if u.resource.contest else None
    close_case(u, ruling=ruling, reason=message.body["reason"], candidate=named if winner else "")
    if case.over == "approval":
        _decide_actions(u, case, ruling)
    elif contest is None:
        _decide_wait(u, case, winner, terms)
    elif contest.over == "question":
        settle_choice(u, contest, winner.id if winner else NONE, RULING)
        thaw(u, case)
    elif winner is None:
        settle_nobody(u, contest, RULING, case=case)
    else:
        award(u, contest, winner, Settle(winner.id, RULING), case)


def _winner(u: Unfolding, case: Case, named: str, terms: Terms | None) -> Candidate | None:
    """The candidate that a person names, if it may be given the subject now."""
    resource = u.resource
    contest = resource.contest
    live = contest.live if contest else resource.parties
    winner = next((one for one in live if one.id == named), None)
    if winner is None or case.over == "question":
        return winner
    reason = why_not_awarded(
        *(u.state.registry, winner.agent, contest.terms if contest else terms),
        holder=resource.holding.agent if resource.holding else "",
        is_contested=contest is not None,
    )
    return None if reason else winner


def _decide_actions(u: Unfolding, case: Case, ruling: str) -> None:
    """A ruling covers everything that is held: what its revision listed."""
    if u.resource.contest:
        settle_choice(u, u.contest, ruling, RULING)
    thaw(u, case)
    for action in u.resource.held:
        if ruling == APPROVE:
            release_held(u, action)
        else:
            refuse_held(u, action, Why.RULED_OUT)


def _decide_wait(u: Unfolding, case: Case, winner: Candidate | None, terms: Terms | None) -> None:
    """Who waited keeps it, or it goes to whom it waited for."""
    thaw(u, case, *(one.agent for one in case.parties))
    holding = u.resource.holding
    if winner is None:
        return
    if holding is not None and holding.agent == winner.agent:
        confirm(u)
    else:
        assert terms is not None, "without terms nobody but the holder is a winner"
        hand_over(u, winner, terms, by=RULING, cause="")
        refuse_fenced(u)
