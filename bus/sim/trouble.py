"""What befalls the processes of a run: kills, stops, two owners at once, connections that give nothing."""

import random
from collections.abc import Callable

from bus.core.log.topics import ARBITER, incoming
from bus.sim.broker import Place
from bus.sim.stage_process import StageProcess, publisher_process
from bus.sim.world import World

PAUSE_S = (1.0, 15.0)  # around the session's time: some come back as owners, some as zombies
DOUBLE_S = (1.0, 8.0)
STALL_S = (0.5, 12.0)
LANE_STALL_S = (20.0, 45.0)  # longer than a tick waits for a lane


class Trouble:
    """Draws what happens when, and makes it happen, until it is told to stop."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._chance = random.Random(f"{world.seed} trouble")
        self._doubles = 0

    def begin(self) -> None:
        """Let it come."""
        weather = self._world.weather
        self._again(weather.kills, self._kill)
        self._again(weather.pauses, self._pause)
        self._again(weather.doubles, self._double)
        self._again(weather.stalls, self._stall)

    def _again(self, per_minute: float, call: Callable[[], None]) -> None:
        if per_minute <= 0:
            return

        def due() -> None:
            if not self._world.network.is_calm:
                call()
                self._again(per_minute, call)

        self._world.timeline.after(self._chance.expovariate(per_minute / 60), due)

    def _count(self, what: str) -> None:
        self._world.network.counts[what] += 1

    def _one(self) -> StageProcess:
        return self._chance.choice(list(self._world.processes.values()))

    def _kill(self) -> None:
        process = self._one()
        if process.runs:
            self._count("killed: at any time")
            process.kill()

    def _pause(self) -> None:
        self._count("processes stopped for a while")
        self._world.pause(self._one(), self._chance.uniform(*PAUSE_S))

    def _double(self) -> None:
        """Give a partition to a second owner and tell the first nothing; or start a second publisher of a slot."""
        self._doubles += 1
        places = self._places()
        if self._chance.random() < 0.2:
            self._second_publisher()
            return
        place = self._chance.choice(places)
        group = self._world.group("bus-arbiter" if place[0] == ARBITER else "bus-gate")
        others = [one for one in group.others(place) if not one.node.is_dead]
        if not others or group.owner(place) is None:
            return
        second = self._chance.choice(others)
        self._count("two owners at once")
        second.tell("assign", [place])

        def take_back() -> None:
            if group.owner(place) is not second and not second.node.is_dead:
                second.tell("revoke", [place])

        self._world.timeline.after(self._chance.uniform(*DOUBLE_S), take_back)

    def _second_publisher(self) -> None:
        slot = self._chance.randrange(self._world.genesis.slots)
        second = publisher_process(self._world, f"publisher-{slot}-second-{self._doubles}", slot)
        self._count("two publishers at once")
        second.start()
        self._world.timeline.after(self._chance.uniform(*DOUBLE_S), second.end)

    def _stall(self) -> None:
        """A connection gives nothing for a while: its lane, or its partition, is slow."""
        place = self._chance.choice(self._places())
        process = self._world.owner_process(place)
        if process is None or process.node is None:
            return
        self._count("slow lanes")
        is_long = place[0] != ARBITER and self._chance.random() < 0.2
        seconds = self._chance.uniform(*(LANE_STALL_S if is_long else STALL_S))
        process.node.stalled_until_s[place[0]] = self._world.timeline.now_s + seconds

    def _places(self) -> list[Place]:
        found = self._world.broker.partitions
        return [place for place in found if place[0] == ARBITER or place[0].startswith(incoming(""))]
