"""What the bus lets out of an event, held against what the documents let out of it: nothing more, nothing less."""

from __future__ import annotations

from collections.abc import Sequence

from bus.core.outputs.sealed import told_to_all, told_to_lanes
from tests.contests.cast import ANA
from tests.contests.oracle.log import Json
from tests.contests.oracle.partition import Oracle
from tests.contests.oracle.registry import Registry
from tests.contests.oracle.sending import for_lanes, public
from tests.contests.play import Play


def leaks(given: Sequence[str], lines: Sequence[str]) -> list[str]:
    """Every event of a script of which everybody, or a lane, hears other fields than it may."""
    play = Play(Oracle(Registry((ANA,))).step)
    play.begin(given)
    for line in lines:
        play.line(line)
    return [said for entry in play.entries for event in entry["events"] for said in _of(event)]


def _of(event: Json) -> list[str]:
    wrong = []
    if strange := set(told_to_all(event)) ^ set(public(event)):
        wrong.append(f"{event['kind']} for everybody: {sorted(strange)}")
    for lane, mine in for_lanes(event).items():
        if strange := set(told_to_lanes(event)) ^ set(mine):
            wrong.append(f"{event['kind']} for lane {lane}: {sorted(strange)}")
    return wrong
