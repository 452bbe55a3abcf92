"""Who competes: a contest opens, claims join it, and candidates drop out when they withdraw or are suspended."""

from bus.core.contest.contest import APPROVE, CANDIDATES_MAX, REJECT, WINDOW, Candidate, Contest, Electorate, Refusal
from bus.core.contest.negotiation import leave
from bus.core.decision.contest_events import Over
from bus.core.frozen import replace
from bus.core.policy.terms import Terms

APPROVE_OR_REJECT = (Candidate(APPROVE), Candidate(REJECT))


def open_claims(*, identifier: str, terms: Terms, electorate: Electorate, start: int) -> Contest:
    """A contest over claims; none has joined yet. ``start`` = max(at, now) of the claim that opens it (ms)."""
    return Contest(identifier, "claims", terms, electorate, start, start, start + terms.window_ms)


def open_review(
    *, identifier: str, terms: Terms, electorate: Electorate, start: int, author: str, is_for_person: bool
) -> Contest:
    """A contest over {approve, reject} of an action of ``author``; over the cost limit only a person settles it."""
    contest = _open_choice("review", identifier, terms, electorate, start)
    return replace(contest, candidates=APPROVE_OR_REJECT, author=author, is_for_person=is_for_person)


def open_question(
    *,
    identifier: str,
    terms: Terms,
    electorate: Electorate,
    start: int,
    author: str,
    options: tuple[str, ...],
    until: int | None,
) -> Contest:
    """A contest over the options of a question; ``until`` (ms) ends the vote earlier than the terms would."""
    contest = _open_choice("question", identifier, terms, electorate, start)
    return replace(contest, candidates=tuple(Candidate(option) for option in options), author=author, until=until)


def check_join(contest: Contest, agent: str, *, at: int) -> Refusal | None:
    """None if a claim of this agent, sent at ``at`` (ms), joins; else why not."""
    if any(one.agent == agent for one in contest.candidates):
        return Refusal("already_claimed", "one claim an agent in a contest, also after it was withdrawn")
    if len(contest.candidates) >= CANDIDATES_MAX:
        return Refusal("contest_full", f"a contest takes {CANDIDATES_MAX} claims")
    window_end = contest.deadline if contest.rung == WINDOW else contest.opened + contest.terms.window_ms
    if at >= window_end:
        return Refusal("late", f"claims were collected until {window_end}")
    if contest.rung != WINDOW:
        return Refusal("contest_closed", "every role that may claim had claimed, so the window closed early")
    return None


def join(contest: Contest, candidate: Candidate) -> Contest:
    """The contest with one more candidate, the last in log order."""
    return replace(contest, candidates=(*contest.candidates, candidate))


def has_everybody_claimed(contest: Contest) -> bool:
    """Has every role in ``claimants`` claimed? Then nobody is left to wait for. Never, if all roles may claim."""
    claimants = contest.terms.claimants
    if not claimants:
        return False
    claimed = frozenset[str]().union(*(one.roles for one in contest.candidates))
    return claimed.issuperset(claimants)


def check_withdraw(contest: Contest, agent: str, claim: str) -> Refusal | None:
    """None if this claim of this agent can still win and so can be withdrawn; else why not."""
    if any(one.agent == agent and one.claim == claim for one in contest.live):
        return None
    return Refusal("late", "no claim of this id, sent by this agent, is in the contest any more")


def drop(contest: Contest, candidate: str, reason: str) -> Contest:
    """The contest without this candidate: it stays listed with the reason but cannot win. A negotiation ends by it.

    ``reason`` is what its owner hears: withdrawn, suspended, not_allowed …
    """
    dropped = tuple(
        replace(one, dropped=reason) if one.id == candidate and not one.dropped else one for one in contest.candidates
    )
    if dropped == contest.candidates:
        return contest
    return leave(replace(contest, candidates=dropped), candidate)


def suspend(contest: Contest, agent: str) -> Contest:
    """The agent cannot win any more, for good, and its ballots are void until it is resumed; seats stay as they are."""
    changed = replace(contest, suspended=contest.suspended | {agent})
    for one in contest.live:
        if one.agent == agent:
            changed = drop(changed, one.id, "suspended")
    return changed


def resume(contest: Contest, agent: str) -> Contest:
    """The agent's ballots count again; a candidate that was dropped stays dropped."""
    return replace(contest, suspended=contest.suspended - {agent})


def _open_choice(over: Over, identifier: str, terms: Terms, electorate: Electorate, start: int) -> Contest:
    return Contest(identifier, over, terms, electorate, start, start, start)
