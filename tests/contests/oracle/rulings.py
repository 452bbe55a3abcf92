"""What persons do with a case: reserve it, give it back, rule on it; who may, and what each ruling does."""

from __future__ import annotations

from tests.contests.oracle import cases
from tests.contests.oracle.entry import Entry
from tests.contests.oracle.grants import (
    confirm,
    end,
    end_wait,
    grant,
    obstacle,
    refuse_held,
    settle,
    settle_choice,
    settle_none,
    thaw,
)
from tests.contests.oracle.log import Json, Said, digest
from tests.contests.oracle.subject import Candidate, Subject


def act(e: Entry, r: Subject, said: Said, terms: Json) -> None:
    """One act of a person (or of an agent that thinks it is one) on a case."""
    reason = _fault(e, r, said, terms)
    if reason:
        e.refuse(r, reason)
        return
    case = r.case
    assert case is not None
    if said.type == "bus.case.reserve.v1":
        is_new = case.person != said.source
        if is_new:
            case.person = said.source
            case.reserved_until = e.start + case.escalate.get("reserve_ms", cases.RESERVE_MS)
        cases.change(e, r, moves=is_new)
    elif said.type == "bus.case.release.v1":
        case.person, case.reserved_until = "", 0
        cases.change(e, r, moves=True)
    else:
        _rule(e, r, said, terms)


def _fault(e: Entry, r: Subject, said: Said, in_force: Json | None) -> str:
    if said.is_agent:
        return "not_a_person"
    case = r.case
    if case is None or case.id != said.body["case"]:
        return "late"
    if not _may_rule(e, r, said.source):
        return "not_allowed"
    has_case = case.person if case.person and _may_rule(e, r, case.person) else ""
    if has_case not in ("", said.source):
        return "not_allowed"
    if case.rev != said.body["rev"]:
        return "stale_rev"
    if said.type == "bus.case.release.v1" and has_case != said.source:
        return "late"
    return _ruling_fault(e, r, said, in_force) if said.type == "bus.case.rule.v1" else ""


def _may_rule(e: Entry, r: Subject, who: str) -> bool:
    """A person of the case's queue, as of now, who owns none of the agents in conflict."""
    assert r.case is not None
    queues = (e.registry.person(who) or {}).get("queues", [])
    return r.case.escalate.get("queue") in queues and not any(e.registry.owns(who, x) for x in _conflicting(r))


def _conflicting(r: Subject) -> list[str]:
    assert r.case is not None
    found = [x.agent for x in r.case.parties] + [h.agent for h in r.held]
    if r.holding is not None:
        found.append(r.holding.agent)
    if r.reserved_for:
        found.append(r.reserved_for)
    if r.contest is not None:
        found += [x.agent for x in r.contest.candidates]
        found += [r.contest.actor] if r.contest.over == "review" else []
    return found


def _candidates(r: Subject) -> list[Candidate]:
    """Whom, or which option, a person can award the subject to."""
    assert r.case is not None
    if r.contest is not None and r.contest.over == "question":
        return [Candidate(option, "", "") for option in r.contest.options]
    if r.contest is not None and r.contest.over == "claims":
        return r.contest.live()
    return [x for x in r.case.parties if x.is_live]


def _ruling_fault(e: Entry, r: Subject, said: Said, in_force: Json | None) -> str:
    assert r.case is not None
    ruling = said.body["ruling"]
    is_approval = r.case.kind == "approval"
    if (ruling in ("approve", "reject")) != is_approval:
        return "not_allowed"
    if ruling != "award":
        return ""
    winner = next((x for x in _candidates(r) if x.id == said.body["candidate"]), None)
    if winner is None:
        return "winner_unavailable"
    if not winner.agent:
        return ""
    if r.contest is None and in_force is None and not winner.is_holder:
        return "winner_unavailable"
    terms = r.contest.terms if r.contest is not None else {}
    reason = obstacle(e, winner.agent, terms)
    return "winner_unavailable" if reason == "suspended" or (reason and not winner.is_holder) else ""


def _rule(e: Entry, r: Subject, said: Said, terms: Json) -> None:
    ruling, c = said.body["ruling"], r.contest
    winner = next((x for x in _candidates(r) if x.id == said.body.get("candidate")), None)
    cases.close(e, r, "closed", ruling=ruling, person=said.source, reason_hash=digest(said.body["reason"]))
    if ruling in ("approve", "reject"):
        _decide_actions(e, r, ruling)
    elif c is None:
        _decide_wait(e, r, winner, terms)
    elif c.over == "question":
        settle_choice(e, r, "none" if winner is None else winner.id, "ruling")
        thaw(e, r)
    elif winner is None:
        settle_none(e, r, "ruling", "ruled_out")
    else:
        settle(e, r, winner, "ruling")


def _decide_actions(e: Entry, r: Subject, ruling: str) -> None:
    if r.contest is not None:
        settle_choice(e, r, ruling, "ruling")
    thaw(e, r)
    for held in list(r.held):
        if ruling == "approve":
            cases.release(e, r, held)
        else:
            refuse_held(e, r, held, "ruled_out")


def _decide_wait(e: Entry, r: Subject, winner: Candidate | None, terms: Json) -> None:
    is_kept = winner is None or winner.is_holder
    thaw(e, r, is_kept=is_kept)
    if winner is None:
        return
    if winner.is_holder:
        confirm(e, r)
        return
    if r.holding is not None:
        end(e, r, "ruled", "")
        end_wait(e, r, "ruled")
    grant(e, r, agent=winner.agent, claim=winner.claim, wish_ms=None, terms=terms, by="ruling")
    current = r.holding.token if r.holding else None
    for held in [h for h in r.held if h.token != current]:
        refuse_held(e, r, held, "fenced")
