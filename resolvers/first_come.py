"""First come: the earliest candidate in the log wins, at once."""

from bus.core.contest.contest import Hears, NextRung, Resolution, Settle, View
from bus.core.policy.terms import Terms


class FirstCome:
    """Candidates stand in log order, so the first is the first: the only rung on which that order decides."""

    name = "first_come"
    hears: Hears = "nothing"

    def bound_ms(self, terms: Terms, candidates: int) -> int:  # noqa: ARG002 the protocol's signature
        """It takes no time."""
        return 0

    def resolve(self, view: View, now: int) -> Resolution:  # noqa: ARG002 the protocol's signature
        """The first candidate."""
        return Settle(view.candidates[0].id, self.name) if view.candidates else NextRung("no_candidate")


FIRST_COME = FirstCome()
