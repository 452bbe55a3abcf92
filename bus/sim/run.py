"""One run of the simulator: a seed plays some virtual minutes of traffic and trouble, then silence, then is judged."""

import random
from collections import Counter
from dataclasses import dataclass, field

from bus.core.log.topics import ARBITER, JOURNAL, gate_journal
from bus.sim import company
from bus.sim.actor import Actor
from bus.sim.agents import Agent
from bus.sim.checkers.reading import Note
from bus.sim.founding import is_quiet
from bus.sim.persons import Desk, Steward
from bus.sim.reader import Reader
from bus.sim.trouble import Trouble
from bus.sim.weather import Weather, weather_of
from bus.sim.world import World

# Longer than the time between any two deadlines of the company: when nothing has come for so long, nothing will.
SILENCE_S = 50.0
ENDS_WITHIN_S = 900.0
LOOKS_EVERY_S = 5.0
SETTLING_S = 3.0


@dataclass(slots=True)
class Run:
    """A run that is over, with the world it leaves behind."""

    seed: int
    minutes: float
    world: World
    silent_from_ms: int
    is_quiet: bool
    notes: list[Note] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def stopped(self) -> list[str]:
        """The partitions that stopped for good, by their codes: there is never a reason for that here."""
        codes = [code for process in self.world.processes.values() for code in process.stopped]
        halted = {one.name: one.in_phase("stopped") for one in self.world.processes.values()}
        return codes + [f"{number} in {name}" for name, number in halted.items() if number]


def play(seed: int, minutes: float, weather: Weather | None = None) -> Run:
    """Play one seed; in the weather that it draws, unless another is given."""
    chance = random.Random(f"{seed} run")
    drawn = weather_of(chance)
    world = company.company().world(seed, weather or drawn)
    for partition in world.broker.partitions.values():
        partition.ahead_ms = chance.randint(0, world.weather.clock_spread_ms)
    world.start(gates=chance.choice((1, 2, 2)), arbiters=chance.choice((1, 2, 2)))
    world.timeline.run(world.timeline.now_s + SETTLING_S)
    actors = cast_of(world, chance)
    for actor in actors:
        actor.begin()
    reader = Reader(world)
    reader.begin()
    trouble = Trouble(world)
    trouble.begin()
    world.timeline.run(world.timeline.now_s + minutes * 60)
    for actor in actors:
        actor.is_done = True
        if isinstance(actor, Steward):
            actor.settle()
    world.network.is_calm = True
    silent_from_ms = int(world.timeline.wall_ms())
    was_quiet = come_to_rest(world)
    run = Run(seed, minutes, world, silent_from_ms, was_quiet, reader.notes)
    _count(run)
    return run


def come_to_rest(world: World) -> bool:
    """Let time pass until nothing happens any more; did it come to that, with everything judged and sent?"""
    timeline = world.timeline
    until_s, last, last_s = timeline.now_s + ENDS_WITHIN_S, -1, timeline.now_s
    while timeline.now_s < until_s:
        timeline.run(timeline.now_s + LOOKS_EVERY_S)
        length = sum(world.broker.end((ARBITER, p)) for p in range(world.genesis.partitions))
        if length != last:
            last, last_s = length, timeline.now_s
        elif timeline.now_s - last_s > SILENCE_S and is_quiet(world):
            return True
    return False


def cast_of(world: World, chance: random.Random) -> list[Actor]:
    """Everybody who speaks in a run."""
    mean_s = chance.choice((1.5, 3.0, 6.0))
    agents = [(name, lane) for lane, group in company.AGENTS.items() for name in group]
    actors: list[Actor] = [Agent(world, name, lane, mean_s=mean_s) for name, lane in agents]
    actors += [Desk(world, name, mean_s=mean_s * 3) for name in company.PERSONS]
    actors.append(Steward(world, mean_s=chance.choice((10.0, 25.0, 1000.0))))
    return actors


def _count(run: Run) -> None:
    world = run.world
    run.counts.update(world.network.counts)
    run.counts["kills"] = sum(number for what, number in run.counts.items() if what.startswith("killed"))
    run.counts["processes started again"] = sum(process.deaths for process in world.processes.values())
    for (topic, _), partition in world.broker.partitions.items():
        number = len(partition.messages)
        if topic.startswith("bus.in."):
            run.counts["messages"] += number
        elif topic == ARBITER:
            run.counts["records judged"] += number
        elif topic == JOURNAL or topic.startswith(gate_journal("")):
            run.counts["segments"] += number
