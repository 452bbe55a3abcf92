"""Claims and what takes them back: the first reason that applies, in the closed order of wire.md section 4."""

from __future__ import annotations

from tests.contests.oracle import cases, ladder, opening
from tests.contests.oracle.entry import Entry
from tests.contests.oracle.grants import confirm, end, end_wait, grant, refuse_held, settle_choice
from tests.contests.oracle.log import Json, Said
from tests.contests.oracle.subject import Contest, Holding, Subject

CANDIDATES_MAX = 64


def claim(e: Entry, r: Subject, said: Said, terms: Json) -> None:
    """A claim on a subject, whoever holds it."""
    h = r.holding
    if h is not None and h.agent == said.source:
        if r.case is None and said.at >= h.until:
            e.deny(r, "late")
        else:
            confirm(e, r)
        return
    reason, retry = _fault(e, r, said, terms)
    if reason:
        e.deny(r, reason, retry)
        return
    wish = said.body.get("lease_ms")
    if r.contest is not None and r.contest.over == "claims":
        opening.join(e, r, r.contest, wish, said.body.get("reasoning"))
    elif h is not None and terms.get("on_held", "deny") == "preempt_if_higher":
        _preempt(e, r, said, terms)
    elif h is None and terms.get("window_ms", 0) == 0:
        grant(e, r, agent=said.source, claim=said.id, wish_ms=wish, terms=terms, by="first")
    else:
        c = opening.open_claims(e, r, terms)
        opening.join(e, r, c, wish, said.body.get("reasoning"))


def _fault(e: Entry, r: Subject, said: Said, terms: Json) -> tuple[str, int | None]:
    if r.case is not None:
        return "frozen", None
    c = r.contest if r.contest is not None and r.contest.over == "claims" else None
    if c is not None and any(x.agent == said.source for x in c.candidates):
        return "already_claimed", None
    until = _cooling(r, said.source)
    if until is not None:
        return "cooling", until
    if c is None and _is_held(e, r, said, terms):
        return "held", None if r.holding is None else r.holding.until
    rules = terms if c is None else c.terms
    if not all(_is_known(e, r, name, values) for name, values in (rules.get("when") or {}).items()):
        return "stage", None
    claimants = rules.get("claimants")
    if claimants is not None and not set(claimants) & set(e.registry.roles(said.source)):
        return "not_allowed", None
    if e.registry.agent(said.source) is None:
        return "not_allowed", None
    return ("", None) if c is None else (_closed(c, said), None)


def _is_known(e: Entry, r: Subject, name: str, values: list[Json]) -> bool:
    """Whether a fact is one of these values, of the same kind (1 is neither "1" nor true), and not too old."""
    if name not in r.facts:
        return False
    value, until = r.facts[name]
    return e.start < until and any(type(value) is type(one) and value == one for one in values)


def _cooling(r: Subject, agent: str) -> int | None:
    """When this agent may claim again, if not now: a reservation for another, a lock delay, a challenge it lost."""
    ends: list[int] = []
    if r.holding is not None:
        ends += [r.cooldowns[agent]] if agent in r.cooldowns else []
    else:
        ends += [r.reserved_until] if r.reserved_for not in ("", agent) else []
        ends += [r.lock_until] if r.lock_until else []
    return max(ends, default=None)


def _is_held(e: Entry, r: Subject, said: Said, terms: Json) -> bool:
    on_held = terms.get("on_held", "deny")
    if r.holding is None:
        # A question is open: a window would be a second contest on the same subject.
        return r.contest is not None and terms.get("window_ms", 0) > 0
    if on_held == "preempt_if_higher":
        order = terms.get("priority", [])
        mine = ladder.place_of(e.registry.roles(said.source), order)
        return mine >= ladder.place_of(e.registry.roles(r.holding.agent), order)
    return on_held != "contest" or r.contest is not None


def _closed(c: Contest, said: Said) -> str:
    if len(c.candidates) >= CANDIDATES_MAX:
        return "contest_full"
    if said.at >= c.window_end:
        return "late"
    return "" if c.phase == "window" else "contest_closed"


def _preempt(e: Entry, r: Subject, said: Said, terms: Json) -> None:
    end(e, r, "superseded", e.id_of_event(1))
    wish = said.body.get("lease_ms")
    grant(e, r, agent=said.source, claim=said.id, wish_ms=wish, terms=terms, by="preempt")
    after_end(e, r, "superseded", "fenced")


def withdraw(e: Entry, r: Subject, said: Said) -> None:
    """A claimant takes its claim back."""
    c = r.contest
    found = None
    if c is not None and c.over == "claims":
        mine = [x for x in c.live() if x.agent == said.source and x.claim == said.body["claim"] and not x.is_holder]
        found = mine[0] if mine else None
    if c is None or found is None:
        e.refuse(r, "late")
        return
    found.is_live = False
    e.tell("withdrawn", r, e.sender(), agent=said.source, claim=found.claim, contest=c.id)
    ladder.left(e, r)


def fenced(e: Entry, r: Subject, token: int | None) -> None:
    """A holder's act by somebody who is not, or not with the current token."""
    e.refuse(r, "fenced", token=token, current=0 if r.holding is None else r.holding.token)


def own(r: Subject, said: Said, token: int | None) -> Holding | None:
    """The holding, if the sender acts with its current token."""
    h = r.holding
    return h if h is not None and h.agent == said.source and h.token == token else None


def renew(e: Entry, r: Subject, said: Said) -> None:
    """A holder wants to go on; a frozen lease stands still."""
    h = own(r, said, said.body["token"])
    if h is None:
        fenced(e, r, said.body["token"])
    elif r.case is not None:
        confirm(e, r)
    elif said.at >= h.until:
        e.refuse(r, "late")
    else:
        h.until = max(h.until, e.start + h.lease_ms)
        e.tell("renewed", r, e.sender(), agent=h.agent, token=h.token, until=h.until)


def release(e: Entry, r: Subject, said: Said, terms: Json) -> None:
    """A holder gives back, perhaps to a named agent."""
    if own(r, said, said.body["token"]) is None:
        fenced(e, r, said.body["token"])
        return
    end(e, r, "released")
    to = said.body.get("to")
    if to:
        r.reserved_for, r.reserved_until = to, e.start + terms.get("handover_ms", 0)
        e.events[-1]["handover"] = {"agent": to, "until": r.reserved_until}
        # What is kept for somebody who is suspended is over with the next tick.
        r.reserved_until = min(r.reserved_until, e.now) if e.registry.is_suspended(to) else r.reserved_until
    after_end(e, r, "released", "fenced")


def revoke(e: Entry, r: Subject) -> None:
    """An operator takes the subject away."""
    if r.holding is None:
        fenced(e, r, None)
        return
    end(e, r, "revoked", e.id_of_event(), e.sender())
    e.events[-1]["cause"] = ...
    after_end(e, r, "revoked", "fenced")


def after_end(e: Entry, r: Subject, reason: str, held_reason: str) -> None:
    """What hung on a holding that is over: its wait, its actions, its part in a contest or a case."""
    end_wait(e, r, reason)
    c = r.contest
    if c is not None and c.over == "claims":
        for x in c.live():
            x.is_live = x.is_live and not x.is_holder
    for x in r.case.parties if r.case is not None else []:
        x.is_live = x.is_live and not x.is_holder
    if c is not None and c.over == "review" and r.case is None:
        settle_choice(e, r, "none", "")
    if r.case is None or held_reason == "suspended":
        current = r.holding.token if r.holding else None
        for held in [h for h in r.held if h.token != current]:
            refuse_held(e, r, held, held_reason)
    if r.contest is not None and (r.contest.over == "claims" or r.case is not None):
        ladder.left(e, r)
    elif r.case is not None:
        cases.lost_one(e, r)
