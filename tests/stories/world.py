"""The company the stories play in: a bus with its steward, lanes, agents, contracts and terms, all set by messages."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml
from confluent_kafka import Producer

# The client's stubs do not re-export these names, its documentation does.
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from tests.stories.client import WAIT_S, Json, Sender, Topic

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
SET = "bus.control.set.v1"
GOVERNED = ("leads", "deals", "logistics", "customers", "orders")
LANE_TOPICS = ("in", "out", "gate")
# wire.md section 1 wants LogAppendTime on everything the bus reads the time from.
APPEND_TIME = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": "2097152"}


@dataclass(slots=True)
class World:
    """A bus, seen from outside; everything in it is set through the lane of the operators."""

    bootstrap: str
    steward: Sender
    control: int = 0
    _values: dict[tuple[str, str], Json] = field(default_factory=dict)
    _topics: dict[str, Topic] = field(default_factory=dict)

    @property
    def domain(self) -> str:
        """`spiffe://<domain>`, under which everybody is registered."""
        return self.steward.source.partition("/person/")[0]

    def topic(self, name: str) -> Topic:
        """A reader of a topic; governed topics are read committed, as wire.md asks."""
        if name not in self._topics:
            isolation = "read_uncommitted" if name.startswith("bus.") else "read_committed"
            self._topics[name] = Topic(self.bootstrap, name, isolation=isolation)
        return self._topics[name]

    def set(self, kind: str, name: str, value: Json) -> None:
        """Set one value of control, and wait until the bus says that it is set."""
        before = self._values.get((kind, name))
        base = None if before is None else sha256(canonical(before)).hexdigest()
        answer = self.steward.ask(SET, {"kind": kind, "name": name, "value": value, "base": base})
        assert answer["kind"] == "control_set", f"{kind} {name} was not set: {answer}"
        self.control, self._values[kind, name] = int(answer["control"]), value

    def set_contract(self, message_type: str, **changes: Any) -> None:  # Any: JSON
        """Register a contract as it stands in the repository's files, but for these changes."""
        domain, entity, verb, version = message_type.split(".")
        folder = SCHEMAS / domain / f"{entity}.{verb}" / version
        contract = yaml.safe_load((folder / "contract.yaml").read_text(encoding="utf-8"))
        schema = (folder / "schema.json").read_text(encoding="utf-8")
        value = {"contract": contract | changes, "format": "json", "schema": schema, "ids": [], "guids": []}
        self.set("contract", message_type, value)

    def set_terms(self, domain: str, resource: str, **changes: Any) -> None:  # Any: JSON
        """Set the terms of a resource type from the repository's files, but for these changes."""
        terms: Json = yaml.safe_load((SCHEMAS / domain / "terms" / f"{resource}.yaml").read_text(encoding="utf-8"))
        self.set("terms", resource, terms | changes)

    def hire(self, lane: str, *agents: tuple[str, str]) -> tuple[Sender, ...]:
        """A lane with its agents (name, role), in force at its gate when this returns."""
        create_topics(self.bootstrap, [f"bus.{kind}.{lane}" for kind in LANE_TOPICS])
        self.set("lane", lane, {"principal": f"User:{lane}"})
        senders = []
        for name, role in agents:
            source = f"{self.domain}/agent/{name}"
            self.set("agent", source, {"lane": lane, "roles": [role], "owner": self.steward.source})
            senders.append(Sender(source, lane, self.steward.producer, self.topic(f"bus.out.{lane}")))
        self.await_in_force(lane)
        return tuple(senders)

    def enrol(self, name: str, queue: str, *, owns: tuple[Sender, ...] = ()) -> Sender:
        """A person who rules on the cases of a queue, and the agents that are hers."""
        source = f"{self.domain}/person/{name}"
        value = {"roles": ["resolver"], "queues": [queue], "owns": [agent.source for agent in owns]}
        self.set("person", source, value)
        self.await_in_force("desk")
        return Sender(source, "desk", self.steward.producer, self.topic("bus.out.desk"))

    def case_file(self, case: str, wanted: Callable[[Json], bool] = lambda _: True) -> Json:
        """The first edition of a case's file that is wanted, from the human topic."""
        found = self.topic("bus.escalations").find(
            lambda record: record.json["case"] == case and wanted(record.json), f"a file of case {case} is published"
        )
        return found.json

    def await_in_force(self, lane: str) -> None:
        """Wait until the lane's gate has written a segment under everything set so far."""
        wanted = self.control
        self.topic(f"bus.gate.{lane}").find(
            lambda record: int(record.json.get("control", -1)) >= wanted,
            f"the gate of lane {lane} stands at control number {wanted}",
        )

    def governed(self, topic: str, about: dict[str, Any], *, after: Json) -> list[Json]:
        """The bodies on a governed topic that have these fields, once an admitted message (its answer) is there."""
        decision = after["decision"]
        reader = self.topic(topic)
        reader.find(lambda record: record.header("bus-decision") == decision, f"what {decision} admitted arrives")
        bodies = [dict(json.loads(record.value)) for record in reader.all()]
        return [body for body in bodies if about.items() <= body.items()]

    def close(self) -> None:
        """Give every connection back."""
        for topic in self._topics.values():
            topic.close()


def new_world(bootstrap: str, operator: str) -> World:
    """The company before its first working day: the governed topics of its owners, and its one steward."""
    create_topics(bootstrap, list(GOVERNED))
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0, "log_level": 2})
    answers = Topic(bootstrap, "bus.out.operators")
    return World(bootstrap, Sender(operator, "operators", producer, answers), _topics={answers.name: answers})


def create_topics(bootstrap: str, names: list[str]) -> None:
    """Topics of one partition, by whoever owns them; they are there when this returns."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})
    wanted = [NewTopic(name, num_partitions=1, replication_factor=1, config=APPEND_TIME) for name in names]
    for made in admin.create_topics(wanted, request_timeout=WAIT_S).values():
        made.result(WAIT_S)


def canonical(value: Json) -> bytes:
    """Canonical JSON, by which the bus knows a value: sorted keys, compact, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
