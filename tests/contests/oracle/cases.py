"""A case: how it freezes its subject, how it moves up the tiers, and how it ends without a person."""

from __future__ import annotations

from tests.contests.oracle.entry import Entry
from tests.contests.oracle.grants import (
    concerned,
    delay,
    drop,
    end,
    end_wait,
    refuse_held,
    settle_choice,
    settle_none,
    thaw,
)
from tests.contests.oracle.log import Json
from tests.contests.oracle.subject import Candidate, Case, Held, Subject

HOLD_MS = 604_800_000
RESERVE_MS = 900_000


# What a case decides, by what the contest was over.
KINDS = {"claims": "claims", "review": "approval", "question": "question"}


def open_case(
    e: Entry, r: Subject, why: str, terms: Json, *, kind: str = "", parties: list[Candidate] | None = None
) -> str:
    """The human rung: a case opens and freezes the subject at once. Returns the case's id."""
    escalate = terms.get("escalate", {})
    tiers = escalate.get("tiers_ms", [])
    due = e.start + tiers[0] if tiers else None
    if r.contest is not None:
        c = r.contest
        c.is_cut_short, c.phase = c.phase == "vote", "human"
        whom = [x.agent for x in c.live()] + c.seated() + ([c.actor] if c.actor else [])
        e.tell("rung", r, whom, contest=c.id, rung="human", deadline=... if due is None else due)
    kind = kind or KINDS[r.contest.over if r.contest is not None else "review"]
    told = {"case": e.id_of_event(), "file_n": 1, "rev": 1, "state": "ready", "file_hash": ...}
    told |= {"over": kind, "why": why, "queue": escalate.get("queue", ""), "tier": 0, "due": due}
    case = e.tell("case_opened", r, e.sender(), **told)
    r.case = Case(case, kind, escalate, due, parties=parties or [])
    e.tell("frozen", r, concerned(r, r.case.parties), case=case)
    return case


def change(e: Entry, r: Subject, *, moves: bool) -> None:
    """The case file changes; `rev` moves when content or ownership does, not with tier, deadline or a late ballot."""
    case = r.case
    assert case is not None
    case.file_n += 1
    case.rev += 1 if moves else 0
    state = "reserved" if case.person else "ready"
    told = {"case": case.id, "file_n": case.file_n, "rev": case.rev, "state": state, "tier": case.tier}
    told |= {"due": case.due, "overdue": True if case.is_overdue else None}
    told |= {"person": case.person, "reserved_until": case.reserved_until} if case.person else {}
    e.tell("case_changed", r, e.sender(), **told, file_hash=...)


def close(e: Entry, r: Subject, state: str, **ruled: Json) -> None:
    """The case is over; the thaw is another event."""
    case = r.case
    assert case is not None
    told = {"case": case.id, "file_n": case.file_n + 1, "rev": ..., "state": state, "file_hash": ...}
    e.tell("case_closed", r, e.sender(), **told, **ruled)


def lost_one(e: Entry, r: Subject) -> None:
    """A candidate of a case is gone: the last one takes the case with it, else a person still decides."""
    c = r.contest
    assert r.case is not None
    is_wait_over = r.case.kind == "wait" and not any(x.is_live for x in r.case.parties)
    if is_wait_over or (c is not None and c.over == "claims" and not c.live()):
        obsolete(e, r, "")
    else:
        change(e, r, moves=True)


def obsolete(e: Entry, r: Subject, reason: str) -> None:
    """There is nothing left to decide: the case goes, and the subject thaws."""
    close(e, r, "obsolete")
    c = r.contest
    if c is None:
        thaw(e, r)
    elif c.over == "claims":
        settle_none(e, r, "", reason)
    else:
        settle_choice(e, r, "none", "")
        thaw(e, r)


def after_review(e: Entry, r: Subject, winner: str, reason: str) -> None:
    """A review was settled without a person: the action it was about is released or refused."""
    held = r.held[0]
    if winner == "approve":
        release(e, r, held)
    else:
        refuse_held(e, r, held, reason)


def release(e: Entry, r: Subject, held: Held) -> None:
    """Let a held action go if status, authority, token and its own expiry still allow it now."""
    reason = _obstacle(e, r, held)
    if reason:
        refuse_held(e, r, held, reason)
        return
    assert r.holding is not None
    r.held.remove(held)
    admit(
        e,
        r,
        held.o,
        agent=held.agent,
        kind=held.type,
        topic=held.contract.get("topic"),
        guard={"token": held.token, "until": r.holding.until},
        held=held.decision,
    )


def admit(
    e: Entry, r: Subject, o: int, *, agent: str, kind: str, topic: str | None, guard: Json, held: str = ""
) -> None:
    """The record at `o` goes to its governed topic."""
    if topic is None:
        return
    told = {"o": o, "agent": agent, "type": kind, "topic": topic, **guard, "held": held}
    decision = e.tell("action_admitted", r, [agent], **told)
    if "token" in guard:  # what needed no holder is no guarded action, and nobody keeps account of it
        r.reportable.append(decision)


def tier_passed(e: Entry, r: Subject) -> None:
    """Nobody ruled in time: one tier up, or overdue and still there; a time-out never approves."""
    case = r.case
    assert case is not None
    tiers = case.escalate.get("tiers_ms", [])
    if case.tier + 1 < len(tiers):
        case.tier += 1
        case.due = e.start + tiers[case.tier]
        change(e, r, moves=False)
        return
    case.is_overdue, case.due = True, None
    expiry = case.escalate.get("on_expiry", "stay_frozen")
    if expiry == "stay_frozen":
        change(e, r, moves=False)
        return
    obsolete(e, r, "unresolved")
    for held in list(r.held):
        refuse_held(e, r, held, "unresolved")
    if expiry == "release" and r.holding is not None:
        end(e, r, "expired")
        delay(e, r)
        end_wait(e, r, "expired")


def reservation_passed(e: Entry, r: Subject) -> None:
    """A reservation ends by itself."""
    case = r.case
    assert case is not None
    case.person, case.reserved_until = "", 0
    change(e, r, moves=True)


def hold_passed(e: Entry, r: Subject, held: Held) -> None:
    """Nobody decided on an action while its bytes were still there: it is refused, and its case is obsolete."""
    is_first = r.held[0] is held
    refuse_held(e, r, held, "hold_expired")
    is_reviewed = is_first and r.contest is not None and r.contest.over == "review"
    if r.case is not None and is_first and r.case.kind == "approval":
        obsolete(e, r, "")
    elif r.case is not None:
        change(e, r, moves=True)
    elif is_reviewed:
        settle_choice(e, r, "none", "")


def suspended_candidate(e: Entry, r: Subject, candidate: Candidate) -> None:
    """A claim of a suspended agent is void."""
    drop(e, r, candidate, "suspended")


def _obstacle(e: Entry, r: Subject, held: Held) -> str:
    if e.registry.is_suspended(held.agent):
        return "suspended"
    if held.expiry is not None and e.start >= held.expiry:
        return "expired"
    if r.holding is None or r.holding.token != held.token:
        return "fenced"
    may = held.contract.get("may")
    is_allowed = may is None or bool(set(may) & set(e.registry.roles(held.agent)))
    return "" if e.registry.agent(held.agent) and is_allowed else "not_allowed"
