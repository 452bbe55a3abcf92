"""How a contest opens: over claims, over a held action, over a question; its seats and terms are pinned here."""

from __future__ import annotations

from tests.contests.oracle import cases, ladder
from tests.contests.oracle.entry import Entry
from tests.contests.oracle.log import Json, digest
from tests.contests.oracle.subject import Candidate, Contest, Held, Subject


def open_claims(e: Entry, r: Subject, terms: Json) -> Contest:
    """A window over claims; a holder that is challenged is the first candidate."""
    end = e.start + terms.get("window_ms", 0)
    c = _open(e, r, "claims", terms, end=end, bound=e.start + ladder.bound_ms(terms))
    c.window_end, c.phase = end, "window"
    if r.holding is not None:
        h = r.holding
        c.is_challenge = True
        _join(e, r, c, Candidate("", h.agent, h.claim, is_holder=True))
    return c


def join(e: Entry, r: Subject, c: Contest, lease_ms: int | None, reasoning: str | None) -> None:
    """The sender's claim becomes a candidate; the window closes early once every claimants' role has claimed."""
    assert e.said is not None
    candidate = Candidate("", e.said.source, e.said.id, lease_ms)
    reasoning_hash = None if reasoning is None else digest(reasoning)
    _join(e, r, c, candidate, reasoning_hash=reasoning_hash, lease_ms=lease_ms)
    claimants = c.terms.get("claimants")
    claimed = {role for x in c.candidates for role in x.roles}
    is_complete = claimants is not None and set(claimants) <= claimed
    if is_complete or c.terms.get("window_ms", 0) == 0:
        ladder.close_window(e, r)


def open_review(e: Entry, r: Subject, held: Held, terms: Json, *, is_over_limit: bool) -> None:
    """The seats of the contract judge a held action; over the limit their ballots only go into a case."""
    review = held.contract["review"]
    ballot_ms = review.get("ballot_ms", ladder.ballot_ms(terms))
    end = e.start + ballot_ms
    seats, held_by = review["seats"], held.decision
    c = _open(e, r, "review", terms, end=end, bound=end, seats=seats, actor=held.agent, held=held_by)
    c.is_over_limit = is_over_limit
    if not c.seats:
        c.phase = "counted"
        cases.open_case(e, r, "over_limit" if is_over_limit else "ladder", terms)


def open_question(e: Entry, r: Subject, terms: Json, body: Json) -> None:
    """The seats of the terms answer a question."""
    assert e.said is not None
    end = e.start + ladder.ballot_ms(terms)
    end = min(end, body.get("until", end))
    c = _open(e, r, "question", terms, end=end, bound=end, options=body["options"], actor=e.said.source)
    if not c.seats:
        c.phase = "counted"
        cases.open_case(e, r, "ladder", terms)


def _open(
    e: Entry,
    r: Subject,
    over: str,
    terms: Json,
    *,
    end: int,
    bound: int,
    seats: list[str] | None = None,
    options: list[str] | None = None,
    actor: str = "",
    held: str | None = None,
) -> Contest:
    vote = terms.get("vote", {})
    method = vote.get("method", "majority")
    named = ["approve", "reject"] if over == "review" else list(options or [])
    c = Contest(e.id_of_event(), over, terms, [], end, "vote", options=named, method=method, actor=actor)
    _seat(e, c, vote.get("seats", []) if seats is None else seats)
    c.ballot_end = None if over == "claims" else end
    whom = [*e.sender(), *([r.holding.agent] if r.holding else [])]
    whom += [] if over == "claims" else c.seated()
    e.tell(
        "contest_opened",
        r,
        whom,
        over=over,
        terms=e.registry.terms_name(r.name),
        method=method,
        candidates=named,
        seats=[[seat, agents] for seat, agents in (*c.seats, *c.veto_seats)],
        deadline=end,
        bound=bound,
        held=held,
    )
    r.contest = c
    return c


def _seat(e: Entry, c: Contest, names: list[str]) -> None:
    """Every agent sits once: on the seat that names it, else on the first one of a role it has now."""
    known = e.registry.agents()
    taken = {name for name in names if name in known}
    roles = list(dict.fromkeys(veto["role"] for veto in c.terms.get("veto", [])))
    for place, name in enumerate([*names, *(role for role in roles if role not in names)]):
        found = [name] if name in known else [x for x in known if name in e.registry.roles(x) and x not in taken]
        taken.update(found)
        (c.seats if place < len(names) else c.veto_seats).append((name, found))
    c.vetoers = {role: [x for x in c.seated() if role in e.registry.roles(x)] for role in roles}


def _join(e: Entry, r: Subject, c: Contest, candidate: Candidate, **more: Json) -> None:
    candidate.id, candidate.roles = e.id_of_event(), tuple(e.registry.roles(candidate.agent))
    c.candidates.append(candidate)
    e.tell("joined", r, [candidate.agent], contest=c.id, agent=candidate.agent, claim=candidate.claim, **more)
