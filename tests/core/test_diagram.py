"""Holds the drawing at the top of ``bus/core/state/resource.py`` against what the code does with a resource.

The drawing is a list of arrows, which people and this test read alike:

    free      -- claim -----------------------> held
    held      -- claim by the holder, renew --> held

Every act is tried in every state, from bytes; what came of it must be an arrow, and every arrow must come of an act.
"""

import re

from bus.core.decision.events import Confirmed, Granted, Renewed
from bus.core.state import resource
from bus.core.state.resource import Resource
from tests.rules.arbiter_script import World

LEAD = "lead/L-1"
CLAIMED = "1 sales claims lead/L-1"
STATES: dict[str, list[str]] = {
    "free": [],
    "held": [CLAIMED],
    "reserved": [CLAIMED, "2 sales releases lead/L-1 with #1 to legal"],
    "cooling": [CLAIMED, "61 tick"],
}
# Acts that anybody can try in any state; {token} is the newest one, or one nobody ever had.
ANYWHERE = {
    "claim": ["3 support claims lead/L-1"],
    "renew": ["3 sales renews lead/L-1 with {token}"],
    "release": ["3 sales releases lead/L-1 with {token}"],
    "release to an agent": ["3 sales releases lead/L-1 with {token} to legal"],
    "revoke": ["3 ana revokes lead/L-1"],
    "suspension": ["3 ana suspends all", "3.1 tick"],
}
# Acts that are what they are called in one state only.
THERE = {
    "held": {"claim by the holder": ["3 sales claims lead/L-1"], "lease end": ["61 tick"]},
    "reserved": {"claim by that agent": ["3 legal claims lead/L-1"], "hand-over over": ["62 tick"]},
    "cooling": {"lock delay over": ["66 tick"]},
    "free": {"nothing": ["900 tick"]},
}
Arrow = tuple[str, str, str]


def _state(found: Resource) -> str:
    if found.holding:
        return "held"
    if found.handover:
        return "reserved"
    return "cooling" if found.cooling_until else "free"


def _tried(state: str, act: str, lines: list[str], lock_s: int) -> Arrow | None:
    """The arrow an act makes in a state; None if it does nothing."""
    world = World()
    world.given(f"terms lead lease=60 handover=60 lock={lock_s}")
    for line in STATES[state]:
        world.play(line)
    assert _state(world.state.resource(LEAD)) == state
    for line in lines:
        world.play(line.format(token="#1" if world.tokens else "5"))
    after = _state(world.state.resource(LEAD))
    has_effect = any(isinstance(e.what, Granted | Confirmed | Renewed) for e in world.entries[-1].events)
    return (state, act, after) if after != state or has_effect else None


def _made_by_the_code() -> set[Arrow]:
    arrows = {
        _tried(state, act, lines, 5 if state == "cooling" else 0)
        for state in STATES
        for act, lines in {**ANYWHERE, **THERE[state]}.items()
    }
    arrows.add(_tried("held", "lease end with a lock delay", THERE["held"]["lease end"], 5))
    return {arrow for arrow in arrows if arrow is not None}


def _drawn() -> set[Arrow]:
    drawing = re.findall(r"^\s*(\w+) +-- (.+?) -+> (\w+)", resource.__doc__ or "", re.MULTILINE)
    return {(state, act.strip(), after) for state, acts, after in drawing for act in acts.split(",")}


def test_every_arrow_of_the_drawing_is_made_by_the_code() -> None:
    """The drawing shows nothing the code does not do."""
    assert _drawn()
    assert not _drawn() - _made_by_the_code()


def test_everything_the_code_does_is_in_the_drawing() -> None:
    """The code does nothing the drawing does not show."""
    assert not _made_by_the_code() - _drawn()


def test_an_act_that_does_nothing_makes_no_arrow() -> None:
    """A claim on what is held, or a renewal of what nobody holds, makes no arrow."""
    assert _tried("held", "claim", ANYWHERE["claim"], 0) is None
    assert _tried("free", "renew", ANYWHERE["renew"], 0) is None
