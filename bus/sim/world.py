"""One simulated world: virtual time, a Kafka in memory, its groups, and the processes of the bus on it."""

import random

from bus.core.log.records import canonical
from bus.core.log.topics import ARBITER, CONTROL, JOURNAL, incoming
from bus.core.policy.control import Genesis
from bus.shell.cluster import bus_plan, lane_plan
from bus.sim.broker import Broker, Place
from bus.sim.consumer import SimConsumer
from bus.sim.group import SESSION_S, Group
from bus.sim.node import Node
from bus.sim.stage_process import StageProcess, arbiter_process, gate_process, publisher_process
from bus.sim.timeline import Timeline
from bus.sim.weather import Network, Weather

GATE_GROUP, ARBITER_GROUP = "bus-gate", "bus-arbiter"
LEARNS_WITHIN_S = 1.0  # a member that was put out hears of it with its next heartbeat or so


class World:
    """Everything of one run; what happens in it follows from the seed and the weather alone."""

    def __init__(self, seed: int | str, genesis: Genesis, weather: Weather | None = None) -> None:
        self.seed = seed
        self.genesis = genesis
        self.weather = weather or Weather()
        self.timeline = Timeline()
        self.network = Network(self.weather, random.Random(f"{seed} network"))
        self.broker = Broker(self.timeline)
        self.processes: dict[str, StageProcess] = {}
        self._groups: dict[str, Group] = {}
        self._number = 0
        self.broker.watchers.append(self._appended)

    def next_number(self) -> int:
        """A number nobody else has in this world."""
        self._number += 1
        return self._number

    def group(self, name: str) -> Group:
        """A consumer group; it is there from when it is first asked for."""
        if name not in self._groups:
            self._groups[name] = Group(self.broker)
        return self._groups[name]

    # ---- setting up -------------------------------------------------------------------------------------

    def found(self) -> None:
        """The topics of an empty bus, and its genesis."""
        for plan in bus_plan(self.genesis.partitions):
            self.broker.create(plan.name, plan.partitions)
        self.broker.append((CONTROL, 0), b"genesis", canonical(self.genesis.to_json()), ())

    def add_lane(self, lane: str) -> None:
        """The topics of a lane."""
        for plan in lane_plan(lane):
            self.broker.create(plan.name, plan.partitions)

    def start(self, gates: int, arbiters: int) -> None:
        """Start so many processes of each stage, and a publisher for every slot."""
        made = [gate_process(self, f"gate-{n}") for n in range(gates)]
        made += [arbiter_process(self, f"arbiter-{n}") for n in range(arbiters)]
        made += [publisher_process(self, f"publisher-{slot}", slot) for slot in range(self.genesis.slots)]
        for process in made:
            self.processes[process.name] = process
            process.start()

    def running(self) -> int:
        """How many partitions have an owner that is at work."""
        return sum(process.running() for process in self.processes.values())

    # ---- what befalls processes -------------------------------------------------------------------------

    def miss(self, process: StageProcess, node: Node) -> None:
        """A process is dead or stands still: after a session's time its groups put it out."""
        del process

        def silent() -> None:
            if not (node.is_dead or node.is_paused):
                return
            for group in self._groups.values():
                for consumer in group.of(node):
                    self._put_out(group, consumer)

        self.timeline.after(SESSION_S, silent)

    def _put_out(self, group: Group, consumer: SimConsumer) -> None:
        owned, topics = group.owned_by(consumer), group.expel(consumer.instance)
        node = consumer.node

        def learn() -> None:
            if not node.is_dead:
                consumer.tell("lost", owned, lambda: group.subscribe(consumer, topics))

        node.while_alive(lambda: self.timeline.after(node.chance.uniform(0.0, LEARNS_WITHIN_S), learn))

    def pause(self, process: StageProcess, seconds: float) -> None:
        """SIGSTOP, and SIGCONT so much later."""
        node = process.node
        if node is None or node.is_paused:
            return
        node.pause()
        self.miss(process, node)
        self.timeline.after(seconds, node.resume)

    def owner_process(self, place: Place) -> StageProcess | None:
        """The process that owns a partition of a stage's input, as the group sees it."""
        consumer = self.group(ARBITER_GROUP if place[0] == ARBITER else GATE_GROUP).owner(place)
        return next((one for one in self.processes.values() if consumer and one.node is consumer.node), None)

    def _appended(self, place: Place) -> None:
        """Wake whoever waits for records there."""
        topic = place[0]
        if topic == JOURNAL:
            publisher = self.processes.get(f"publisher-{place[1] % self.genesis.slots}")
            if publisher is not None:
                publisher.wake()
            return
        if topic == ARBITER or topic.startswith(incoming("")):
            group = self._groups.get(ARBITER_GROUP if topic == ARBITER else GATE_GROUP)
            consumer = group.owner(place) if group is not None else None
            if consumer is not None and not consumer.node.is_dead:
                consumer.node.when_woken()
