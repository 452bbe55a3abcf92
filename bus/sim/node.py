"""A simulated process: what the bus's code finds around it there, and how it dies, stands still and comes back."""

import random
from collections.abc import Callable
from concurrent.futures import Future
from threading import Condition
from typing import TYPE_CHECKING, TypeVar, cast

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from bus.shell.surroundings import Aside, Repetition, Settings, SettingsOf
from bus.shell.trial import Trial
from bus.sim.admin import SimAdmin
from bus.sim.consumer import SimConsumer
from bus.sim.errors import Killed, SimulationError
from bus.sim.producer import SimProducer

if TYPE_CHECKING:
    from bus.sim.world import World

BOOTSTRAP = "simulated:9092"
LOOKS_EVERY_S = 0.1  # virtual seconds between two rounds of an agent for which nothing comes
WAITS_S_MAX = 86_400.0  # who waits a virtual day for ever waits for nothing
T = TypeVar("T")


class Node:
    """The outside of one process; its clients ask it at every step whether they still live."""

    def __init__(self, world: "World", name: str, *, skew_s: float = 0.0, is_safe: bool = False) -> None:
        self.world = world
        self.name = name
        self.timeline = world.timeline
        self.broker = world.broker
        self.network = world.network
        self.chance = random.Random(f"{world.seed} {name} {world.next_number()}")
        self.config = SettingsOf(self, {"bootstrap.servers": BOOTSTRAP})
        self._is_dead = False
        self.is_paused = False
        self.is_driven = False  # called in rounds: looking for a moment must not stop it
        self.died_s = float("inf")
        self.stalled_until_s: dict[str, float] = {}
        self.repetitions: list[NodeRepetition] = []
        self.rounds: list[Rounds] = []
        self.when_woken: Callable[[], None] = lambda: None
        self._skew_s = skew_s
        self._is_safe = is_safe  # whoever sets the world up is not to be killed in the middle of it
        self._held_back: list[Callable[[], None]] = []
        self._waits_s = 0.0

    @property
    def is_dead(self) -> bool:
        """Is it over?"""
        return self._is_dead

    # ---- life -------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Raise `Killed` if it is dead: whatever calls a client goes no further."""
        if self.is_dead:
            raise Killed

    def hop(self, what: str) -> None:
        """It has come to a place where processes die; raises `Killed` if it does."""
        if not self._is_safe and not self.is_dead and self.network.kills_at(what):
            self.die()
        self.check()

    def hop_elsewhere(self, what: str) -> bool:
        """The same while none of its code runs: does it live?"""
        if not self._is_safe and not self.is_dead and self.network.kills_at(what):
            self.die()
        return not self.is_dead

    def die(self) -> None:
        """End at once, as kill -9 does."""
        if not self.is_dead:
            self._is_dead, self.died_s = True, self.timeline.now_s
            self._held_back.clear()
            self.when_woken()

    def pause(self) -> None:
        """Stand still, threads and all, as SIGSTOP does."""
        self.is_paused = True

    def resume(self) -> None:
        """Go on as if nothing had been."""
        self.is_paused = False
        held, self._held_back = self._held_back, []
        for call in held:
            call()
        self.when_woken()

    def while_alive(self, call: Callable[[], None]) -> None:
        """Do this now, when it goes on if it stands still, or never."""
        if self.is_dead:
            return
        if self.is_paused:
            self._held_back.append(call)
        else:
            call()

    def is_stalled(self, topic: str) -> bool:
        """Does its connection give nothing of this topic for now?"""
        return bool(self.stalled_until_s) and self.timeline.now_s < self.stalled_until_s.get(topic, 0.0)

    # ---- surroundings -----------------------------------------------------------------------------------

    def producer(self, settings: Settings) -> Producer:
        """A simulated one."""
        self.check()
        return cast("Producer", SimProducer(self, settings))

    def consumer(self, settings: Settings) -> Consumer:
        """A simulated one."""
        self.check()
        return cast("Consumer", SimConsumer(self, settings))

    def admin(self, settings: Settings) -> AdminClient:
        """A simulated one."""
        del settings
        self.check()
        return cast("AdminClient", SimAdmin(self))

    def now_s(self) -> float:
        """Virtual time."""
        return self.timeline.now_s

    def wall_s(self) -> float:
        """Virtual time of day, as far as this machine's clock is right."""
        return self.timeline.wall_ms() / 1000 + self._skew_s

    def sleep(self, seconds: float) -> None:
        """The others go on meanwhile."""
        self.timeline.run(self.timeline.now_s + seconds)
        self.check()

    def uniform(self, low: float, high: float) -> float:
        """By the seed."""
        return self.chance.uniform(low, high)

    def nonce(self) -> str:
        """By the seed."""
        return f"{self.chance.getrandbits(64):016x}"

    def aside(self, name: str, run: Callable[[], None], once: Callable[[], None] | None = None) -> Aside:
        """Done in its rounds by whoever waits."""
        return Rounds(self, name, run, once)

    def result(self, future: "Future[T]", timeout_s: float) -> T:
        """The world goes on until it is there."""
        self.timeline.run(self.timeline.now_s + timeout_s, future.done)
        self.check()
        return future.result(0)

    def wait_for(self, changed: Condition, timeout_s: float | None) -> None:
        """The world goes on for a moment; whoever waits looks whether that was it."""
        del changed
        now_s = self.timeline.now_s
        if timeout_s is None and self._waits_s and now_s - self._waits_s > WAITS_S_MAX:
            raise SimulationError("nobody says anything any more", "give it a timeout_s")
        self._waits_s = self._waits_s or now_s
        self.timeline.run(now_s + min(LOOKS_EVERY_S, LOOKS_EVERY_S if timeout_s is None else timeout_s))
        self.check()

    def trial(self, run: Callable[[], object], within_s: float) -> Trial:
        """Nothing that is said in a simulated world kills whoever judges it."""
        del run, within_s
        return Harmless()

    def repeat(self, name: str, once: Callable[[], float], end: Callable[[], None]) -> Repetition:
        """Called in the rounds of this process."""
        del name
        made = NodeRepetition(self, once, end)
        self.repetitions.append(made)
        return made


class Harmless:
    """A trial that ends well."""

    def survived(self) -> bool:
        """Yes, at once."""
        return True

    def close(self) -> None:
        """It is over."""


class Rounds:
    """What an agent's client does beside its caller: a round whenever something has come, and every now and then."""

    def __init__(self, node: Node, name: str, run: Callable[[], None], once: Callable[[], None] | None) -> None:
        self.name = name
        self._node, self._run, self._once = node, run, once
        self._is_over = self._is_within = False

    def start(self) -> None:
        """Begin; what has no rounds is done at once."""
        if self._once is None:
            self._node.timeline.after(0.0, lambda: self._node.while_alive(self._run))
            return
        self._node.rounds.append(self)
        self._again()

    def join(self, timeout: float | None = None) -> None:
        """End it: it finds that it is to stop, and puts everything in order."""
        del timeout
        if not self._is_over:
            self._is_over = True
            if self in self._node.rounds:
                self._node.rounds.remove(self)
            self._run()

    def look(self) -> None:
        """One round, unless it is in the middle of one, or stands still."""
        if self._is_over or self._is_within or self._node.is_dead or self._node.is_paused or self._once is None:
            return
        self._is_within = True
        try:
            self._once()
        finally:
            self._is_within = False

    def _again(self) -> None:
        if not self._is_over and not self._node.is_dead:
            self.look()
            self._node.timeline.after(LOOKS_EVERY_S, self._again)


class NodeRepetition:
    """What a process does beside its main loop."""

    def __init__(self, node: Node, once: Callable[[], float], end: Callable[[], None]) -> None:
        self._node, self._once, self._end = node, once, end
        self._not_before_s = 0.0

    def advance(self) -> None:
        """Do it, if its time has come."""
        now_s = self._node.timeline.now_s
        if now_s >= self._not_before_s:
            self._not_before_s = now_s + self._once()

    def stop(self, timeout_s: float) -> None:
        """End it."""
        del timeout_s
        if self in self._node.repetitions:
            self._node.repetitions.remove(self)
            self._end()
