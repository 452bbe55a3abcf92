"""How a holding begins and ends, and how a contest over claims is settled: one order of events for every way there."""

from __future__ import annotations

from tests.contests.oracle.entry import Entry
from tests.contests.oracle.log import Json
from tests.contests.oracle.subject import Candidate, Contest, Held, Holding, Subject


def obstacle(e: Entry, agent: str, terms: Json) -> str:
    """Why this agent may not be granted the subject now, or "": status and authority as of now."""
    if e.registry.is_suspended(agent):
        return "suspended"
    claimants = terms.get("claimants")
    is_allowed = claimants is None or bool(set(claimants) & set(e.registry.roles(agent)))
    return "" if e.registry.agent(agent) and is_allowed else "not_allowed"


def grant(e: Entry, r: Subject, *, agent: str, claim: str, wish_ms: int | None, terms: Json, by: str) -> None:
    """Give the subject to an agent, with a new token and a whole lease."""
    lease_ms = terms["lease_ms"] if wish_ms is None else min(wish_ms, terms["lease_ms"])
    r.holding = Holding(agent, claim, e.next_token(), e.start + lease_ms, lease_ms)
    r.reserved_for, r.reserved_until, r.lock_until = "", 0, 0
    told = {"agent": agent, "claim": claim, "token": r.holding.token, "until": r.holding.until}
    e.tell("granted", r, [agent], **told, by=by)


def confirm(e: Entry, r: Subject) -> None:
    """Say once more what the holder holds."""
    h = r.holding
    assert h is not None
    frozen = {} if r.case is None else {"case": r.case.id}
    told = {"agent": h.agent, "claim": h.claim, "token": h.token, "until": h.until, **frozen}
    e.tell("confirmed", r, [h.agent], **told, lease_ms=h.lease_ms)


def end(e: Entry, r: Subject, reason: str, cause: str = "", also: list[str] | None = None) -> Holding:
    """The holding is over; what hung on it is the caller's to end."""
    h = r.holding
    assert h is not None
    r.holding = None
    e.tell("ended", r, [h.agent, *(also or [])], agent=h.agent, token=h.token, reason=reason, cause=cause)
    return h


def delay(e: Entry, r: Subject) -> None:
    """After a lease that ran out the next grant waits, for effects outside the bus."""
    delay_ms = (e.registry.terms(r.name) or {}).get("lock_delay_ms", 0)
    r.lock_until = e.start + delay_ms if delay_ms else 0


def end_wait(e: Entry, r: Subject, reason: str) -> None:
    """A wait is over, if there was one."""
    if r.wait is not None:
        e.tell("wait_ended", r, [r.wait.agent], wait=r.wait.id, reason=reason)
        r.wait = None


def refuse_held(e: Entry, r: Subject, held: Held, reason: str) -> None:
    """An action that was held back will not be done."""
    r.held.remove(held)
    told = {"o": held.o, "agent": held.agent, "token": held.token, "reason": reason, "held": held.decision}
    e.tell("action_refused", r, [held.agent], **told)


def drop(e: Entry, r: Subject, candidate: Candidate, reason: str) -> None:
    """A candidate that cannot win any more; the holder of a challenge loses no claim by it."""
    candidate.is_live = False
    if not candidate.is_holder and r.contest is not None:
        _deny(e, r, r.contest, candidate, reason)


def settle(e: Entry, r: Subject, winner: Candidate, by: str, tally: Json = None) -> bool:
    """End a contest over claims with a winner; False if the winner may not have it, and was dropped."""
    c = r.contest
    assert c is not None
    reason = obstacle(e, winner.agent, c.terms)
    if winner.is_holder:
        reason = "suspended" if reason == "suspended" else ""
    if reason:
        drop(e, r, winner, reason)
        return False
    if r.lock_until and r.holding is None and c.phase != "human":
        # The delay after a lease that ran out protects effects outside the bus: the grant waits for its end.
        c.rung_end = c.deadline
        c.phase, c.deadline, c.decided = "delay", r.lock_until, (winner.id, by, tally)
        return True
    settled = _settled(e, r, c, winner.id, by, tally)
    thaw(e, r, is_kept=winner.is_holder)
    if winner.is_holder:
        confirm(e, r)
    else:
        _hand_over(e, r, c, winner, by, settled)
    for loser in c.live():
        if loser is not winner and not loser.is_holder:
            _deny(e, r, c, loser, "lost", by=by, winner=winner.id)
    _close(e, r, c, winner)
    return True


def settle_none(e: Entry, r: Subject, by: str, reason: str) -> None:
    """End a contest over claims with nobody: whoever held still holds."""
    c = r.contest
    assert c is not None
    _settled(e, r, c, "none", by, None)
    thaw(e, r)
    for loser in c.live():
        if not loser.is_holder:
            _deny(e, r, c, loser, reason)
    _close(e, r, c, None)


def settle_choice(e: Entry, r: Subject, winner: str, by: str, tally: Json = None) -> None:
    """End a review or a question; what follows from it is the caller's to say."""
    c = r.contest
    assert c is not None
    _settled(e, r, c, winner, by, tally)
    r.closed, r.contest = (c.id, max(c.deadline, c.rung_end)), None


def thaw(e: Entry, r: Subject, *, is_kept: bool = True) -> None:
    """The freeze is over, if there was one: the holder gets a whole lease (rule T6), never a shorter one."""
    if r.case is None:
        return
    case, r.case = r.case, None
    if r.holding is not None:
        r.holding.until = max(r.holding.until, e.start + r.holding.lease_ms)
    # Where the holding ends in the same entry the wire does not say which time stands here.
    until = None if r.holding is None else r.holding.until if is_kept else ...
    e.tell("unfrozen", r, concerned(r, case.parties), case=case.id, until=until)
    # None stands for a field that must be absent: nobody holds, so nothing runs again.
    e.events[-1]["until"] = until


def concerned(r: Subject, more: list[Candidate]) -> list[str]:
    """The holder and all candidates: whoever a freeze or its end concerns."""
    candidates = [*(r.contest.live() if r.contest else []), *more]
    return [c.agent for c in candidates] + ([r.holding.agent] if r.holding else [])


def valid_ballots(e: Entry, c: Contest, seats: list[tuple[str, list[str]]]) -> list[Json]:
    """The last ballot of each seat that is not void, in the order of seats: a suspended voter's is."""
    found = []
    for seat, _ in seats:
        valid = [x for x in c.ballots.values() if x.seat == seat and not e.registry.is_suspended(x.agent)]
        for ballot in valid[-1:]:
            told = {"seat": seat, "agent": ballot.agent, "choice": ballot.choice, "reason": ballot.reason}
            found.append(told if ballot.confidence is None else {**told, "confidence": ballot.confidence})
    return found


def _settled(e: Entry, r: Subject, c: Contest, winner: str, by: str, tally: Json) -> str:
    whom = [x.agent for x in c.live()] if c.over == "claims" else [c.actor]
    ballots = valid_ballots(e, c, [*c.seats, *c.veto_seats])
    # Only a ballot that decided has a tally; how Schulze's is written down is left open.
    counted = {} if by != "vote" else ... if c.method == "schulze" else tally
    outcome = c.outcome if by in ("negotiate", "veto") else None
    told = {"contest": c.id, "winner": winner, "by": by, "tally": counted, "ballots": ballots, "outcome": outcome}
    return e.tell("settled", r, whom, **told)


def _hand_over(e: Entry, r: Subject, c: Contest, winner: Candidate, by: str, settled: str) -> None:
    h = end(e, r, "ruled" if by == "ruling" else "superseded", settled) if r.holding else None
    grant(e, r, agent=winner.agent, claim=winner.claim, wish_ms=winner.lease_ms, terms=c.terms, by=by)
    if h is not None:
        if c.terms.get("cooldown_ms"):
            r.cooldowns[h.agent] = e.start + c.terms["cooldown_ms"]
        end_wait(e, r, "ruled" if by == "ruling" else "superseded")


def _deny(e: Entry, r: Subject, c: Contest, loser: Candidate, reason: str, **more: Json) -> None:
    told = {"agent": loser.agent, "claim": loser.claim, "reason": reason, "retry_after": None, "contest": c.id}
    e.tell("denied", r, [loser.agent], **told, **more)


def _close(e: Entry, r: Subject, c: Contest, winner: Candidate | None) -> None:
    if c.is_challenge and c.terms.get("cooldown_ms"):
        losers = [x.agent for x in c.live() if x is not winner and not x.is_holder]
        r.cooldowns.update(dict.fromkeys(losers, e.start + c.terms["cooldown_ms"]))
    r.closed, r.contest = (c.id, max(c.deadline, c.rung_end)), None
    current = r.holding.token if r.holding else None
    for held in [h for h in r.held if h.token != current]:
        refuse_held(e, r, held, "fenced")
