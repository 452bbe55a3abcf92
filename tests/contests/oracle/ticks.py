"""What a tick fires: every deadline up to its `now`, by (deadline, subject), until the entry is full."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

from tests.contests.oracle import actions, cases, claims, ladder, waits
from tests.contests.oracle.entry import Entry
from tests.contests.oracle.grants import delay, end
from tests.contests.oracle.subject import Subject

EVENTS_MAX = 256
Fire = Callable[[], None]

# Two deadlines of one subject at one moment: what a suspension ends, the lease, the contest, the case, holds, waits.
SUSPENDED, LEASE, CONTEST, TIER, RESERVATION, HOLD, WAIT = range(7)


def run(e: Entry, subjects: dict[str, Subject]) -> None:
    """Fire what is due; what would not fit stays due for the next tick."""
    for r in subjects.values():
        _forget(e, r)
    while due := min((found for r in subjects.values() for found in _deadlines(e, r)), default=None):
        when, name, what, index = due
        if when > e.start:
            return
        before, told = deepcopy(subjects[name]), len(e.events)
        _fire(e, subjects[name], what, index, when)
        terms = e.registry.terms(name)
        actions.next_up(e, subjects[name], terms)
        if len(e.events) > EVENTS_MAX:
            subjects[name] = before
            del e.events[told:]
            return


def earliest(e: Entry, subjects: dict[str, Subject]) -> int | None:
    """The next moment at which a tick would say something."""
    return min((found[0] for r in subjects.values() for found in _deadlines(e, r)), default=None)


def _forget(e: Entry, r: Subject) -> None:
    """Reservations, delays, cooldowns and facts end with a tick, and nobody is told."""
    if r.reserved_for and r.reserved_until <= e.start:
        r.reserved_for, r.reserved_until = "", 0
    if r.lock_until <= e.start:
        r.lock_until = 0
    r.cooldowns = {agent: until for agent, until in r.cooldowns.items() if until > e.start}
    r.facts = {name: fact for name, fact in r.facts.items() if fact[1] > e.start}


def _deadlines(e: Entry, r: Subject) -> list[tuple[int, str, int, int]]:
    found: list[tuple[int, str, int, int]] = []
    if r.holding is not None and r.holding.due is not None:
        found.append((r.holding.due, r.name, SUSPENDED, -1))
    elif r.holding is not None and r.case is None:
        found.append((r.holding.until, r.name, LEASE, 0))
    c = r.contest
    if c is not None:
        found += [
            (x.due, r.name, SUSPENDED, index)
            for index, x in enumerate(c.candidates)
            if x.due is not None and x.is_live and not x.is_holder
        ]
        if c.phase in ("window", "vote", "negotiate", "delay"):
            found.append((c.deadline, r.name, CONTEST, 0))
    if r.case is not None:
        found += [] if r.case.due is None else [(r.case.due, r.name, TIER, 0)]
        found += [(r.case.reserved_until, r.name, RESERVATION, 0)] if r.case.person else []
    found += [(held.until, r.name, HOLD, index) for index, held in enumerate(r.held)]
    found += [] if r.wait is None else [(r.wait.until, r.name, WAIT, 0)]
    return found


def _fire(e: Entry, r: Subject, what: int, index: int, when: int) -> None:
    if what == SUSPENDED:
        _drain(e, r, index)
    elif what == LEASE:
        _expire(e, r)
    elif what == CONTEST:
        _contest(e, r)
    elif what == TIER:
        cases.tier_passed(e, r)
    elif what == RESERVATION:
        cases.reservation_passed(e, r)
    elif what == HOLD:
        cases.hold_passed(e, r, r.held[index])
    else:
        waits.passed(e, r, e.registry.terms(r.name) or {})


def _drain(e: Entry, r: Subject, index: int) -> None:
    if index < 0:
        assert r.holding is not None
        end(e, r, "revoked", r.holding.cause)
        claims.after_end(e, r, "suspended", "suspended")
        return
    assert r.contest is not None
    cases.suspended_candidate(e, r, r.contest.candidates[index])
    ladder.left(e, r)


def _expire(e: Entry, r: Subject) -> None:
    end(e, r, "expired")
    delay(e, r)
    claims.after_end(e, r, "expired", "fenced")


def _contest(e: Entry, r: Subject) -> None:
    c = r.contest
    assert c is not None
    if c.phase == "vote":
        ladder.close_vote(e, r)
    elif c.phase == "delay":
        ladder.after_delay(e, r)
    else:
        # The window ends, or a party missed its turn: in both cases the ladder goes on.
        ladder.advance(e, r)
