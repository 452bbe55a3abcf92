"""What a seat says: whether it is heard, a ballot that replaces its former one, and a veto that acts at once."""

from __future__ import annotations

from fnmatch import fnmatchcase

from tests.contests.oracle import cases, counting, ladder
from tests.contests.oracle.entry import Entry
from tests.contests.oracle.grants import settle_choice, settle_none
from tests.contests.oracle.log import Json, Said, digest
from tests.contests.oracle.subject import Ballot, Contest, Subject

LISTS = ("approval", "schulze")


def closed_fault(r: Subject, said: Said) -> str:
    """Why the contest a message names is not open, or ""."""
    named = said.body["contest"]
    if r.contest is not None and r.contest.id == named:
        return ""
    contest, deadline = r.closed
    return "late" if contest == named and said.at >= deadline else "contest_closed"


def vote(e: Entry, r: Subject, said: Said) -> None:
    """A ballot, or the reason why it is none."""
    c, choice = r.contest, said.body["choice"]
    reason = closed_fault(r, said)
    if not reason and c is not None:
        reason = _fault(e, c, said, is_open_case=r.case is not None)
    if reason:
        e.refuse(r, reason)
        return
    assert c is not None
    seat = _seat(c, said.source)
    confidence, reasoning = said.body.get("confidence"), said.body.get("reasoning")
    c.ballots.pop(seat, None)
    c.ballots[seat] = Ballot(seat, said.source, choice, said.body["reason"], confidence)
    told = {"contest": c.id, "seat": seat, "agent": said.source, "choice": choice, "reason": said.body["reason"]}
    told |= {"confidence": confidence, "reasoning_hash": None if reasoning is None else digest(reasoning)}
    e.tell("voted", r, e.sender(), **told)
    _follow(e, r, c, said)


def veto_of(e: Entry, c: Contest, said: Said) -> str:
    """What a rejection by this agent does at once: `deny`, `human`, or "" when it is a plain ballot."""
    seat = _seat(c, said.source)
    if not seat or said.body["choice"] != "reject":
        return ""
    roles = {seat} if seat != said.source else set(e.registry.roles(said.source))
    for veto in c.terms.get("veto", []):
        if veto["role"] in roles and any(fnmatchcase(said.body["reason"], p) for p in veto["reasons"]):
            return str(veto["then"])
    return ""


def _follow(e: Entry, r: Subject, c: Contest, said: Said) -> None:
    then = veto_of(e, c, said)
    if r.case is not None:
        cases.change(e, r, moves=False)
    elif then == "human":
        kind = {"claims": "contest", "review": "approval", "question": "question"}[c.over]
        cases.open_case(e, r, kind, c.terms)
    elif then == "deny":
        _deny(e, r, c)
    elif c.phase == "vote" and all(seat in c.ballots for seat, _ in c.seats):
        ladder.close_vote(e, r)


def _deny(e: Entry, r: Subject, c: Contest) -> None:
    if c.over == "claims":
        settle_none(e, r, "veto", "vetoed")
        return
    settle_choice(e, r, "reject" if c.over == "review" else "none", "veto")
    if c.over == "review":
        cases.after_review(e, r, "reject", "vetoed")


def _fault(e: Entry, c: Contest, said: Said, *, is_open_case: bool) -> str:
    is_veto = veto_of(e, c, said) != "" and not is_open_case
    if c.ballot_end is not None and said.at >= c.ballot_end and not is_veto:
        return "late"
    if is_veto and said.at >= c.deadline:
        return "late"
    if not is_veto and not _is_balloting(c):
        return "not_your_turn"
    seat = _seat(c, said.source)
    if not seat:
        return "not_a_seat"
    return "" if is_veto or _is_ballot(c, said.body["choice"]) else "late"


def _is_balloting(c: Contest) -> bool:
    # A case that a veto opened in mid-ballot leaves the others' ballots welcome until the ballot's end.
    return c.phase == "vote" or (c.phase == "human" and c.is_cut_short)


def _seat(c: Contest, agent: str) -> str:
    is_party = any(x.agent == agent for x in c.candidates) or (c.over == "review" and c.actor == agent)
    if is_party and not c.terms.get("vote", {}).get("claimants_vote", False):
        return ""
    return next((seat for seat, agents in c.seats if agent in agents), "")


def _is_ballot(c: Contest, choice: Json) -> bool:
    if isinstance(choice, list):
        return c.method in LISTS and all(name in c.choices() for name in choice)
    is_plain = choice in c.choices() or choice == counting.ABSTAIN
    return is_plain or (choice == "reject" and c.over == "claims")
