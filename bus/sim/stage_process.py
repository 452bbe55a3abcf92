"""The processes of the bus in a simulated world: the real workers and publishers, round by round, killed and restarted.

A process is called when something has come for it, and now and then without that. When it dies, another of its name is
started a while later, as a supervisor would.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import structlog
from confluent_kafka import KafkaException

from bus.shell.arbiter_worker import ArbiterWorker
from bus.shell.errors import BusError, FatalError
from bus.shell.gate_worker import GateWorker
from bus.shell.metrics import Metrics
from bus.shell.publisher import Publisher
from bus.sim.errors import Killed
from bus.sim.node import Node

if TYPE_CHECKING:
    from bus.sim.world import World

WOKEN_S = (0.0002, 0.002)  # from the arrival of something until the process looks
IDLE_S = (0.1, 0.3)  # between two looks for nothing, and longer from one to the next
IDLE_MAX_S = 1.5
RETRY_S = 1.0
RESTART_S = (0.2, 9.0)  # shorter and longer than the session: it comes back to what it had, or to what is left
EVER_S = float("inf")

log = structlog.get_logger("bus.sim")


class Work(Protocol):
    """What a process does; `bus.shell.worker.Worker` and `bus.shell.publisher.Publisher` are such."""

    def open(self) -> None:
        """Connect."""

    def round(self) -> None:
        """Do what can be done now."""

    def close(self) -> None:
        """Give everything up."""


Maker = Callable[[Node], Work]


class StageProcess:
    """One process with a name: its present node and its work, made anew after each death."""

    def __init__(self, world: "World", name: str, make: Maker, *, retries: bool) -> None:
        self.world = world
        self.name = name
        self.node: Node | None = None
        self.deaths = 0
        self.stopped: list[str] = []
        self._make = make
        self._retries = retries  # a worker begins anew in its own process; a publisher leaves it
        self._work: Work | None = None
        self._is_open = False
        self._is_within = False
        self._is_over = False
        self._idle = 0  # rounds since something came
        self._is_wanted = False  # something came while it was waiting in the middle of a round
        self._round_s = EVER_S
        self._number = 0

    def start(self) -> None:
        """Begin, in a new process."""
        if self._is_over:
            return
        self._number += 1
        spread_s = self.world.weather.clock_spread_ms / 1000
        self.node = Node(self.world, self.name, skew_s=spread_s * 50)
        self.node.is_driven = True
        self.node.when_woken = self._woken
        self._work, self._is_open = None, False
        self._schedule(0.0)

    def kill(self) -> None:
        """End it, whatever it is doing."""
        if self.node is not None:
            self.node.die()

    def end(self) -> None:
        """End it for good."""
        self._is_over = True
        self.kill()

    @property
    def runs(self) -> bool:
        """Is there a process?"""
        return self.node is not None and not self.node.is_dead

    def wake(self) -> None:
        """Something has come for it."""
        if self.runs:
            self._woken()

    def running(self) -> int:
        """How many partitions it owns and works on."""
        return self.in_phase("running")

    def in_phase(self, phase: str) -> int:
        """How many of its partitions are in this phase (`bus.shell.owner.Phase`)."""
        readiness = getattr(self._work, "readiness", None)
        return int(readiness.phases.get(phase, 0)) if readiness is not None else 0

    def _woken(self) -> None:
        node = self.node
        if node is None:
            return
        if node.is_dead:
            if not self._is_within:
                self._bury()
            return
        self._idle = 0
        self._schedule(node.chance.uniform(*WOKEN_S))

    def _schedule(self, delay_s: float) -> None:
        when_s = self.world.timeline.now_s + delay_s
        if when_s < self._round_s:
            self._round_s = when_s
            number = self._number
            self.world.timeline.at(when_s, lambda: self._due(number, when_s))

    def _due(self, number: int, when_s: float) -> None:
        if number != self._number or when_s != self._round_s:
            return  # of an earlier life, or an earlier look came in between
        self._round_s = EVER_S
        if self._is_within:
            self._is_wanted = True
        else:
            self._round()

    def _round(self) -> None:
        node = self.node
        assert node is not None
        if node.is_dead or node.is_paused:
            return  # whoever resumes or buries it sees to the next round
        self._is_within = True
        pause_s = min(node.chance.uniform(*IDLE_S) * 1.3**self._idle, IDLE_MAX_S)
        self._idle = min(self._idle + 1, 20)
        try:
            self._step(node)
        except Killed:
            pass
        except FatalError as error:
            self.stopped.append(error.code)
            node.die()
        except (BusError, KafkaException):
            pause_s = RETRY_S
            self._give_up(node)
        finally:
            self._is_within = False
        if not self.runs:
            self._bury()
        else:
            self._schedule(node.chance.uniform(*WOKEN_S) if self._is_wanted else pause_s)
            self._is_wanted = False

    def _step(self, node: Node) -> None:
        if self._work is None:
            self._work = self._make(node)
        if not self._is_open:
            self._is_open = True
            self._work.open()
        self._work.round()
        for repetition in list(node.repetitions):
            repetition.advance()

    def _give_up(self, node: Node) -> None:
        """Begin anew within the process, or leave it."""
        try:
            if self._work is not None:
                self._work.close()
        except Killed:
            pass
        self._work, self._is_open = None, False
        if not self._retries:
            node.die()

    def _bury(self) -> None:
        """It is dead: its group hears of that by its silence; its supervisor starts it again."""
        node, self.node = self.node, None
        if node is None:
            return
        self._number += 1
        self._round_s = EVER_S
        self._work = None
        self.deaths += 1
        self.world.miss(self, node)
        if not self._is_over:
            self.world.timeline.after(node.chance.uniform(*RESTART_S), self.start)


def gate_process(world: "World", name: str) -> StageProcess:
    """A process with gates."""
    return StageProcess(world, name, lambda node: GateWorker(node.config, name, Metrics()), retries=True)


def arbiter_process(world: "World", name: str) -> StageProcess:
    """A process with arbiters and their clock."""
    return StageProcess(world, name, lambda node: ArbiterWorker(node.config, name, Metrics()), retries=True)


def publisher_process(world: "World", name: str, slot: int) -> StageProcess:
    """A process that publishes one slot."""
    return StageProcess(world, name, lambda node: Publisher(node.config, world.genesis, slot), retries=False)
