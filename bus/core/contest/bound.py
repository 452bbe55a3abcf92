"""How long a contest may take at worst before it is settled or a person has it, derived rung by rung from the terms.

    over claims     window + every rung down to the end (or to first_come, which always settles)
    over a review   the vote of the contract's seats
    over a question the vote (an ``until`` of the question only shortens it)

    window      window_ms: it may close earlier, never later
    priority    0     first_come  0
    vote        ballot_ms: all seats may vote earlier, nobody can later
    negotiate   turn_ms × max_turns; without max_turns two turns a candidate; 32 turns at most
    human, deny 0: a case is opened, or nobody wins, in the same record

Each rung says its own bound, and the walk down the ladder holds it to that (`bus.core.contest.ladder`, rule 5), so the
sum holds for every resolver. Deadlines fire in ticks: what the broker and the lanes lag behind comes on top.
"""

from bus.core.contest.contest import BALLOT_LADDER, CANDIDATES_MAX, ENDS, HUMAN, Resolvers
from bus.core.decision.contest_events import Over
from bus.core.frozen import dataclass
from bus.core.policy.terms import Terms

ALWAYS_SETTLES = "first_come"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a bound: the window or a rung, and the longest it lasts (ms)."""

    name: str
    bound_ms: int


def bound_parts(
    terms: Terms, over: Over, resolvers: Resolvers, *, candidates: int = CANDIDATES_MAX
) -> tuple[Part, ...]:
    """The parts in the order in which they pass; the last is the end of the ladder."""
    parts = [Part("window", terms.window_ms)] if over == "claims" else []
    for rung in terms.ladder if over == "claims" else BALLOT_LADDER:
        if rung in ENDS:
            return (*parts, Part(rung, 0))
        if rung not in resolvers:
            continue
        parts.append(Part(rung, resolvers[rung].bound_ms(terms, candidates)))
        if rung == ALWAYS_SETTLES:
            return tuple(parts)
    return (*parts, Part(HUMAN, 0))


def bound_ms(terms: Terms, over: Over, resolvers: Resolvers, *, candidates: int = CANDIDATES_MAX) -> int:
    """The longest a contest of these terms lasts, in milliseconds, until it is settled or a case."""
    return sum(part.bound_ms for part in bound_parts(terms, over, resolvers, candidates=candidates))
