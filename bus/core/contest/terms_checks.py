"""What is wrong with terms beyond their form: what cannot work, and what will work but not as anybody wants."""

from collections.abc import Iterator
from typing import Literal

from bus.core.contest.contest import CANDIDATES_MAX, ENDS, HUMAN
from bus.core.contest.electorate import SEATS_MAX
from bus.core.frozen import dataclass
from bus.core.policy.terms import BASIS_POINTS, HALF_BP, RESERVE_MS, TURNS_MAX, Terms

Severity = Literal["error", "warning"]

ARBITER_RETENTION_MS = 30 * 24 * 3600 * 1000  # of bus.arbiter: a held act is read from there when it is released
LEASE_RESTARTS = 3  # a holder must survive a restart of the bus, one of its own, and be late once
TURNS_MIN = 2  # one to offer, one to accept
RUNGS = ("priority", "first_come", "vote", "negotiate")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: an ``error`` cannot work, a ``warning`` is unwise. ``field`` is a JSON pointer."""

    severity: Severity
    field: str
    sentence: str
    hint: str


def check_terms(
    terms: Terms, *, restart_bound_ms: int, arbiter_retention_ms: int = ARBITER_RETENTION_MS
) -> tuple[Finding, ...]:
    """Everything that is wrong with these terms, errors first, each in the order of the fields."""
    found = [
        *_claiming(terms, restart_bound_ms),
        *_ladder(terms),
        *_seats(terms),
        *_counting(terms),
        *_veto(terms),
        *_negotiation(terms),
        *_escalation(terms, arbiter_retention_ms),
    ]
    return tuple(sorted(found, key=lambda one: one.severity))


def _error(field: str, sentence: str, hint: str) -> Finding:
    return Finding("error", field, sentence, hint)


def _warning(field: str, sentence: str, hint: str) -> Finding:
    return Finding("warning", field, sentence, hint)


def _claiming(terms: Terms, restart_bound_ms: int) -> Iterator[Finding]:
    least_ms = LEASE_RESTARTS * restart_bound_ms
    if terms.lease_ms < least_ms:
        said = f"a lease of {terms.lease_ms} ms is shorter than {LEASE_RESTARTS} restarts of the bus ({least_ms} ms)"
        yield _warning("/lease_ms", f"{said}: holders lose it when the bus restarts", f"set lease_ms to {least_ms}")
    if terms.claimants is not None and not terms.claimants:
        yield _error("/claimants", "no role may claim, so nobody ever holds", "list roles, or leave claimants out")
    if terms.on_held == "preempt_if_higher" and not terms.priority:
        said = "nobody is ever higher without a priority, so nobody is ever preempted"
        yield _error("/on_held", said, "list the roles in priority, highest first, or set on_held to deny")
    if terms.on_held == "contest" and terms.window_ms == 0:
        said = "a challenge is settled at once, so only the holder and the first challenger ever compete"
        yield _warning("/window_ms", said, "set window_ms to the time in which others may join")
    if terms.on_held == "contest" and terms.cooldown_ms == 0:
        said = "who lost a challenge may challenge again at once, and keep the holder in contests for ever"
        yield _warning("/cooldown_ms", said, "set cooldown_ms above 0")


def _ladder(terms: Terms) -> Iterator[Finding]:
    ladder = terms.ladder
    if not ladder or ladder[-1] not in ENDS:
        yield _error("/ladder", "the ladder has no end, so a contest may stay open", "end it in human or deny")
    for rung in ladder:
        if rung not in (*RUNGS, *ENDS):
            known = ", ".join((*RUNGS, *ENDS))
            yield _error("/ladder", f"{rung} is no rung", f"choose among {known}")
    if early := [rung for rung in ladder[:-1] if rung in ENDS]:
        said = f"{early[0]} ends a contest, so no rung below it is ever reached"
        yield _error("/ladder", said, f"move {early[0]} to the end of the ladder, or take out what follows it")
    if doubled := [rung for place, rung in enumerate(ladder) if rung in ladder[:place]]:
        yield _error("/ladder", f"{doubled[0]} stands on the ladder twice", "name each rung once")
    if "priority" in ladder and not terms.priority:
        said = "without a priority all roles are equal, so the rung priority always passes on"
        yield _warning("/priority", said, "list the roles, highest first, or take priority out of the ladder")
    below = ladder[ladder.index("first_come") + 1 :] if "first_come" in ladder else ()
    if hidden := [rung for rung in below if rung not in ENDS]:
        said = f"first_come always settles, so {hidden[0]} is never reached"
        yield _warning("/ladder", said, "move first_come below the other rungs, or take them out")
    if terms.ask and not terms.vote.seats and "vote" not in ladder:
        said = "a question is voted on by the seats, and there are none: each one goes to a person at once"
        yield _warning("/ask", said, "name the seats under vote, or leave ask out")


def _seats(terms: Terms) -> Iterator[Finding]:
    vote = terms.vote
    if "vote" in terms.ladder and not vote.seats:
        yield _error("/vote/seats", "nobody sits, so no vote has a result", "list seats: roles or agents' ids")
    if len(vote.seats) > SEATS_MAX:
        said = f"{len(vote.seats)} seats are more than the {SEATS_MAX} a contest takes"
        yield _error("/vote/seats", said, f"list at most {SEATS_MAX}; many agents of one role are one seat")
    if len(set(vote.seats)) < len(vote.seats):
        yield _error("/vote/seats", "a seat is listed twice, and has one ballot all the same", "list each seat once")
    claimants = terms.claimants or ()
    if vote.seats and not vote.claimants_vote and any(seat in claimants for seat in vote.seats):
        said = "a role sits and may claim: who claims cannot vote, yet its seat counts for the quorum"
        yield _warning("/vote/seats", said, "seat roles that do not claim, or set claimants_vote to true")


def _counting(terms: Terms) -> Iterator[Finding]:
    vote = terms.vote
    if not 0 <= vote.quorum_bp <= BASIS_POINTS:
        said = f"a quorum of {vote.quorum_bp} basis points is no share of the seats: it is larger than all, or negative"
        yield _error("/vote/quorum_bp", said, f"set it between 1 and {BASIS_POINTS} (all seats)")
    elif vote.quorum_bp == 0 and "vote" in terms.ladder:
        said = "without a quorum a single ballot decides"
        yield _warning("/vote/quorum_bp", said, f"set it above 0; {HALF_BP} is half of the seats")
    if vote.method == "supermajority" and not HALF_BP < vote.threshold_bp <= BASIS_POINTS:
        said = f"a supermajority of {vote.threshold_bp} basis points is less than a majority, or more than everybody"
        yield _error("/vote/threshold_bp", said, f"set {HALF_BP + 1} to {BASIS_POINTS}; 6666 for two thirds")
    elif not 0 <= vote.threshold_bp <= BASIS_POINTS:
        yield _error("/vote/threshold_bp", "the threshold is no share", f"set it between 0 and {BASIS_POINTS}")
    if strange := [seat for seat in vote.weights if seat not in vote.seats]:
        yield _error("/vote/weights", f"{strange[0]} has a weight and no seat", "give weights to listed seats only")
    if vote.method == "weighted" and vote.seats and not any(vote.weight(seat) > 0 for seat in vote.seats):
        yield _error("/vote/weights", "no seat weighs anything, so nobody ever wins", "give a seat a weight above 0")
    if any(weight < 0 for weight in vote.weights.values()):
        yield _error("/vote/weights", "a ballot cannot weigh less than nothing", "set weights of 0 and above")
    if vote.weights and vote.method != "weighted":
        said = f"by {vote.method} every ballot counts as one: the weights change nothing"
        yield _warning("/vote/weights", said, "set method to weighted, or leave weights out")
    if vote.ballot_ms <= 0:
        yield _error("/vote/ballot_ms", "a vote without time has no ballots", "set it above 0, such as 20000")


def _veto(terms: Terms) -> Iterator[Finding]:
    for place, veto in enumerate(terms.veto):
        if not veto.reasons:
            yield _error(f"/veto/{place}/reasons", "no reason is listed, so nothing is ever vetoed", "list reasons")


def _negotiation(terms: Terms) -> Iterator[Finding]:
    if "negotiate" not in terms.ladder:
        return
    negotiate, outcomes = terms.negotiate, terms.negotiate.outcomes
    if negotiate.turn_ms <= 0:
        yield _error("/negotiate/turn_ms", "a turn without time is always missed", "set it above 0")
    if negotiate.max_turns is not None and negotiate.max_turns < TURNS_MIN:
        said = "nobody can accept an offer: an agreement takes two turns"
        yield _error("/negotiate/max_turns", said, f"set it to {TURNS_MIN} or more, or leave it out")
    if len(outcomes) > CANDIDATES_MAX or len(set(outcomes)) < len(outcomes):
        said = f"outcomes are listed twice, or are more than {CANDIDATES_MAX}"
        yield _error("/negotiate/outcomes", said, f"list at most {CANDIDATES_MAX}, each once")
    claimants = terms.claimants
    if outcomes and claimants is not None and not any(outcome in claimants for outcome in outcomes):
        said = "no outcome names a role that may claim, so no agreement gives the subject to anybody"
        yield _error("/negotiate/outcomes", said, "name roles of claimants, or leave outcomes out: an award to each")
    elif len(outcomes) == 1:
        said = f"there is one outcome, {outcomes[0]}, and so nothing to negotiate about"
        yield _warning("/negotiate/outcomes", said, "list what the parties can choose between")
    if negotiate.max_turns is not None and negotiate.max_turns > TURNS_MAX:
        said = f"a negotiation has {TURNS_MAX} turns at most, whatever terms say"
        yield _warning("/negotiate/max_turns", said, f"set it to {TURNS_MAX} or less")
    fewest = len(claimants) if claimants else TURNS_MIN
    if negotiate.max_turns is not None and TURNS_MIN <= negotiate.max_turns < fewest:
        said = f"{fewest} parties cannot agree in {negotiate.max_turns} turns: one offers, all others accept"
        yield _warning("/negotiate/max_turns", said, f"set it to {2 * fewest}, two for each party")


def _escalation(terms: Terms, arbiter_retention_ms: int) -> Iterator[Finding]:
    escalate = terms.escalate
    # Without contests the ladder, which ends in human when nobody chose, and vetoes are never asked.
    is_contested = terms.window_ms > 0 or terms.on_held == "contest" or bool(terms.ask)
    is_for_person = HUMAN in terms.ladder or any(veto.then == HUMAN for veto in terms.veto)
    to_person = (is_contested and is_for_person) or terms.freeze_above_cost is not None or terms.wait_max_ms > 0
    if to_person and not escalate.queue:
        said = "cases of these terms lie in no queue, so no person may rule them"
        yield _error("/escalate/queue", said, "name a queue that persons have")
    if escalate.hold_ms >= arbiter_retention_ms:
        said = f"acts are held for {escalate.hold_ms} ms, but bus.arbiter keeps them for {arbiter_retention_ms} ms"
        yield _error("/escalate/hold_ms", said, "hold for less time than bus.arbiter keeps its records")
    if escalate.on_expiry != "stay_frozen" and not escalate.tiers_ms:
        said = f"without tiers nothing ever expires, and on_expiry {escalate.on_expiry} never happens"
        yield _error("/escalate/on_expiry", said, "list tiers_ms, or set on_expiry to stay_frozen")
    if escalate.reserve_ms <= 0:
        yield _error("/escalate/reserve_ms", "a reservation without time keeps nothing", "set it above 0")
    if escalate.tiers_ms and escalate.reserve_ms > sum(escalate.tiers_ms):
        said = (
            f"a person may keep a case for {escalate.reserve_ms} ms, longer than all its tiers last: overdue meanwhile"
        )
        how = f"reserve for {escalate.tiers_ms[0]} ms at most, as the first tier lasts; left out it is {RESERVE_MS} ms"
        yield _error("/escalate/reserve_ms", said, how)
    elif escalate.tiers_ms and escalate.reserve_ms > escalate.tiers_ms[0]:
        said = "a person may keep a case longer than its first tier lasts, so it moves up while reserved"
        yield _warning("/escalate/reserve_ms", said, "reserve for no longer than the first tier lasts")
    if sum(escalate.tiers_ms) > escalate.hold_ms:
        said = "held acts are given up before the last tier is over, and the case with them"
        yield _warning("/escalate/hold_ms", said, "hold for longer than all tiers together")
