"""The persons of the run: they set up the lanes, agents, contracts and terms, and interfere while the traffic runs."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

from tests.acceptance.outgoing import Author, Outgoing
from tests.acceptance.setting import EMAIL, GOVERNED, LANES, LEADS, PROCESSES, STAGE, agents_of, contracts, terms
from tests.acceptance.topics import Cluster, TestsStopError, as_record
from tests.acceptance.wire import Json, canonical, sha256

SET, SUSPEND, RESUME = "bus.control.set.v1", "bus.control.suspend.v1", "bus.control.resume.v1"
REVOKE = "bus.resource.revoke.v1"
ANSWERED_S = 60.0
FLUSH_S = 20.0


@dataclass(slots=True)
class Person:
    """A person with a Kafka client on the lane of the operators."""

    author: Author
    producer: Producer
    failed: list[str] = field(default_factory=list)

    def say(self, message: Outgoing, lane: str = "") -> str:
        """Send it; returns its id."""
        self.producer.produce(
            f"bus.in.{lane or message.lane}",
            value=message.value,
            headers=list(message.headers),
            partition=0,
            on_delivery=lambda error, _: self.failed.append(str(error)) if error is not None else None,
        )
        self.producer.poll(0)
        return (dict(message.headers)["ce_id"] or b"").decode()

    def set(self, kind: str, name: str, value: Json, base: Json = None) -> str:
        """Set a value of control; `base` is the value believed to be in force."""
        body = {"kind": kind, "name": name, "value": value, "base": base and sha256(canonical(base))}
        return self.say(self.author.message(SET, body))


@dataclass(slots=True)
class Steward:
    """The person of genesis, steward and operator, and a colleague who is only an operator."""

    cluster: Cluster
    person: Person
    operator: Person
    answers: Consumer
    lease_ms: int
    contracts: Json
    domain: str
    more_terms: dict[str, Json] = field(default_factory=dict)
    processes: int = PROCESSES  # of agents
    heard: dict[str, Json] = field(default_factory=dict)

    def set_up(self) -> None:
        """Make topics and lanes, then everything else, and wait until all of it is in force at the gate."""
        for name, partitions in GOVERNED.items():
            self.cluster.create(name, partitions, {"max.message.bytes": "2097152"})
        for lane in LANES:
            self.cluster.create_lane(lane)
        self._await([self.person.set("lane", lane, {"principal": f"User:{lane}"}) for lane in LANES])
        waiting = [self.person.set("terms", "lead", terms(self.lease_ms))]
        waiting += [self.person.set("terms", name, value) for name, value in self.more_terms.items()]
        colleague = {"roles": ["operator"], "queues": [], "owns": []}
        waiting.append(self.person.set("person", self.operator.author.source, colleague))
        waiting += [self.person.set("contract", name, value) for name, value in self.contracts.items()]
        for process in range(self.processes):
            for agent in agents_of(process, self.domain):
                value = {"lane": agent.lane, "roles": list(agent.roles), "owner": self.person.author.source}
                waiting.append(self.person.set("agent", agent.id, value))
        self._await(waiting)
        self._state_stages()

    def _state_stages(self) -> None:
        """Every lead but a few is qualified before the traffic begins, by the one agent of crm."""
        crm = agents_of(0, self.domain)[0]
        author = Author(crm.id, crm.lane, 1_000_000)
        for subject in LEADS[:-3]:
            body = {"lead_id": subject.partition("/")[2], "stage": "qualified"}
            self.person.say(author.message(STAGE, body, subject=subject))

    def _await(self, ids: list[str]) -> None:
        until = time.monotonic() + ANSWERED_S
        self.person.producer.flush(FLUSH_S)
        while missing := [one for one in ids if one not in self.heard]:
            if time.monotonic() > until:
                raise TestsStopError(
                    f"{len(missing)} of {len(ids)} control messages got no answer on bus.out.operators within "
                    f"{ANSWERED_S:.0f} s, first {missing[0]}; failed sends: {self.person.failed[:2]}"
                )
            for message in self.answers.consume(500, 0.1):
                if message.error() is None:
                    answer = json.loads(as_record(message).value or b"{}")
                    self.heard.setdefault(answer.get("id", ""), answer)
        refused = [self.heard[one] for one in ids if self.heard[one].get("kind") == "refused"]
        if refused:
            raise TestsStopError(f"{len(refused)} of the set-up's control messages were refused, first {refused[0]}")

    def interfere(self, step: int) -> None:
        """The step-th interference while the traffic runs."""
        steps = (
            self._change_contract,
            self._use_old_base,
            self._revoke_some,
            self._suspend_one,
            self._change_terms,
            self._resume_one,
            self._suspend_role,
            self._overstep,
            self._resume_role,
            self._revoke_some,
        )
        steps[step % len(steps)]()

    def _change_contract(self) -> None:
        stricter = contracts(self.person.author.source, discount_cap_bp=4000)[EMAIL]
        self.person.set("contract", EMAIL, stricter, self.contracts[EMAIL])

    def _use_old_base(self) -> None:
        self.person.set("contract", EMAIL, self.contracts[EMAIL], self.contracts[EMAIL])
        self.person.set("terms", "lead", terms(self.lease_ms), None)

    def _change_terms(self) -> None:
        self.person.set("terms", "lead", terms(self.lease_ms) | {"handover_ms": 1500}, terms(self.lease_ms))

    def _revoke_some(self) -> None:
        for n, subject in enumerate(LEADS[3:40:6]):
            who = self.operator if n % 2 else self.person
            lane = "desk" if n % 3 == 0 else ""
            who.say(who.author.message(REVOKE, {"reason": "needed elsewhere"}, subject=subject), lane)

    def _looper(self) -> str:
        return next(agent.id for agent in agents_of(1, self.domain) if agent.may_be_suspended)

    def _suspend_one(self) -> None:
        body = {"select": {"agent": self._looper()}, "reason": "it loops"}
        self.operator.say(self.operator.author.message(SUSPEND, body))

    def _resume_one(self) -> None:
        body = {"select": {"agent": self._looper()}, "reason": "repaired"}
        message = self.person.author.message(RESUME, body)
        self.person.say(message)
        self.person.say(message)
        # Nothing is suspended by then: a second wish to lift it has no base.
        self.person.say(self.person.author.message(RESUME, body))

    def _suspend_role(self) -> None:
        body = {"select": {"role": "looper"}, "reason": "all of them loop"}
        self.person.say(self.person.author.message(SUSPEND, body))

    def _resume_role(self) -> None:
        self.person.say(self.person.author.message(RESUME, {"select": {"role": "looper"}, "reason": "repaired"}))

    def _overstep(self) -> None:
        self.operator.set("agent", self._looper(), None, None)
        odd: Json = {"kind": "planet", "name": "mars", "value": {}, "base": None}
        self.person.say(self.person.author.message(SET, odd))
        self.person.say(self.person.author.message(SET, odd | {"kind": "lane"}).lacking("ce_time"))


def new_steward(bootstrap: str, operator_id: str, lease_ms: int) -> Steward:
    """The persons of one scenario."""
    domain = operator_id.split("/person/", maxsplit=1)[0]
    cluster = Cluster(bootstrap)
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 1, "log_level": 2})
    answers = cluster.consumer()
    answers.assign([TopicPartition("bus.out.operators", 0, OFFSET_BEGINNING)])
    first = Person(Author(operator_id, "operators"), producer)
    second = Person(Author(f"{domain}/person/colleague", "operators"), producer)
    values = contracts(operator_id, discount_cap_bp=5000)
    return Steward(cluster, first, second, answers, lease_ms, values, domain)
