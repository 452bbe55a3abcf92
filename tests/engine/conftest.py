"""What the tests of the engine share: one real broker with a genesis, stages as processes, and a stock client."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from confluent_kafka import OFFSET_BEGINNING, Producer, TopicPartition

from bus.core.policy.control import Genesis
from bus.dev.broker import start_broker
from bus.shell import cluster, kafka

STEWARD = "spiffe://acme/person/ana"
RUN_STAGE = Path(__file__).with_name("run_stage.py")
WAIT_S = 30.0
Answer = dict[str, Any]  # Any: JSON
T = TypeVar("T")


@dataclass
class World:
    """A Kafka with a genesis, and whoever was started on it."""

    bootstrap: str
    genesis: Genesis
    running: list[subprocess.Popen[str]] = field(default_factory=list)
    sent: int = 0
    has_terms: bool = False

    def __post_init__(self) -> None:
        self.config = {"bootstrap.servers": self.bootstrap}
        self.producer = Producer({**self.config, "linger.ms": 0})

    def start(self, *stages: str, **environment: str) -> subprocess.Popen[str]:
        """Start a process with these stages."""
        command = [sys.executable, str(RUN_STAGE), self.bootstrap, *stages]
        process = subprocess.Popen(
            command, env={**os.environ, "ENGINE_TEST_NAME": "one", **environment}, text=True, stdout=subprocess.PIPE
        )
        self.running.append(process)
        return process

    def started(self, *stages: str, **environment: str) -> subprocess.Popen[str]:
        """Start a process and wait until it is ready."""
        process = self.start(*stages, **environment)
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ready"), "the stages did not become ready"
        return process

    def kill(self, process: subprocess.Popen[str]) -> None:
        """End a process without a word (kill -9)."""
        process.kill()
        process.wait()
        self.running.remove(process)

    def stop_all(self) -> None:
        """End whatever still runs."""
        for process in list(self.running):
            self.kill(process)

    def send(self, lane: str, kind: str, body: object, **more: str) -> str:
        """Send a message as an agent or the steward would; its id. ``more`` are headers without ``ce_``."""
        self.sent += 1
        headers = {
            "ce_specversion": "1.0",
            "ce_id": f"m-{self.sent}",
            "ce_source": more.pop("source", STEWARD),
            "ce_type": kind,
            "ce_time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "content-type": "application/json",
            **{f"ce_{name}": value for name, value in more.items()},
        }
        value = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.producer.produce(f"bus.in.{lane}", value=value, headers=list(headers.items()))
        self.producer.flush(WAIT_S)
        return headers["ce_id"]

    def read(self, topic: str, partition: int = 0, isolation: str = "read_uncommitted") -> list[Any]:
        """Everything that stands in a topic-partition now."""
        found: list[Any] = []
        consumer = kafka.reader(self.config, isolation=isolation)
        consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING)])
        while True:
            for message in kafka.fetch(consumer, WAIT_S):
                if kafka.is_end(message):
                    consumer.close()
                    return found
                assert message.error() is None, message.error()
                found.append(message)

    def refused(self, lane: str) -> list[Any]:
        """The dead letters of a lane, in order."""
        found = [message for p in range(3) for message in self.read("bus.refused", p)]
        return [message for message in found if header(message, "bus-src").startswith(f"bus.in.{lane}/".encode())]

    def answers(self, lane: str) -> list[Answer]:
        """Every answer on a lane so far."""
        return [json.loads(message.value()) for message in self.read(f"bus.out.{lane}")]

    def answer(self, lane: str, identifier: str) -> Answer:
        """The first answer to a message, awaited."""
        return until(
            lambda: next((body for body in self.answers(lane) if body["id"] == identifier), None),
            f"no answer to {identifier} on bus.out.{lane}",
        )

    def set(self, kind: str, name: str, value: object) -> Answer:
        """Set something through the operators lane, and wait until it is in force."""
        body = {"kind": kind, "name": name, "value": value, "base": None}
        answer = self.answer("operators", self.send("operators", "bus.control.set.v1", body))
        assert answer["kind"] == "control_set", answer
        return answer

    def lane(self, name: str) -> str:
        """A lane of its own for a test, with one agent of the same name, which may claim boats; the agent's id."""
        cluster.create_topics(kafka.admin(self.config), cluster.lane_plan(name), replication=1)
        self.set("lane", name, {"principal": f"User:{name}"})
        agent = f"spiffe://acme/agent/{name}-1"
        self.set("agent", agent, {"lane": name, "roles": [name], "owner": STEWARD})
        if not self.has_terms:
            self.set("terms", "boat", {"resource": "boat", "window_ms": 0, "on_held": "deny", "lease_ms": 60_000})
            self.has_terms = True
        return agent


def header(message: Any, name: str) -> bytes:  # Any: the client library's own type
    """The last header of that name: ours, where a sender used the name too."""
    return dict(message.headers() or []).get(name) or b""


def until(look: Callable[[], T | None], failure: str) -> T:
    """Look until there is something; fail with a sentence after a bounded time."""
    end_s = time.monotonic() + WAIT_S
    while time.monotonic() < end_s:
        found = look()
        if found is not None:
            return found
        time.sleep(0.05)
    raise AssertionError(failure)


def new_world() -> Iterator[World]:
    """A broker with a genesis, for as long as it is asked for."""
    with start_broker() as broker:
        world = World(broker.bootstrap, Genesis(1, "acme", 2, (STEWARD,), skew_ms=50))
        cluster.create_topics(kafka.admin(world.config), cluster.bus_plan(2), replication=1)
        cluster.write_genesis(world.config, world.genesis)
        yield world
        world.stop_all()


@pytest.fixture(scope="session")
def cluster_with_genesis() -> Iterator[World]:
    """One broker for all tests of the engine but those that take something away from it."""
    yield from new_world()


@pytest.fixture
def world(cluster_with_genesis: World) -> Iterator[World]:
    """The cluster, with nothing running on it before and after."""
    yield cluster_with_genesis
    cluster_with_genesis.stop_all()
