"""Schulze's method: who beats or equals everybody else along the strongest chain of pairwise majorities.

Source: M. Schulze, "A new monotonic, clone-independent, reversal symmetric, and Condorcet-consistent single-winner
election method" (2011). The strength of a pairwise majority is the number of ballots that prefer the one to the other
("winning votes"), which the paper recommends where ballots may leave candidates out. Candidates a ballot does not name
share its last place.
"""

from collections.abc import Sequence

Matrix = list[list[int]]


def schulze_winners(candidates: Sequence[str], rankings: Sequence[Sequence[str]]) -> list[str]:
    """The candidates that win, in the given order; more than one is a tie. A ranking names the best first."""
    paths = _strongest_paths(_majorities(candidates, rankings))
    everybody = range(len(candidates))
    return [candidates[i] for i in everybody if all(paths[i][j] >= paths[j][i] for j in everybody if j != i)]


def _preferences(candidates: Sequence[str], rankings: Sequence[Sequence[str]]) -> Matrix:
    """How many ballots prefer candidate i to candidate j."""
    places = {candidate: place for place, candidate in enumerate(candidates)}
    preferred = [[0] * len(candidates) for _ in candidates]
    for ranking in rankings:
        below = set(range(len(candidates)))
        for candidate in ranking:
            above = places[candidate]
            below.discard(above)
            for place in below:
                preferred[above][place] += 1
    return preferred


def _majorities(candidates: Sequence[str], rankings: Sequence[Sequence[str]]) -> Matrix:
    """The preferences that are majorities; the others are 0."""
    preferred = _preferences(candidates, rankings)
    everybody = range(len(candidates))
    return [[preferred[i][j] if preferred[i][j] > preferred[j][i] else 0 for j in everybody] for i in everybody]


def _strongest_paths(strength: Matrix) -> Matrix:
    """The widest path between any two (Floyd and Warshall): a chain is as strong as its weakest link."""
    paths = [list(row) for row in strength]
    for middle, from_middle in enumerate(paths):
        for i, row in enumerate(paths):
            reached = row[middle]
            if i == middle or not reached:
                continue
            paths[i] = [max(direct, min(reached, onward)) for direct, onward in zip(row, from_middle, strict=True)]
            paths[i][i] = 0
    return paths
