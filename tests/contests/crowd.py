"""More agents than the cast has: a crowd on the lane of sales that claims at one moment."""

from __future__ import annotations

from tests.contests.cast import ANA, START_MS, agent
from tests.contests.oracle.log import Json
from tests.contests.oracle.partition import Oracle
from tests.contests.oracle.registry import Registry
from tests.contests.play import Play

CLAIM = "bus.resource.claim.v1"


def new_play(*given: str) -> Play:
    """A script in which what is given is in force."""
    play = Play(Oracle(Registry((ANA,))).step)
    play.begin(given)
    return play


def enlist(play: Play, name: str) -> None:
    """One more agent."""
    value = {"lane": "sales", "roles": ["crowd"], "owner": ANA}
    _judge(play, play.log.set("agent", agent(name), value, at_ms=START_MS))


def claim(play: Play, name: str, subject: str) -> Json:
    """It claims at second 1; the entry."""
    at_ms = START_MS + 1_000
    return _judge(play, play.log.say(agent(name), CLAIM, {}, at_ms=at_ms, lane="sales", subject=subject))


def _judge(play: Play, raw: Json) -> Json:
    play.entries.append(play.decide(raw))
    return play.entries[-1]
