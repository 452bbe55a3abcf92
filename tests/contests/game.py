"""A script being played while it is made: the owner's ticks stand between its lines, and some come late."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from tests.contests.cast import ANA, START_MS
from tests.contests.oracle.log import Json
from tests.contests.oracle.partition import Oracle
from tests.contests.oracle.registry import Registry
from tests.contests.oracle.subject import Subject
from tests.contests.play import Play
from tests.contests.terms_words import milliseconds

# How long nobody speaks between two lines: mostly shorter than any ballot, now and then longer than most.
PAUSES_MS = (0, 1, 200, 700, 1500, 5000)
# So much behind the last tick is what a lane that was named as stalled has still to say.
STALLED_MS = (1, 500, 4000)


@dataclass(slots=True)
class Game:
    """A script being played: a tick stands `lag_ms` behind every deadline, as the owner of a partition writes them."""

    oracle: Oracle
    play: Play
    lag_ms: int = 0
    timed: list[tuple[int, Json]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def line(self, line: str) -> None:
        """Play one line, and before it the ticks that are due; remember to what time the log had come."""
        line_ms = START_MS + milliseconds(line.split(maxsplit=1)[0])
        while (due := self.oracle.next_deadline()) is not None and due + self.lag_ms <= line_ms:
            self._say(f"{(max(due + self.lag_ms, self.oracle.now) - START_MS) / 1000:.3f} tick", 0)
        self._say(line, line_ms)

    def _say(self, line: str, line_ms: int) -> None:
        self.lines.append(line)
        self.play.line(line)
        self.timed.append((max(line_ms, self.oracle.now), self.play.entries[-1]))


def new_game(given: tuple[str, ...], *, lag_ms: int = 0) -> Game:
    """A game in which what is given is in force."""
    oracle = Oracle(Registry((ANA,)))
    game = Game(oracle, Play(oracle.step), lag_ms)
    game.play.begin(given)
    return game


@dataclass(slots=True)
class Maker:
    """A script under way; `now_ms` only grows, so nothing but a stalled lane is older than a tick before it."""

    random: Random
    game: Game
    now_ms: int = 1_000
    claims: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    last_said: dict[str, int] = field(default_factory=dict)

    def say(self, words: str) -> None:
        """One more line, a little later; now and then at the very next deadline, or a millisecond beside it."""
        due = self.game.oracle.next_deadline()
        pause = self.random.choice(PAUSES_MS)
        if due is not None and self.random.random() < 0.15:
            near = due - START_MS + self.random.choice((-1, 0, 1, self.game.lag_ms, self.game.lag_ms - 1))
            pause = max(0, min(near - self.now_ms, 60_000))
        self.now_ms += pause
        self._say(self.now_ms, words)

    def say_at_once(self, words: str) -> None:
        """One more line in the same millisecond."""
        self._say(self.now_ms, words)

    def say_stalled(self, words: str) -> None:
        """One more line, of a lane that lags behind: older than a tick, but not than what its lane said before."""
        who = words.split(maxsplit=1)[0]
        at_ms = max(self.now_ms - self.random.choice(STALLED_MS), self.last_said.get(who, 0), 0)
        self._say(at_ms, words)

    def _say(self, at_ms: int, words: str) -> None:
        self.last_said[words.split(maxsplit=1)[0]] = at_ms
        self.lines.append(f"{at_ms / 1000:.3f} {words}")
        self.game.line(self.lines[-1])

    def subject(self, name: str) -> Subject:
        """What the oracle knows of a subject."""
        return self.game.oracle.subjects.get(name, Subject(name))
