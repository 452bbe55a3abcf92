"""Writes elections.json: random elections and who wins them according to pref_voting, a published library of votes.

Run it with pref_voting 1.18 installed beside the test packages: ``python -m tests.resolvers.record_elections``. The
library weighs 750 MB with what it needs and takes seconds to import, so its answers are kept rather than itself.
"""

import importlib
import json
from pathlib import Path
from random import Random
from typing import Any

RECORDED = Path(__file__).with_name("elections.json")
ELECTIONS = 150  # of each method
SEED = 20_26
Ballots = list[list[int]]


def _ranking(chance: Random, candidates: int, *, is_whole: bool) -> list[int]:
    size = candidates if is_whole else chance.randrange(1, candidates + 1)
    return chance.sample(range(candidates), size)


def _ballots(chance: Random, method: str, candidates: int) -> Ballots:
    count = chance.randrange(1, 12)
    if method == "approval":
        return [sorted(_ranking(chance, candidates, is_whole=False)) for _ in range(count)]
    return [_ranking(chance, candidates, is_whole=method != "schulze") for _ in range(count)]


def _winners(method: str, ballots: Ballots, weights: list[int], candidates: int) -> list[int]:
    """What pref_voting says; it has no types."""
    part: Any = importlib.import_module
    profiles = part("pref_voting.profiles")
    match method:
        case "plurality":
            found = part("pref_voting.scoring_methods").plurality(profiles.Profile(ballots))
        case "majority":
            found = part("pref_voting.other_methods").absolute_majority(profiles.Profile(ballots))
        case "weighted":
            found = part("pref_voting.other_methods").absolute_majority(profiles.Profile(ballots, rcounts=weights))
        case "approval":
            grades = [dict.fromkeys(approved, 1) for approved in ballots]
            profile = part("pref_voting.grade_profiles").GradeProfile(
                grades, [0, 1], candidates=list(range(candidates))
            )
            found = part("pref_voting.grade_methods").approval(profile)
        case _:
            ranked = [{candidate: place for place, candidate in enumerate(ballot)} for ballot in ballots]
            ties = part("pref_voting.profiles_with_ties")
            profile = ties.ProfileWithTies(ranked, candidates=list(range(candidates)))
            profile.use_extended_strict_preference()
            beat_path = part("pref_voting.margin_based_methods").beat_path
            found = beat_path(profile, strength_function=profile.support)
    return [int(winner) for winner in found]


def main() -> None:
    """Write the file anew."""
    chance = Random(SEED)
    lines = []
    for method in ("plurality", "majority", "weighted", "approval", "schulze"):
        for _ in range(ELECTIONS):
            candidates = chance.randrange(2, 7)
            ballots = _ballots(chance, method, candidates)
            weights = [chance.randrange(1, 5) if method == "weighted" else 1 for _ in ballots]
            winners = _winners(method, ballots, weights, candidates)
            election = {"method": method, "candidates": candidates, "ballots": ballots, "weights": weights}
            lines.append(json.dumps({**election, "winners": winners}))
    RECORDED.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
