"""Counts ballots naively: every pair of choices is compared by itself, shares are exact fractions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from tests.contests.oracle.log import Json

# A share of 10000 basis points is the whole.
WHOLE_BP = 10_000
ABSTAIN = "abstain"


def names_of(choice: Json) -> list[str]:
    """The choices a ballot names; an abstention names none."""
    if isinstance(choice, list):
        return [name for name in choice if name != ABSTAIN]
    return [] if choice == ABSTAIN else [choice]


def has_quorum(valid: int, seats: int, quorum_bp: int) -> bool:
    """Valid ballots, abstentions included, against all seats."""
    return seats > 0 and Fraction(valid, seats) >= Fraction(quorum_bp, WHOLE_BP)


def winner_of(
    method: str, ballots: Sequence[tuple[Json, int]], choices: Sequence[str], threshold_bp: int
) -> tuple[str, Mapping[str, int] | None]:
    """The one choice that wins ("" if none does), and the tally where the method has one.

    A ballot is (choice, weight). What it names and nobody can win any more is passed over; a ballot that then names
    nothing is an abstention. `reject` among claims is a voice for nobody.
    """
    if method == "schulze":
        return schulze([names_of(choice) for choice, _ in ballots], choices), None
    heavy = method == "weighted"
    points = dict.fromkeys(choices, Fraction(0))
    cast = Fraction(0)
    for choice, weight in ballots:
        value = Fraction(weight if heavy else 1)
        named = [name for name in names_of(choice) if name in points]
        if named or choice == "reject":
            cast += value
        for name in named if method == "approval" else named[:1]:
            points[name] += value
    tally = {name: int(value) for name, value in points.items()}
    best = max(points.values(), default=Fraction(0))
    leaders = [name for name in choices if points[name] == best and best > 0]
    if len(leaders) != 1:
        return "", tally
    return leaders[0] if _is_enough(method, best, cast, threshold_bp) else "", tally


def _is_enough(method: str, best: Fraction, cast: Fraction, threshold_bp: int) -> bool:
    if method in ("majority", "weighted"):
        return best > cast / 2
    if method == "supermajority":
        return best >= cast * Fraction(threshold_bp, WHOLE_BP)
    return True


def schulze(rankings: Sequence[Sequence[str]], choices: Sequence[str]) -> str:
    """The only choice with a path at least as strong to every other; "" if there are several.

    Strength of a link: how many prefer the one to the other, if more do than the other way round ("winning votes").
    What a ranking leaves out stands behind all it names. After M. Schulze, Social Choice and Welfare 36 (2011).
    """
    prefer = {(a, b): _prefer(rankings, a, b) for a in choices for b in choices if a != b}
    strength = {pair: n if n > prefer[pair[::-1]] else 0 for pair, n in prefer.items()}
    for middle in choices:
        for a in choices:
            for b in choices:
                if len({a, b, middle}) == 3:
                    through = min(strength[a, middle], strength[middle, b])
                    strength[a, b] = max(strength[a, b], through)
    winners = [a for a in choices if all(strength[a, b] >= strength[b, a] for b in choices if b != a)]
    return winners[0] if len(winners) == 1 else ""


def _prefer(rankings: Sequence[Sequence[str]], a: str, b: str) -> int:
    return sum(1 for ranking in rankings if a in ranking and (b not in ranking or ranking.index(a) < ranking.index(b)))
