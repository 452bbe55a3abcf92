"""A whole bus in one process and in virtual time, for the tests of agents: no Kafka, no threads, no waiting.

    with LocalBus() as bus:
        with bus.agent("sales-1") as sales, bus.agent("support-1") as support:
            lead = sales.claim("lead/L-1")
            with pytest.raises(Denied):
                support.claim("lead/L-1")
            bus.advance(minutes=3)

The agents are `bus.client.Bus` objects and talk to the real gates, arbiters and publishers, over a Kafka in memory.
Time passes while somebody waits, and by `advance`.
"""

import contextlib
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bus.client import Bus, Message, Verdict
from bus.client.admitted import message_of
from bus.client.clock import living_by
from bus.core.log.records import Record, canonical, digest
from bus.core.log.topics import CONTROL, DESK_LANE, ESCALATION_PARTITIONS, ESCALATIONS, OPERATORS_LANE
from bus.core.policy.contracts import JsonObject
from bus.shell.catalogue import read_catalogue
from bus.sim.control import STEWARD, Control, agent_id, genesis, person_id
from bus.sim.errors import SimulationError
from bus.sim.founding import Founded, found
from bus.sim.node import Node
from bus.sim.quiet import quiet
from bus.sim.world import World

SAMPLE_AGENTS: dict[str, dict[str, tuple[str, ...]]] = {
    "sales": {"sales-1": ("sales",), "sales-2": ("sales",)},
    "support": {"support-1": ("support",)},
    "crm": {"crm-1": ("crm",)},
    "procurement": {"procurement-1": ("procurement",)},
    "logistics": {"logistics-1": ("logistics",)},
}
SAMPLE_PERSONS: dict[str, JsonObject] = {
    "ben": {"roles": ["operator"], "queues": ["revenue", "procurement"], "owns": []}
}
PARTITIONS = 2
STARTS_WITHIN_S = 20.0
SETTLES_S = 0.5  # until what was decided is published
WORLDS_MAX = 8  # a test suite has a few worlds; each takes a tenth of a second to set up


def sample(
    schemas: Path | None = None, *, agents: Mapping[str, Mapping[str, tuple[str, ...]]] | None = None
) -> Control:
    """The company of `agentbus dev`, or the contracts and terms of your own folder, with your own agents.

    ``schemas`` is a tree as `agentbus contracts apply` takes it; ``agents`` is lane -> agent -> roles. Raises
    `CatalogueError`.
    """
    read = read_catalogue(schemas)
    return Control(agents or SAMPLE_AGENTS, SAMPLE_PERSONS, read.contracts, read.terms)


class LocalBus:
    """One bus. ``control`` says what is in force, ``seed`` draws the little that is left to chance.

    One at a time in a process: all its agents live by its time. Raises `SimulationError` if the control is refused.
    """

    _is_taken = False

    def __init__(self, control: Control | None = None, *, seed: int = 1) -> None:
        self._control = control if control is not None else sample()
        self._seed = seed
        self._open = contextlib.ExitStack()
        self._agents: dict[str, Bus] = {}
        self._nodes: dict[str, Node] = {}
        self._numbers = itertools.count(1)
        self._world: World | None = None

    def __enter__(self) -> Self:
        """Begin: everything is in force, nothing was ever claimed."""
        if LocalBus._is_taken:
            raise SimulationError(
                "another LocalBus is open in this process", "close it first: use it in a `with` block"
            )
        self._open.enter_context(quiet())
        world = _founded(_Key(self._control)).world(self._seed)
        self._world = world
        LocalBus._is_taken = True
        self._open.enter_context(living_by(lambda: world.timeline.now_s, lambda: world.timeline.wall_ms() / 1000))
        world.start(gates=1, arbiters=1)
        lanes = len(self._control.agents) + 2
        world.timeline.run(world.timeline.now_s + STARTS_WITHIN_S, lambda: world.running() >= lanes + PARTITIONS)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """End; every agent is closed."""
        try:
            for bus in self._agents.values():
                bus.close()
        finally:
            LocalBus._is_taken = False
            self._open.close()
            self._agents.clear()

    # ---- who speaks -------------------------------------------------------------------------------------

    def agent(self, name: str) -> Bus:
        """The client of an agent, open: the same each time, until the LocalBus ends."""
        full = agent_id(name)
        lanes = {agent_id(one): lane for lane, group in self._control.agents.items() for one in group}
        if full not in lanes:
            raise SimulationError(f"there is no agent {name}", f"the agents are {', '.join(sorted(lanes))}")
        return self._client(full, lanes[full])

    def person(self, name: str, *, lane: str = DESK_LANE) -> Bus:
        """The client of a person, at the desk or, with ``lane="operators"``, on the operators' lane."""
        return self._client(person_id(name), lane)

    def _client(self, source: str, lane: str) -> Bus:
        key = f"{source} {lane}"
        if key not in self._agents or not self._agents[key].is_open:
            node = Node(self.world, key)
            node.is_driven = True
            node.when_woken = lambda: self.world.timeline.after(0.0, lambda: _look(node))
            self._nodes[key] = node
            self._agents[key] = Bus(agent=source, lane=lane, kafka=node.config).open()
        return self._agents[key]

    # ---- time -------------------------------------------------------------------------------------------

    @property
    def world(self) -> World:
        """The simulated world; for tests that want to break something."""
        if self._world is None:
            raise SimulationError("the LocalBus is not open", "use it in a `with` block")
        return self._world

    @property
    def now_ms(self) -> int:
        """What time it is there (epoch milliseconds)."""
        return int(self.world.timeline.wall_ms())

    def advance(self, *, minutes: float = 0.0, seconds: float = 0.0) -> None:
        """Let time pass; everything that is due in it happens, and clients renew their leases meanwhile."""
        self.world.timeline.run(self.world.timeline.now_s + minutes * 60 + seconds)

    def after(self, seconds: float, call: Callable[[], object]) -> None:
        """Call this so much later, while somebody waits: what another agent does in the meantime."""
        self.world.timeline.after(seconds, lambda: _done(call))

    @contextlib.contextmanager
    def standing_still(self, name: str) -> Iterator[None]:
        """While this lasts the agent does nothing, as one that hangs: it renews nothing and hears nothing."""
        node = self._nodes[f"{self.agent(name).agent} {self.agent(name).lane}"]
        node.pause()
        try:
            yield
        finally:
            node.resume()

    # ---- what people do ---------------------------------------------------------------------------------

    def rule(
        self, case: str, ruling: str, *, by: str = "ben", reason: str = "as the test says", candidate: str = ""
    ) -> Verdict:
        """A person rules on a case; raises `Refused` as the bus says, `SimulationError` if no such case is open."""
        files = {str(one["case"]): one for one in self.cases()}
        if case not in files:
            are = f"open are {', '.join(sorted(files))}" if files else "none is; `advance` until what opens it is due"
            raise SimulationError(f"no case {case} is open", are)
        file = files[case]
        body: dict[str, Any] = {"case": case, "rev": file["rev"], "ruling": ruling, "reason": reason}  # Any: JSON
        if candidate:
            body["candidate"] = candidate
        return self.person(by).send("bus.case.rule.v1", body, subject=file["subject"])

    def cases(self) -> list[dict[str, Any]]:  # Any: JSON
        """The newest file of every case that is not over."""
        files: dict[str, dict[str, Any]] = {}
        for p in range(ESCALATION_PARTITIONS):
            for record in self.world.broker.records((ESCALATIONS, p)):
                file = json.loads(record.value or b"{}")
                files[file["case"]] = file
        return [file for file in files.values() if file["state"] in ("ready", "reserved")]

    def set(self, kind: str, name: str, value: JsonObject | None) -> Verdict:
        """The steward changes what is in force; raises `Refused`."""
        current: JsonObject | None = None
        for record in self.world.broker.records((CONTROL, 0)):
            if record.key == f"{kind}/{name}".encode():
                current = json.loads(record.value) if record.value else None
        base = None if current is None else digest(canonical(current))
        body = {"kind": kind, "name": name, "value": value, "base": base}
        return self._steward.send("bus.control.set.v1", body)

    def suspend(self, name: str, *, reason: str = "as the test says") -> Verdict:
        """An operator suspends an agent."""
        return self._steward.send("bus.control.suspend.v1", {"select": {"agent": agent_id(name)}, "reason": reason})

    def resume(self, name: str, *, reason: str = "as the test says") -> Verdict:
        """The suspension is lifted."""
        return self._steward.send("bus.control.resume.v1", {"select": {"agent": agent_id(name)}, "reason": reason})

    @property
    def _steward(self) -> Bus:
        return self._client(STEWARD, OPERATORS_LANE)

    # ---- what came of it --------------------------------------------------------------------------------

    def on(self, topic: str) -> list[Message[dict[str, Any]]]:  # Any: a body
        """What is on a governed topic, as its readers see it, in the order of its subjects."""
        return [message_of(record, None) for record in self.records(topic)]

    def records(self, topic: str) -> list[Record]:
        """The records of any topic, all partitions; of a governed one what is committed."""
        broker = self.world.broker
        if topic not in broker.counts:
            raise SimulationError(f"there is no topic {topic}", f"there are {', '.join(sorted(broker.counts))}")
        self.advance(seconds=SETTLES_S)
        is_committed = not topic.startswith("bus.")
        found = [broker.records((topic, p), is_committed=is_committed) for p in range(broker.counts[topic])]
        return sorted(itertools.chain(*found), key=lambda record: (record.timestamp_ms, record.partition))

    def events(self, subject: str = "") -> list[dict[str, Any]]:  # Any: JSON
        """Every public event so far, of one subject or of all: such as ``granted`` or ``ended``."""
        found = [json.loads(record.value or b"{}") for record in self.records("bus.outcomes")]
        return [event for event in found if subject in ("", event.get("subject", ""))]


class _Key:
    """What is to be in force, by its value: worlds are set up once."""

    def __init__(self, control: Control) -> None:
        self.control = control
        self._text = canonical([[kind, name, value] for kind, name, value in control.wishes()])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


@lru_cache(maxsize=WORLDS_MAX)
def _founded(key: _Key) -> Founded:
    return found(key.control, genesis(PARTITIONS))


def _look(node: Node) -> None:
    for rounds in list(node.rounds):
        rounds.look()


def _done(call: Callable[[], object]) -> None:
    call()
