"""The walk down the ladder: from the window over the rungs to a winner, to nobody, or to a person.

    window    -- window over -------------------------> rung
    window    -- every role in claimants has claimed -> rung
    rung      -- tie, no result, bound reached -------> next rung
    rung      -- result ------------------------------> settled
    rung      -- one live candidate, or none ---------> settled
    last rung -- deny --------------------------------> settled
    last rung -- human -------------------------------> case
    any       -- veto, then: deny --------------------> settled
    any       -- veto, then: human -------------------> case
    case      -- no live candidate -------------------> settled

1. Rungs only go down, so a contest ends. A rung starts at max(at, now) of a message, or at the tick's ``now``.
2. Deadlines fire in ticks. An ordinary record fires none, however late it comes: it only says something new.
3. Of claims, a single live candidate wins without a rung, once the window is over and unless a case is open.
4. Over the cost limit ballots are collected, but only a person settles.
5. A resolver that waits longer than its bound or once more when its deadline fired, or names a winner that cannot
   win, has no result.
"""

from bus.core.contest.ballots import counted_ballots, standing_veto, voting_seats
from bus.core.contest.candidates import has_everybody_claimed
from bus.core.contest.contest import (
    DENY,
    HUMAN,
    NONE,
    REJECT,
    WINDOW,
    Contest,
    Escalate,
    NextRung,
    Resolution,
    Resolver,
    Resolvers,
    Settle,
    View,
    Wait,
)
from bus.core.contest.negotiation import sit_down
from bus.core.frozen import dataclass, replace

UNCONTESTED, BY_VETO = "uncontested", "veto"


@dataclass(frozen=True, slots=True)
class Passed:
    """A rung that was left behind without a result, and why."""

    rung: str
    why: str
    tally: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Walked:
    """Where a contest stands now: the new value, the rungs passed on the way, and what it waits for or how it ended."""

    contest: Contest
    result: Settle | Wait | Escalate
    passed: tuple[Passed, ...] = ()


def after_message(contest: Contest, resolvers: Resolvers, *, at: int, now: int) -> Walked:
    """Where the contest stands after what a message changed. No deadline fires, also not one that ``at`` is past."""
    start = max(at, now)
    return _walk(contest, resolvers, fired=min(at, contest.deadline - 1), start=start)


def after_tick(contest: Contest, resolvers: Resolvers, *, now: int) -> Walked:
    """Where the contest stands once every deadline up to ``now`` (ms) has fired."""
    return _walk(contest, resolvers, fired=now, start=now)


def view_of(contest: Contest) -> View:
    """What a resolver sees of the contest."""
    return View(
        over=contest.over,
        terms=contest.terms,
        candidates=contest.live,
        seats=voting_seats(contest),
        ballots=counted_ballots(contest),
        started=contest.started,
        moves=contest.moves,
        turn=contest.turn,
        turns_max=contest.turns_max,
        until=contest.until,
    )


def _walk(contest: Contest, resolvers: Resolvers, *, fired: int, start: int) -> Walked:
    if contest.case:
        return Walked(contest, Escalate(contest.case) if contest.live else Settle(NONE, UNCONTESTED))
    if vetoed := _vetoed(contest):
        return vetoed
    passed: list[Passed] = []
    if contest.over == "claims" and not contest.live:
        return Walked(contest, Settle(NONE, UNCONTESTED))
    if contest.rung == WINDOW:
        if not _is_window_over(contest, fired):
            return Walked(contest, Wait(contest.deadline))
        contest, fired = _enter(contest, resolvers, 0, start), start
    while True:
        resolution = _resolution(contest, resolvers, fired)
        match resolution:
            case NextRung():
                passed.append(Passed(contest.rung_name, resolution.why, resolution.tally))
                contest, fired = _enter(contest, resolvers, contest.rung + 1, start), start
            case _:
                return Walked(_resting(contest, resolution), resolution, tuple(passed))


def _resting(contest: Contest, result: Settle | Wait | Escalate) -> Contest:
    """The contest where the walk ends for now."""
    match result:
        case Wait():
            return _waiting(contest, result.deadline)
        case Escalate():
            return _as_case(contest, result)
        case Settle():
            return contest


def _as_case(contest: Contest, result: Escalate) -> Contest:
    """The contest as a person gets it: no rung is on, and no deadline of its own is left."""
    return replace(contest, case=result.why, hears="nothing")


def _vetoed(contest: Contest) -> Walked | None:
    found = standing_veto(contest)
    if found is None:
        return None
    ballot, terms = found
    if terms.then == "deny":
        return Walked(contest, Settle(REJECT if contest.over == "review" else NONE, BY_VETO, outcome=ballot.reason))
    result = Escalate("veto")
    return Walked(_as_case(contest, result), result)


def _is_window_over(contest: Contest, fired: int) -> bool:
    if contest.over != "claims" or contest.terms.window_ms == 0:
        return True
    return fired >= contest.deadline or has_everybody_claimed(contest)


def _enter(contest: Contest, resolvers: Resolvers, rung: int, start: int) -> Contest:
    name = contest.ladder[rung]
    resolver = resolvers.get(name)
    hears = resolver.hears if resolver else "nothing"
    entered = replace(contest, rung=rung, started=start, deadline=0, hears=hears)
    return sit_down(entered, start=start) if hears == "offers" else entered


def _waiting(contest: Contest, deadline: int) -> Contest:
    until = deadline if contest.hears == "ballots" else contest.ballots_until
    return replace(contest, deadline=deadline, ballots_until=until)


def _resolution(contest: Contest, resolvers: Resolvers, fired: int) -> Settle | Wait | NextRung | Escalate:
    name = contest.rung_name
    if contest.over == "claims" and len(contest.live) <= 1:
        return Settle(contest.live[0].id if contest.live else NONE, UNCONTESTED)
    if name == HUMAN:
        return Escalate("over_limit" if contest.is_for_person else "ladder")
    if name == DENY:
        return Settle(NONE, DENY)
    resolver = resolvers.get(name)
    if resolver is None:
        return NextRung("unknown_rung")
    answer = _held_to_its_word(resolver, contest, resolver.resolve(view_of(contest), fired), fired)
    if isinstance(answer, Settle) and contest.is_for_person:
        return NextRung("over_limit", answer.tally)
    return answer


def _held_to_its_word(resolver: Resolver, contest: Contest, answer: object, fired: int) -> Resolution:
    """The answer as far as the bus takes it; ``answer`` is an object, for a stranger's may be anything."""
    match answer:
        case Wait():
            end = contest.started + resolver.bound_ms(contest.terms, len(contest.candidates))
            deadline = min(answer.deadline, end)
            # Its deadline has fired and nothing new can be said of it: to wait on would be to wait unheard.
            has_fired = 0 < contest.deadline <= fired
            return Wait(deadline) if deadline > fired and not has_fired else NextRung("bound")
        case Settle() if answer.winner not in (NONE, *(one.id for one in contest.live)):
            return NextRung("no_such_candidate")
        case Settle():
            return replace(answer, by=resolver.name)
        case NextRung():
            return answer
        case _:
            return NextRung("no_answer")
