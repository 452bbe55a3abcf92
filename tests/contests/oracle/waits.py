"""A holder that waits for somebody says until when; when that passes, a person is told who waits for whom."""

from __future__ import annotations

from tests.contests.oracle import cases
from tests.contests.oracle.claims import fenced
from tests.contests.oracle.entry import Entry
from tests.contests.oracle.log import Json, Said
from tests.contests.oracle.subject import Candidate, Subject, Wait


def wait(e: Entry, r: Subject, said: Said, terms: Json) -> None:
    """The holder waits; for longer than the terms allow it may not."""
    h = r.holding
    if h is None or h.agent != said.source:
        fenced(e, r, None)
    elif r.case is not None:
        e.refuse(r, "frozen")
    elif r.wait is not None:
        e.refuse(r, "already_claimed")
    elif said.at >= h.until:
        e.refuse(r, "late")
    elif "wait_max_ms" in terms and said.body["until"] > said.at + terms["wait_max_ms"]:
        e.refuse(r, "wait_too_long")
    else:
        r.wait = Wait(e.id_of_event(), said.source, said.body["for"], said.body["until"])
        told = {"agent": said.source, "for": said.body["for"], "until": said.body["until"]}
        e.tell("waiting", r, e.sender(), wait=r.wait.id, **told)


def resume(e: Entry, r: Subject, said: Said) -> None:
    """The waiter goes on."""
    if r.wait is None or r.wait.agent != said.source or r.wait.id != said.body["wait"]:
        e.refuse(r, "late")
        return
    e.tell("wait_ended", r, e.sender(), wait=r.wait.id, reason="resumed")
    r.wait = None


def passed(e: Entry, r: Subject, terms: Json) -> None:
    """Waited long enough: a case that names both, or one more thing in the case there is."""
    assert r.wait is not None
    assert r.holding is not None
    waited, r.wait = r.wait, None
    e.tell("wait_ended", r, [waited.agent], wait=waited.id, reason="expired")
    if r.case is not None:
        cases.change(e, r, moves=True)
        return
    if r.contest is not None:
        cases.open_case(e, r, "wait", r.contest.terms)
        return
    parties = [Candidate(waited.id, waited.agent, r.holding.claim, is_holder=True)]
    if "/agent/" in waited.whom:
        parties.append(Candidate("", waited.whom, ""))
    case = cases.open_case(e, r, "wait", terms, kind="wait", parties=parties)
    for party in parties:
        party.id = e.id_of_event()
        e.tell("joined", r, [party.agent], contest=case, agent=party.agent, claim=party.claim)
