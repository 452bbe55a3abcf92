"""The rungs of a contest: each tries in turn; a tie, or no result, goes to the next, down to a person."""

from __future__ import annotations

from collections.abc import Sequence

from tests.contests.oracle import bargain, cases, counting
from tests.contests.oracle.entry import Entry
from tests.contests.oracle.grants import settle, settle_choice, settle_none, valid_ballots
from tests.contests.oracle.log import Json
from tests.contests.oracle.subject import Candidate, Contest, Subject

# Start values of the specification of contests, section 3.
BALLOT_MS = 20_000
QUORUM_BP = 5_000
THRESHOLD_BP = 5_000


def ballot_ms(terms: Json) -> int:
    """How long a ballot lasts by the terms."""
    return int(terms.get("vote", {}).get("ballot_ms", BALLOT_MS))


def bound_ms(terms: Json) -> int:
    """The longest a contest over claims can take before it is settled or a case: window, ballot, turns."""
    longest = terms.get("window_ms", 0)
    for rung in terms.get("ladder", []):
        if rung == "vote":
            longest += ballot_ms(terms)
        elif rung == "negotiate":
            longest += bargain.turns_max(terms, bargain.OFFERS_MAX) * bargain.turn_ms(terms)
        elif rung == "first_come":
            break  # it always settles
    return int(longest)


def advance(e: Entry, r: Subject) -> None:
    """Leave the rung, or the window, and go down until something settles or has to wait."""
    c = r.contest
    assert c is not None
    c.rung += 1
    while r.contest is c and c.phase != "delay":
        if _is_over(e, r, c):
            continue
        ladder = c.terms.get("ladder") or ["human"]
        rung = ladder[c.rung] if c.rung < len(ladder) else "deny"
        match rung:
            case "priority" | "first_come":
                winner = _by_priority(e, c) if rung == "priority" else c.live()[0]
                if winner is None:
                    c.rung += 1
                else:
                    settle(e, r, winner, rung)
            case "vote":
                start_vote(e, r, c)
                return
            case "negotiate":
                bargain.start(e, r, c)
                return
            case "human":
                cases.open_case(e, r, "ladder", c.terms)
                return
            case _:
                settle_none(e, r, "deny", "unresolved")


def start_vote(e: Entry, r: Subject, c: Contest) -> None:
    """The ballot of a contest over claims begins with its rung."""
    c.phase, c.deadline = "vote", e.start + ballot_ms(c.terms)
    c.ballot_end = c.deadline
    whom = [x.agent for x in c.live()] + c.seated()
    e.tell("rung", r, whom, contest=c.id, rung="vote", deadline=c.deadline)


def close_vote(e: Entry, r: Subject) -> None:
    """The ballot ends: count, and go on with whoever won, or down the ladder."""
    c = r.contest
    assert c is not None
    if c.over != "claims":
        _close_choice(e, r, c)
        return
    while r.contest is c and c.phase == "vote":
        if _is_over(e, r, c):
            continue
        name, tally = count(e, c)
        if not name:
            c.phase = "counted"
            advance(e, r)
            return
        settle(e, r, next(x for x in c.live() if x.id == name), "vote", tally)


def count(e: Entry, c: Contest) -> tuple[str, Json]:
    """What the seats chose ("" for no result), and the tally."""
    vote, valid = c.terms.get("vote", {}), valid_ballots(e, c, c.seats)
    weights = vote.get("weights", {})
    weighed = [(ballot["choice"], weights.get(ballot["seat"], 1)) for ballot in valid]
    winner, tally = counting.winner_of(c.method, weighed, c.choices(), vote.get("threshold_bp", THRESHOLD_BP))
    if not counting.has_quorum(len(valid), len(c.seats), vote.get("quorum_bp", QUORUM_BP)):
        return "", tally
    return winner, tally


def close_window(e: Entry, r: Subject) -> None:
    """Nobody joins any more; the ladder begins."""
    advance(e, r)


def after_delay(e: Entry, r: Subject) -> None:
    """The lock delay is over: the winner that waited for it is granted, if it still may be."""
    c = r.contest
    assert c is not None
    winner_id, by, tally = c.decided
    c.phase, c.rung = "window", c.rung - 1
    winner = next((x for x in c.live() if x.id == winner_id), None)
    if winner is None or not settle(e, r, winner, by, tally):
        advance(e, r)


def left(e: Entry, r: Subject) -> None:
    """A candidate went of its own accord or was suspended: see whether that ends the contest or its rung."""
    c = r.contest
    assert c is not None
    if r.case is not None:
        cases.lost_one(e, r)
    elif not c.live():
        settle_none(e, r, "", "")
    elif c.phase == "window":
        return
    elif len(c.live()) == 1:
        _is_over(e, r, c)
        if r.contest is c and c.phase != "delay":
            settle_none(e, r, "", "")
    elif c.phase == "negotiate":
        advance(e, r)
    elif c.phase == "vote" and have_all_voted(e, c):
        close_vote(e, r)


def have_all_voted(e: Entry, c: Contest) -> bool:
    """Whether every seat has a ballot that counts now: a seat whose ballots are all void has not voted."""
    return len(valid_ballots(e, c, c.seats)) == len(c.seats)


def _is_over(e: Entry, r: Subject, c: Contest) -> bool:
    """One live candidate wins, none is `none`; True if either was tried."""
    live = c.live()
    if len(live) > 1:
        return False
    if live:
        settle(e, r, live[0], "uncontested")
    else:
        settle_none(e, r, "", "")
    return True


def _by_priority(e: Entry, c: Contest) -> Candidate | None:
    order = c.terms.get("priority", [])
    ranked = [(place_of(x.roles, order), x) for x in c.live()]
    best = min(rank for rank, _ in ranked)
    first = [x for rank, x in ranked if rank == best]
    return first[0] if len(first) == 1 else None


def place_of(roles: Sequence[str], order: list[str]) -> int:
    """The best place of an agent's roles in the terms' order; who is not listed comes last."""
    return min((order.index(role) for role in roles if role in order), default=len(order))


def _close_choice(e: Entry, r: Subject, c: Contest) -> None:
    winner, tally = count(e, c)
    if not winner or c.is_over_limit:
        c.phase = "counted"
        cases.open_case(e, r, "over_limit" if c.is_over_limit else "ladder", c.terms)
        return
    settle_choice(e, r, winner, "vote", tally)
    if c.over == "review":
        cases.after_review(e, r, winner, "ruled_out")
