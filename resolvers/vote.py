"""Vote: seats cast sealed ballots until a deadline, one round; a method counts them; a tie or too few pass on.

Six methods, by whole numbers only. A ballot counts as seats count, except in ``weighted``.

| Method | Who wins |
|---|---|
| plurality | most ballots |
| majority | 2 × ballots > ballots that did not abstain |
| supermajority | ballots × 10000 ≥ ``threshold_bp`` × ballots that did not abstain, and more than anybody else |
| weighted | 2 × weight > weight of the ballots that did not abstain |
| approval | named on most ballots |
| schulze | see `resolvers.schulze` |

Quorum: valid ballots, abstentions included, × 10000 ≥ ``quorum_bp`` × seats. The seats are those of the opening: a void
ballot lowers the ballots, never the seats.
"""

from bus.core.contest.contest import Hears, NextRung, Resolution, Settle, View, Wait
from bus.core.policy.terms import BASIS_POINTS, Terms
from resolvers.schulze import schulze_winners

Tally = tuple[tuple[str, int], ...]


class Vote:
    """Waits until every seat has voted or the deadline has come, then counts once."""

    name = "vote"
    hears: Hears = "ballots"

    def bound_ms(self, terms: Terms, candidates: int) -> int:  # noqa: ARG002 the protocol's signature
        """The time for ballots, however many candidates there are."""
        return terms.vote.ballot_ms

    def resolve(self, view: View, now: int) -> Resolution:
        """Wait, or the winner of the count. The tally shows what the method counted, in candidate order."""
        deadline = view.started + view.terms.vote.ballot_ms
        if view.until is not None:
            deadline = min(deadline, view.until)
        if now < deadline and len(view.ballots) < len(view.seats):
            return Wait(deadline)
        tally = _tally(view)
        if not has_quorum(view):
            return NextRung("no_quorum", tally)
        if not any(ballot.choice for ballot in view.ballots):
            return NextRung("nobody_chose", tally)
        winners = _winners(view, tally)
        if len(winners) == 1:
            return Settle(winners[0], self.name, tally)
        return NextRung("tie" if winners else "no_majority", tally)


def has_quorum(view: View) -> bool:
    """Have enough seats cast a valid ballot? Abstaining is taking part; a vote without seats has none."""
    return bool(view.seats) and len(view.ballots) * BASIS_POINTS >= view.terms.vote.quorum_bp * len(view.seats)


def _tally(view: View) -> Tally:
    """What each candidate got: ballots, weight, approvals, or (schulze) first places."""
    weights = {seat.name: seat.weight for seat in view.seats}
    method = view.terms.vote.method
    counts = dict.fromkeys((one.id for one in view.candidates), 0)
    for ballot in view.ballots:
        chosen = ballot.choice if method == "approval" else ballot.choice[:1]
        for candidate in (one for one in chosen if one in counts):  # among claims ``reject`` is for nobody
            counts[candidate] += weights[ballot.seat] if method == "weighted" else 1
    return tuple((one.id, counts[one.id]) for one in view.candidates)


def _winners(view: View, tally: Tally) -> list[str]:
    """All whom the method puts first: more than one is a tie, none a majority missed."""
    most = max(count for _, count in tally)
    first = [candidate for candidate, count in tally if count == most]
    if not most and view.terms.vote.method != "schulze":
        return []
    match view.terms.vote.method:
        case "plurality" | "approval":
            return first
        case "majority":
            return first if 2 * most > _chosen(view) else []
        case "supermajority":
            return first if most * BASIS_POINTS >= view.terms.vote.threshold_bp * _chosen(view) else []
        case "weighted":
            weights = {seat.name: seat.weight for seat in view.seats}
            return first if 2 * most > sum(weights[one.seat] for one in view.ballots if one.choice) else []
        case "schulze":
            names = [candidate for candidate, _ in tally]
            return schulze_winners(names, [[one for one in ballot.choice if one in names] for ballot in view.ballots])


def _chosen(view: View) -> int:
    """How many ballots did not abstain."""
    return sum(1 for ballot in view.ballots if ballot.choice)


VOTE = Vote()
