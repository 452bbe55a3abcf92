"""Guarded actions in the order of the log: admitted, held for a review, a person or behind others, or refused."""

from __future__ import annotations

from tests.contests.oracle import cases, opening
from tests.contests.oracle.claims import fenced, own
from tests.contests.oracle.entry import Entry
from tests.contests.oracle.log import Json, Said
from tests.contests.oracle.subject import Held, Subject

HELD_MAX = 32


def guarded(e: Entry, r: Subject, said: Said, terms: Json, contract: Json) -> None:
    """An act that needs the holder's current token."""
    h = own(r, said, said.token)
    if h is None:
        fenced(e, r, said.token)
        return
    if r.case is None and said.at >= h.until:
        # The wire leaves open whether the token is named here; readers ignore what they do not need.
        e.refuse(r, "late", token=...)
        return
    need = _need(contract, said.cost, terms)
    if not need and r.case is None and not r.held:
        e.verdict = "admitted"
        guard = {"token": h.token, "until": h.until}
        cases.admit(e, r, said.o, agent=said.source, kind=said.type, topic=contract.get("topic"), guard=guard)
        return
    if len(r.held) >= HELD_MAX:
        e.refuse(r, "hold_overflow")
        return
    _hold(e, r, said, terms, contract)


def next_up(e: Entry, r: Subject, terms: Json) -> None:
    """Nothing is open any more: the next held action gets its own review or case, or goes."""
    while r.held and r.case is None and r.contest is None and terms is not None:
        held = r.held[0]
        need = _need(held.contract, held.cost, terms)
        if need == "review":
            opening.open_review(e, r, held, terms, is_over_limit=_is_over_limit(held.cost, terms))
        elif need == "case":
            cases.open_case(e, r, "over_limit", terms)
        else:
            cases.release(e, r, held)


def _hold(e: Entry, r: Subject, said: Said, terms: Json, contract: Json) -> None:
    assert r.holding is not None
    e.verdict = "held"
    until = e.start + terms.get("escalate", {}).get("hold_ms", cases.HOLD_MS)
    told = {"o": said.o, "agent": said.source, "token": r.holding.token, "type": said.type, "hash": said.hash}
    is_next = r.case is None and r.contest is None and not r.held
    need = _need(contract, said.cost, terms)
    contest = e.id_of_event(1) if is_next and need == "review" else None
    case = r.case.id if r.case else e.id_of_event(1) if is_next and need == "case" else None
    told |= {"cost": said.cost, "expiry": said.expiry}
    decision = e.tell("action_held", r, e.sender(), **told, until=until, contest=contest, case=case)
    token = r.holding.token
    held = Held(decision, said.o, said.source, token, said.type, contract, said.cost, said.expiry, until)
    r.held.append(held)
    if r.case is not None:
        cases.change(e, r, moves=True)


def _need(contract: Json, cost: int | None, terms: Json) -> str:
    if contract.get("review"):
        return "review"
    return "case" if _is_over_limit(cost, terms) else ""


def _is_over_limit(cost: int | None, terms: Json) -> bool:
    limit = terms.get("freeze_above_cost")
    return cost is not None and limit is not None and cost > limit
