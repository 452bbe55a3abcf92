"""What the tests of the client share: one development bus, with a small company on it, and agents to speak as."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml

from bus.client import AsyncBus, Bus
from tests.client.handmade import HandmadeLane
from tests.stories.bus_under_test import BusUnderTest
from tests.stories.client import WAIT_S
from tests.stories.world import LANE_TOPICS, SCHEMAS, World, create_topics, new_world

LEASE_MS = 3_000
SALES = ("sales-1", "sales-2", "sales-3")
EMAIL, NOTE, STAGE, SILENT = "leads.email.send.v1", "leads.note.add.v1", "leads.lead.stage.v1", "leads.note.jot.v1"


@dataclass(slots=True)
class Company:
    """A bus with a lane of three salespeople, a lane of the crm, and an operator."""

    world: World
    dev_pid: int
    broker_pid: int
    _leads: Iterator[int] = field(default_factory=lambda: iter(range(10_000)))

    def who(self, name: str) -> dict[str, str]:
        """The arguments of a bus for this agent."""
        lane = "crm" if name.startswith("crm") else "sales"
        return {"agent": f"{self.world.domain}/agent/{name}", "lane": lane, "bootstrap": self.world.bootstrap}

    def bus(self, name: str = "sales-1", **more: Any) -> Bus:  # Any: whatever a Bus takes
        """A bus of its own for this agent."""
        return Bus(**(self.who(name) | more))

    def async_bus(self, name: str = "sales-1", **more: Any) -> AsyncBus:  # Any: whatever an AsyncBus takes
        """The same for asyncio."""
        return AsyncBus(**(self.who(name) | more))

    def lead(self) -> str:
        """A lead that no other test knows."""
        return f"lead/L-{next(self._leads)}"

    def revoke(self, subject: str) -> None:
        """An operator ends whatever holding there is."""
        answer = self.world.steward.ask("bus.resource.revoke.v1", {"reason": "a test"}, subject=subject)
        assert answer["kind"] == "ended", answer

    def asleep(self) -> "Asleep":
        """All stages stand still inside this block, and go on after it."""
        return Asleep(self.dev_pid)


@dataclass(frozen=True, slots=True)
class Asleep:
    """SIGSTOP and SIGCONT to the process of the stages; Kafka runs on."""

    pid: int

    def __enter__(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def __exit__(self, *_: object) -> None:
        os.kill(self.pid, signal.SIGCONT)


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A real Kafka with the bus on it, and everybody hired."""
    folder: Path = tmp_path_factory.mktemp("client")
    started = BusUnderTest(folder)
    with ExitStack() as undo:
        undo.callback(started.stop)
        ready = started.wait_ready()
        world = new_world(str(ready["bootstrap"]), str(ready["operator"]))
        undo.callback(world.close)
        _set_up(world)
        yield Company(world, int(ready["pids"]["dev"]), int(ready["pids"]["broker"]))


def _set_up(world: World) -> None:
    hire(world, "sales", dict.fromkeys(SALES, "sales"))
    hire(world, "crm", {"crm-1": "crm"})
    for message_type in (EMAIL, NOTE, STAGE):
        world.set_contract(message_type)
    contract = yaml.safe_load((SCHEMAS / "leads/note.add/v1/contract.yaml").read_text(encoding="utf-8"))
    silent = {name: value for name, value in contract.items() if name != "topic"} | {"type": SILENT}
    schema = (SCHEMAS / "leads/note.add/v1/schema.json").read_text(encoding="utf-8")
    world.set("contract", SILENT, {"contract": silent, "format": "json", "schema": schema, "ids": [], "guids": []})
    terms = yaml.safe_load((SCHEMAS / "leads/terms/lead.yaml").read_text(encoding="utf-8"))
    world.set(
        "terms",
        "lead",
        terms | {"when": {}, "lease_ms": LEASE_MS, "handover_ms": 1_000, "ask": [], "ladder": ["human"]},
    )
    for lane in ("sales", "crm"):
        world.await_in_force(lane)


def hire(world: World, lane: str, roles: dict[str, str]) -> None:
    """A lane with its agents by role. A gate that does not see the new topics yet is asked again."""
    create_topics(world.bootstrap, [f"bus.{kind}.{lane}" for kind in LANE_TOPICS])
    until_s = time.monotonic() + WAIT_S
    while True:
        try:
            world.set("lane", lane, {"principal": f"User:{lane}"})
            break
        except AssertionError:
            if time.monotonic() > until_s:
                raise
            time.sleep(0.2)
    for name, role in roles.items():
        value = {"lane": lane, "roles": [role], "owner": world.steward.source}
        world.set("agent", f"{world.domain}/agent/{name}", value)
    world.await_in_force(lane)


@pytest.fixture
def sales(company: Company) -> Iterator[Bus]:
    """The bus of sales-1, for one test."""
    with company.bus() as bus:
        yield bus


_handmade = count()


@pytest.fixture
def lane(company: Company) -> Iterator[HandmadeLane]:
    """A lane whose answers this test writes."""
    agent = f"{company.world.domain}/agent/hand-1"
    made = HandmadeLane(company.world.bootstrap, f"handmade-{next(_handmade)}", agent)
    yield made
    made.close()


@pytest.fixture
def bus(lane: HandmadeLane) -> Iterator[Bus]:
    """An agent on it."""
    with Bus(agent=lane.agent, lane=lane.lane, bootstrap=lane.bootstrap, timeout_s=20) as opened:
        yield opened


def eventually(holds: Callable[[], bool], within_s: float = 20.0) -> bool:
    """Does it hold at some moment within that time?"""
    until_s = time.monotonic() + within_s
    while time.monotonic() < until_s:
        if holds():
            return True
        time.sleep(0.02)
    return holds()


def email(subject: str) -> dict[str, str]:
    """A body that keeps the contract of an email."""
    return {"lead_id": subject.partition("/")[2], "to": "ada@example.com", "subject": "Hello", "text": "How are you?"}
