"""Whoever speaks on a lane of a simulated world: says things, hears the answers as wire.md tells readers to, remembers.

What it says may be held up on its way, or be said twice; its clock may be wrong.
"""

import json
import random
from abc import ABC, abstractmethod
from typing import Any

from bus.core.log.topics import answers, incoming
from bus.core.policy.contracts import JsonObject
from bus.shell.follow import Follower
from bus.sim.speech import body_of, headers_of
from bus.sim.world import World

ON_THE_WAY_S = (0.001, 0.02)
HELD_UP_S = (1.0, 12.0)
SAID_AGAIN_S = (0.0, 20.0)
HEARD_MAX = 400  # answers taken in at once


class Actor(ABC):
    """One agent or person. Subclasses say what it does with its turn, and what with an answer."""

    def __init__(self, world: World, source: str, lane: str, *, mean_s: float) -> None:
        self.world = world
        self.source = source
        self.lane = lane
        self.name = source.rpartition("/")[2]
        self.chance = random.Random(f"{world.seed} {source} {lane}")
        self.is_done = False
        self._mean_s = mean_s
        self._place = (answers(lane), 0)
        self._position = world.broker.end(self._place)
        self._follower = Follower(self._position)
        skew_ms = world.weather.agent_skew_ms
        self._skew_ms = self.chance.uniform(-skew_ms, skew_ms) if self.chance.random() < 0.3 else 0.0
        self._count = 0

    def begin(self) -> None:
        """Think about the first thing to do."""
        self.world.timeline.after(self.chance.expovariate(1 / self._mean_s), self._turn)

    def _turn(self) -> None:
        if self.is_done:
            return
        self.listen()
        self.act()
        self.world.timeline.after(self.chance.expovariate(1 / self._mean_s), self._turn)

    @abstractmethod
    def act(self) -> None:
        """Do something."""

    @abstractmethod
    def hear(self, event: dict[str, Any]) -> None:  # Any: JSON
        """Take in an event that concerns this one."""

    def listen(self) -> None:
        """Hear what has been answered on the lane since."""
        found, self._position = self.world.broker.read(self._place, self._position, HEARD_MAX, is_committed=False)
        for message in found:
            if not self._follower.takes(message.record):
                continue
            event = json.loads(message.record.value or b"{}")
            if any(agent == self.source for _, agent in event.get("to", ())):
                self.hear(event)

    def say(
        self, kind: str, body: JsonObject, *, subject: str = "", token: int | None = None, identifier: str = ""
    ) -> str:
        """Say something; the id of the message."""
        self._count += 1
        identifier = identifier or f"{self.name}-{self._count}"
        at_ms = self.world.timeline.wall_ms() + self._skew_ms
        headers = headers_of(kind, source=self.source, identifier=identifier, at_ms=at_ms, subject=subject, token=token)
        self.send(headers, body_of(body))
        return identifier

    def send(self, headers: tuple[tuple[str, bytes | None], ...], value: bytes | None) -> None:
        """Hand bytes to Kafka; in bad weather some are late, and some come twice."""
        chance, place = self.chance, (incoming(self.lane), 0)
        is_rough = not self.world.network.is_calm and chance.random() < 0.03

        def arrive() -> None:
            self.world.broker.append(place, None, value, headers)

        self.world.timeline.after(chance.uniform(*(HELD_UP_S if is_rough else ON_THE_WAY_S)), arrive)
        if chance.random() < 0.03:
            self.world.network.counts["messages said twice"] += 1
            self.world.timeline.after(chance.uniform(*SAID_AGAIN_S), arrive)
