"""Sets a simulated world up as anybody would: by control messages on the operators' lane, judged by the real stages.

It takes as long as some hundred messages, so the logs it leaves are kept, and every run begins on a copy of them.
"""

from dataclasses import dataclass

from bus.core.log.records import Record
from bus.core.log.topics import ARBITER, OPERATORS_LANE, incoming
from bus.core.policy.control import Genesis
from bus.shell.cluster import governed_plan
from bus.sim.broker import Partition, Place
from bus.sim.control import STEWARD, Control
from bus.sim.errors import SimulationError
from bus.sim.message import SimMessage
from bus.sim.speech import body_of, headers_of
from bus.sim.weather import Weather
from bus.sim.world import World

GOVERNED_PARTITIONS = 2
SETS_UP_WITHIN_S = 120.0
BETWEEN_S = 0.05


@dataclass(frozen=True, slots=True)
class Founded:
    """The logs of a world that is set up, and the virtual time at which it is."""

    genesis: Genesis
    now_s: float
    counts: dict[str, int]
    messages: dict[Place, tuple[SimMessage, ...]]
    committed: dict[tuple[str, str, int], int]
    number: int

    def world(self, seed: int | str, weather: Weather | None = None) -> World:
        """A world that begins with these logs."""
        made = World(seed, self.genesis, weather)
        made.timeline.now_s = self.now_s
        made.broker.counts.update(self.counts)
        for place, messages in self.messages.items():
            last_ms = messages[-1].record.timestamp_ms if messages else 0
            made.broker.partitions[place] = Partition(list(messages), last_ms=last_ms)
        made.broker.committed.update(self.committed)
        return made


def found(control: Control, genesis: Genesis) -> Founded:
    """Set up a world; raises `SimulationError` if something of it is refused."""
    world = World("founding", genesis)
    world.found()
    for lane in control.agents:
        world.add_lane(lane)
    for topic in control.topics:
        plan = governed_plan(topic, GOVERNED_PARTITIONS)
        world.broker.create(plan.name, plan.partitions)
    world.start(gates=1, arbiters=1)
    number = 0
    for number, (kind, name, value) in enumerate(control.wishes(), start=1):
        at_ms = world.timeline.wall_ms()
        headers = headers_of("bus.control.set.v1", source=STEWARD, identifier=f"set-{number}", at_ms=at_ms)
        body = body_of({"kind": kind, "name": name, "value": value, "base": None})
        world.broker.append((incoming(OPERATORS_LANE), 0), None, body, headers)
        world.timeline.run(world.timeline.now_s + BETWEEN_S)
    if not world.timeline.run(world.timeline.now_s + SETS_UP_WITHIN_S, lambda: is_quiet(world)):
        raise SimulationError("the world does not come to rest while it is set up")
    refused = [record for p in range(3) for record in world.broker.records(("bus.refused", p))]
    if refused:
        raise SimulationError(f"what was to be set is refused: {_why(refused[0])}", "put it right and begin again")
    messages = {place: tuple(one.messages) for place, one in world.broker.partitions.items()}
    return Founded(genesis, world.timeline.now_s, world.broker.counts, messages, world.broker.committed, number)


def is_quiet(world: World) -> bool:
    """Is everything that was said forwarded and judged, and what came of it sent?"""
    broker = world.broker
    for (topic, p), partition in broker.partitions.items():
        if topic.startswith(incoming("")):
            group = "bus-gate"
        elif topic == ARBITER:
            group = "bus-arbiter"
        else:
            continue
        if broker.committed.get((group, topic, p), 0) < len(partition.messages):
            return False
    return True


def _why(record: Record) -> str:
    headers = {name: (value or b"").decode("utf-8", "replace") for name, value in record.headers}
    name = (record.value or b"")[:200].decode("utf-8", "replace")
    return f"{headers.get('bus-reason')} {headers.get('bus-violations', '')} {name}"
