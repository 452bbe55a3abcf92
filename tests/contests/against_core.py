"""Holds the real arbiter against the oracle, record by record, and finds the shortest script in which they part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.contests.cast import ANA
from tests.contests.compare import differences
from tests.contests.core import Core
from tests.contests.game import new_game
from tests.contests.generate import generate
from tests.contests.oracle.log import Raw
from tests.contests.oracle.partition import Oracle
from tests.contests.oracle.registry import Registry
from tests.contests.play import Play
from tests.contests.told import told

# A script is shortened by playing it again; one of fifty lines needs a few hundred plays, at milliseconds each.
PLAYS_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Parting:
    """Where arbiter and oracle part for the first time: after how many lines, and what each says."""

    lines: int
    oracle: str
    core: str
    wrong: tuple[str, ...]


def parting(given: Sequence[str], lines: Sequence[str]) -> Parting | None:
    """Play lines (ticks included) against the oracle and the arbiter; None if they never part."""
    play, core = Play(Oracle(Registry((ANA,))).step), Core()
    play.begin(given)
    for n, line in enumerate(("", *lines)):
        if line:
            play.line(line)
        if (found := _parting(core, play, n)) is not None:
            return found
    return None


def parting_of(play: Play) -> Parting | None:
    """Where the arbiter parts from a play that the oracle has decided."""
    return _parting(Core(), play, 0)


def lines_of_seed(seed: int) -> tuple[tuple[str, ...], list[str]]:
    """What is given and the lines of a seed's script, with the ticks that its partition's owner writes."""
    script = generate(seed)
    game = new_game(script.given, lag_ms=script.lag_ms)
    for line in script.lines:
        game.line(line)
    return script.given, game.lines


def shortened(given: Sequence[str], lines: Sequence[str]) -> list[str]:
    """The script up to where they part, less every line without which they still part."""
    first = parting(given, lines)
    assert first is not None, "they never part"
    kept, plays = list(lines[: first.lines]), 0
    size = max(1, len(kept) // 2)
    while size:
        place = 0
        while place < len(kept) - 1 and plays < PLAYS_MAX:
            tried = kept[:place] + kept[min(place + size, len(kept) - 1) :]
            plays += 1
            if (found := _parting_of_a_shorter_one(given, tried)) is not None:
                kept = tried[: found.lines]
            else:
                place += size
        size //= 2
    return kept


def _parting_of_a_shorter_one(given: Sequence[str], lines: Sequence[str]) -> Parting | None:
    try:
        return parting(given, lines)
    except (IndexError, KeyError, ValueError):
        return None  # a line names a token, a contest or a case that is no longer there: no script


def _parting(core: Core, play: Play, n: int) -> Parting | None:
    known = len(core.journal)
    for raw, expected in zip(play.log.records[known:], play.entries[known:], strict=True):
        found, wrong = _decided(core, raw, expected)
        if wrong:
            return Parting(n, told(expected, "", play.names), _in_words(found, play), tuple(wrong))
    return None


def _decided(core: Core, raw: Raw, expected: dict[str, object]) -> tuple[dict[str, object] | str, list[str]]:
    try:
        found = core.decide(raw)
    except Exception as error:  # noqa: BLE001 whatever the arbiter dies of is what this is looking for
        return f"{type(error).__name__}: {error}", [f"the arbiter dies of {type(error).__name__}: {error}"]
    return found, differences(expected, found)


def _in_words(found: dict[str, object] | str, play: Play) -> str:
    if isinstance(found, str):
        return found
    try:
        return told(found, "", play.names)
    except (IndexError, KeyError, ValueError):
        return f"{found['verdict']}: {found['events']}"  # it names what the oracle knows nothing of
