"""Priority: the candidate whose role stands highest in the terms wins, at once; what a claim says is not read."""

from bus.core.contest.contest import Hears, NextRung, Resolution, Settle, View
from bus.core.policy.terms import Terms


class Priority:
    """The order of roles in the terms; an agent has the best place of its roles, and unlisted roles come last."""

    name = "priority"
    hears: Hears = "nothing"

    def bound_ms(self, terms: Terms, candidates: int) -> int:  # noqa: ARG002 the protocol's signature
        """It takes no time."""
        return 0

    def resolve(self, view: View, now: int) -> Resolution:  # noqa: ARG002 the protocol's signature
        """The only candidate of the best place; two of them are a tie. The tally shows each one's place, from 0."""
        places = tuple((one.id, view.terms.rank(one.roles)) for one in view.candidates)
        if not places:
            return NextRung("no_candidate")
        best = min(place for _, place in places)
        first = [candidate for candidate, place in places if place == best]
        return Settle(first[0], self.name, places) if len(first) == 1 else NextRung("tie", places)


PRIORITY = Priority()
