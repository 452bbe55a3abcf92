"""The oracle's counting of ballots is held against a second way to count, and against what voting theory demands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise, permutations
from pathlib import Path
from random import Random

import pytest

from tests.contests.oracle.counting import schulze, winner_of

NAMES = ("c1", "c2", "c3", "c4")
# Random elections, and who wins them according to pref_voting, a published library (kept answers; see there).
ELECTIONS = json.loads((Path(__file__).parents[1] / "resolvers" / "elections.json").read_text(encoding="utf-8"))


def _ballots(seed: int) -> tuple[list[list[str]], list[str]]:
    random = Random(seed)
    choices = list(NAMES[: random.randint(2, 4)])
    return [random.sample(choices, random.randint(1, len(choices))) for _ in range(random.randint(1, 9))], choices


def _beats(ballots: Sequence[Sequence[str]], a: str, b: str) -> int:
    place = [{name: n for n, name in enumerate(ballot)} for ballot in ballots]
    return sum(1 for one in place if one.get(a, len(NAMES)) < one.get(b, len(NAMES)))


def _strongest_path(ballots: Sequence[Sequence[str]], choices: Sequence[str], a: str, b: str) -> int:
    """The strongest path by trying every one of them."""
    best = 0
    between = [name for name in choices if name not in (a, b)]
    for length in range(len(between) + 1):
        for middle in permutations(between, length):
            path = (a, *middle, b)
            links = list(pairwise(path))
            won = [n if (n := _beats(ballots, x, y)) > _beats(ballots, y, x) else 0 for x, y in links]
            best = max(best, min(won))
    return best


@pytest.mark.parametrize("seed", range(200))
def test_schulze_agrees_with_every_path_tried(seed: int) -> None:
    """The winner is the only one whose strongest path to every other is at least as strong as the way back."""
    ballots, choices = _ballots(seed)
    strength = {(a, b): _strongest_path(ballots, choices, a, b) for a, b in permutations(choices, 2)}
    winners = [a for a in choices if all(strength[a, b] >= strength[b, a] for b in choices if b != a)]
    assert schulze(ballots, choices) == (winners[0] if len(winners) == 1 else "")


@pytest.mark.parametrize("method", ["plurality", "majority", "supermajority", "weighted", "approval", "schulze"])
@pytest.mark.parametrize("seed", range(60))
def test_the_order_of_ballots_and_of_choices_decides_nothing(method: str, seed: int) -> None:
    """The same ballots in another order, over choices listed in another order, have the same winner."""
    ballots, choices = _ballots(seed)
    random = Random(seed)
    is_list = method in ("approval", "schulze")
    cast = [(ballot if is_list else ballot[0], random.randint(1, 4)) for ballot in ballots]
    mixed = random.sample(cast, len(cast))
    assert winner_of(method, cast, choices, 6_000)[0] == winner_of(method, mixed, choices[::-1], 6_000)[0]


def test_an_example_from_the_author_of_the_method() -> None:
    """Forty-five voters and five candidates, as M. Schulze published it: E wins."""
    counted = {"acbed": 5, "adecb": 5, "bedac": 8, "cabed": 3, "caebd": 7, "cbade": 2, "dceba": 7, "ebadc": 8}
    ballots = [list(ranking) for ranking, voters in counted.items() for _ in range(voters)]
    assert schulze(ballots, list("abcde")) == "e"


@pytest.mark.parametrize("method", ["plurality", "majority", "weighted", "approval", "schulze"])
def test_the_library_names_the_same_winners(method: str) -> None:
    """Whom pref_voting names alone wins here; where it names several or nobody, nobody wins."""
    elections = [one for one in ELECTIONS if one["method"] == method]
    is_list = method in ("approval", "schulze")
    found = []
    for one in elections:
        named = [[f"c{n}" for n in ballot] for ballot in one["ballots"]]
        cast = [(ballot if is_list else ballot[0], w) for ballot, w in zip(named, one["weights"], strict=True)]
        found.append(winner_of(method, cast, [f"c{n}" for n in range(one["candidates"])], 0)[0])
    assert elections
    assert found == [f"c{one['winners'][0]}" if len(one["winners"]) == 1 else "" for one in elections]
