"""Negotiate: the parties offer in turn, nobody repeats an offer, and what all accept is done; else it passes on.

    somebody quit, or was dropped        -> next rung
    offer stands and all others accepted -> settled
    a turn was missed                    -> next rung
    the turns are used up                -> next rung
    nothing stands, nothing is left      -> next rung

For two parties these are alternating offers without repetition (for informed parties the equilibrium is Pareto-optimal:
Anbarci 1993), for more stacked alternating offers. Whose turn it is, `bus.core.contest.negotiation` says; here stands
only when it ends and how.
"""

from bus.core.contest.contest import NONE, Hears, NextRung, Resolution, Settle, View, Wait
from bus.core.contest.negotiation import award
from bus.core.policy.terms import Terms


class Negotiate:
    """Waits for the party on turn until its turn is over."""

    name = "negotiate"
    hears: Hears = "offers"

    def bound_ms(self, terms: Terms, candidates: int) -> int:
        """Every turn used to its end."""
        return terms.negotiate.turns_max(candidates) * terms.negotiate.turn_ms

    def resolve(self, view: View, now: int) -> Resolution:
        """An agreement settles, a broken table passes on, else it is somebody's turn. The tally shows the turns."""
        turns = (("turns", len(view.moves)),)
        deadline = view.turn.started + view.terms.negotiate.turn_ms
        if gone := [move.kind for move in view.moves if move.kind in ("quit", "left")]:
            return NextRung(gone[0], turns)
        if _is_agreed(view):
            outcome = view.turn.standing
            return Settle(award(view.candidates, outcome) or NONE, self.name, turns, outcome)
        if view.turn.number > view.turns_max:
            return NextRung("turns_over", turns)
        if not view.turn.standing and not _left(view):
            return NextRung("outcomes_over", turns)
        return Wait(deadline) if now < deadline else NextRung("missed_turn", turns)


def _is_agreed(view: View) -> bool:
    """Has everybody at the table but its author accepted what stands?"""
    if not view.turn.standing:
        return False
    last = max(place for place, move in enumerate(view.moves) if move.kind == "offer")
    agreed = {view.moves[last].party, *(move.party for move in view.moves[last + 1 :] if move.kind == "accept")}
    return all(one.id in agreed for one in view.candidates)


def _left(view: View) -> list[str]:
    """The outcomes nobody has offered yet."""
    offered = [move.outcome for move in view.moves if move.kind == "offer"]
    outcomes = view.terms.negotiate.outcomes or tuple(one.id for one in view.candidates)
    return [outcome for outcome in outcomes if outcome not in offered]


NEGOTIATE = Negotiate()
