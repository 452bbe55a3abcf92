"""What a seat says: whether it is heard, a ballot that replaces its former one, and a veto that acts at once."""

from __future__ import annotations

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
    c = r.contest
    reason = closed_fault(r, said)
    if not reason and c is not None:
        reason = _fault(c, said, is_open_case=r.case is not None)
    if reason:
        e.refuse(r, reason)
        return
    assert c is not None
    seat = _seat(c, said.source, with_veto=True)
    confidence, reasoning = said.body.get("confidence"), said.body.get("reasoning")
    c.ballots.pop(said.source, None)
    c.ballots[said.source] = Ballot(seat, said.source, said.body["choice"], said.body["reason"], confidence)
    told = {"contest": c.id, "seat": seat, "agent": said.source}
    told |= {"choice": said.body["choice"], "reason": said.body["reason"], "confidence": confidence}
    e.tell("voted", r, e.sender(), **told, reasoning_hash=None if reasoning is None else digest(reasoning))
    _follow(e, r, c, said)


def veto_of(c: Contest, said: Said) -> str:
    """What a rejection by this agent does at once: `deny`, `human`, or "" when it is a plain ballot."""
    if said.body["choice"] not in ("reject", ["reject"]) or not _seat(c, said.source, with_veto=True):
        return ""
    for veto in c.terms.get("veto", []):
        is_its = said.source in c.vetoers[veto["role"]]
        if is_its and any(_is_reason(said.body["reason"], listed) for listed in veto["reasons"]):
            return str(veto["then"])
    return ""


def _is_reason(reason: str, listed: str) -> bool:
    """A star stands for any ending, and only at the end of what is listed."""
    return reason.startswith(listed[:-1]) if listed.endswith("*") else reason == listed


def _follow(e: Entry, r: Subject, c: Contest, said: Said) -> None:
    then = veto_of(c, said)
    if r.case is not None:
        cases.change(e, r, moves=False)
    elif then == "human":
        cases.open_case(e, r, "veto", c.terms)
    elif then == "deny":
        c.outcome = said.body["reason"]
        _deny(e, r, c)
    elif c.phase == "vote" and ladder.have_all_voted(e, c):
        ladder.close_vote(e, r)


def _deny(e: Entry, r: Subject, c: Contest) -> None:
    if c.over == "claims":
        settle_none(e, r, "veto", "vetoed")
        return
    settle_choice(e, r, "reject" if c.over == "review" else "none", "veto")
    if c.over == "review":
        cases.after_review(e, r, "reject", "vetoed")


def _fault(c: Contest, said: Said, *, is_open_case: bool) -> str:
    # Once a person decides nothing acts at once any more: a veto is a ballot like any other.
    is_veto = not is_open_case and veto_of(c, said) != ""
    if not is_veto and not _is_usable(c, said.body["choice"]):
        return "not_allowed"
    if is_veto and said.at >= c.deadline:
        return "late"
    if not is_veto and c.ballot_end is not None and said.at >= c.ballot_end:
        return "late"
    if not is_veto and not _is_balloting(c):
        return "not_your_turn"
    return "" if _seat(c, said.source, with_veto=is_veto) else "not_a_seat"


def _is_balloting(c: Contest) -> bool:
    # A case that a veto opened in mid-ballot leaves the others' ballots welcome until the ballot's end.
    return c.phase == "vote" or (c.phase == "human" and c.is_cut_short)


def _seat(c: Contest, agent: str, *, with_veto: bool) -> str:
    """Where this agent sits: who acts has no say in the review of it, who claims none unless the terms seat them."""
    if c.over == "review" and c.actor == agent:
        return ""
    is_party = any(x.agent == agent for x in c.candidates)
    if is_party and not c.terms.get("vote", {}).get("claimants_vote", False):
        return ""
    seats = [*c.seats, *c.veto_seats] if with_veto else c.seats
    return next((seat for seat, agents in seats if agent in agents), "")


def _is_usable(c: Contest, choice: Json) -> bool:
    """Whether a ballot names what can be chosen, in the form its method counts; each name once."""
    names = choice if isinstance(choice, list) else [choice]
    if names == [counting.ABSTAIN]:
        return not isinstance(choice, list)
    if len(names) == 1:
        return names[0] in c.choices() or (names == ["reject"] and c.over == "claims")
    is_known = all(name in c.choices() for name in names)
    return c.method in LISTS and is_known and len(set(names)) == len(names)
