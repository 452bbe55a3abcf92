"""One process of fifty agents: sends its share of the messages, listens to the answers, reports what it sent."""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from confluent_kafka import OFFSET_END, Consumer, Producer, TopicPartition

from tests.acceptance.behaviour import Actor
from tests.acceptance.broken import broken_messages, named
from tests.acceptance.outgoing import VARIANT_HEADER, Author, Outgoing, now_ms
from tests.acceptance.setting import LANES, LEADS, agents_of
from tests.acceptance.topics import Cluster, as_record
from tests.acceptance.wire import Json

RECENT_MAX = 60
ASSIGNED_S = 10.0
FLUSH_S = 60.0
# No agent sends more than this many messages at once; a stall of the broker must not end in a flood.
BURST_MAX = 40


@dataclass(frozen=True, slots=True)
class Plan:
    """What one traffic process is told (JSON on its command line)."""

    bootstrap: str
    domain: str
    process: int
    messages: int
    seconds: float
    seed: int
    lease_ms: int = 30_000
    renew_every_ms: int = 8_000
    broken_share: float = 0.05
    is_loyal: bool = False
    idle_lane: str = ""
    idle_from_s: float = 0.0
    idle_to_s: float = 0.0

    @classmethod
    def read(cls, text: str) -> Self:
        """From the command line."""
        return cls(**json.loads(text))


@dataclass(slots=True)
class Crowd:
    """The agents of one process and their way to the bus."""

    plan: Plan
    chance: random.Random
    actors: dict[str, Actor] = field(default_factory=dict)
    recent: list[Outgoing] = field(default_factory=list)
    ways: Iterable[tuple[str, str, object]] = ()
    sent: int = 0
    broken: int = 0
    failed: list[str] = field(default_factory=list)
    started: float = 0.0

    def people(self) -> None:
        """Bring the agents to life."""
        agents = agents_of(self.plan.process, self.plan.domain)
        named_in_hand_overs = [agent.id for agent in agents if not agent.may_be_suspended]
        for agent in agents:
            author = Author(agent.id, agent.lane)
            actor = Actor(agent, author, self.chance, self.plan.lease_ms, self.plan.renew_every_ms)
            actor.colleagues = named_in_hand_overs
            actor.is_loyal = self.plan.is_loyal and self.chance.random() < 0.6
            self.actors[agent.id] = actor

    def run(self) -> Json:
        """Send the plan's messages over the plan's time and say how it went."""
        producer = Producer(
            {
                "bootstrap.servers": self.plan.bootstrap,
                "enable.idempotence": True,
                "linger.ms": 2,
                "message.timeout.ms": 60_000,
                "message.max.bytes": 1_040_000,
                "log_level": 2,
            }
        )
        consumer = self._listen()
        self.started = time.monotonic()
        while self.sent < self.plan.messages:
            self._hear(consumer)
            elapsed = time.monotonic() - self.started
            due = min(int(self.plan.messages * elapsed / self.plan.seconds), self.plan.messages)
            self._renew(producer)
            for _ in range(min(due - self.sent, BURST_MAX)):
                self._turn(producer)
            producer.poll(0.0)
        self._go_home(producer)
        left = producer.flush(FLUSH_S)
        consumer.close()
        if left:
            self.failed.append(f"{left} messages were not acknowledged within {FLUSH_S:.0f} s")
        return {"sent": self.sent, "broken": self.broken, "failed": self.failed[:3], "failures": len(self.failed)}

    def _go_home(self, producer: Producer) -> None:
        """Nine of ten release what they hold at the end; the leases of the others run out."""
        for actor in self.actors.values():
            if self.chance.random() < 0.9:
                for message in actor.farewell():
                    self._send(producer, message)

    def _listen(self) -> Consumer:
        consumer = Cluster(self.plan.bootstrap).consumer()
        consumer.assign([TopicPartition(f"bus.out.{lane}", 0, OFFSET_END) for lane in LANES])
        return consumer

    def _hear(self, consumer: Consumer) -> None:
        for message in consumer.consume(500, 0.01):
            if message.error() is not None:
                continue
            answer = json.loads(as_record(message).value or b"{}")
            for _, agent in answer.get("to", []):
                if agent in self.actors and answer.get("agent") == agent:
                    self.actors[agent].hear(answer)

    def _is_idle(self, lane: str) -> bool:
        elapsed_s = time.monotonic() - self.started
        return lane == self.plan.idle_lane and self.plan.idle_from_s <= elapsed_s < self.plan.idle_to_s

    def _renew(self, producer: Producer) -> None:
        at_ms = now_ms()
        for actor in self.actors.values():
            if actor.is_loyal or not self.plan.is_loyal:
                for message in actor.due_renewals(at_ms):
                    self._send(producer, message)

    def _turn(self, producer: Producer) -> None:
        actor = self.chance.choice(list(self.actors.values()))
        if self.chance.random() < self.plan.broken_share:
            self.broken += 1
            self._send(producer, self._broken(actor))
            return
        for message in actor.next():
            self._invite(message)
            self._send(producer, message)

    def _broken(self, actor: Actor) -> Outgoing:
        draw = self.chance.random()
        if self.recent and draw < 0.12:
            return _repeated(self.chance.choice(self.recent))
        if self.recent and draw < 0.20:
            return self.chance.choice(self.recent).saying(b'{"n":11}').having(VARIANT_HEADER, "id reused")
        if draw < 0.26:
            return self._second_subject(actor)
        _, variant, way = BROKEN[(self.broken + self.plan.process * len(BROKEN) // 4) % len(BROKEN)]
        return named(way(actor.author), variant)

    def _second_subject(self, actor: Actor) -> Outgoing:
        """One body `{}` on two subjects with one id: the first half was sent by the same agent a moment ago."""
        claims = [message for message in self.recent if message.value == b"{}" and message.lane == actor.agent.lane]
        if claims:
            return claims[-1].having("ce_subject", self.chance.choice(LEADS)).having(VARIANT_HEADER, "one body {}")
        return actor.author.message("bus.resource.claim.v1", {}, subject=self.chance.choice(LEADS))

    def _invite(self, message: Outgoing) -> None:
        """Tell a colleague, outside the bus, that a lead was released to it."""
        fields = dict(message.headers)
        if fields["ce_type"] != b"bus.resource.release.v1":
            return
        named_agent = json.loads(message.value or b"{}").get("to")
        if named_agent in self.actors:
            self.actors[named_agent].invited.append((fields["ce_subject"] or b"").decode())

    def _send(self, producer: Producer, message: Outgoing) -> None:
        if self._is_idle(message.lane):
            return
        self.sent += 1
        self.recent = [*self.recent[-RECENT_MAX:], message]
        producer.produce(
            f"bus.in.{message.lane}",
            value=message.value,
            key=message.key,
            headers=list(message.headers),
            partition=0,
            on_delivery=lambda error, _: self.failed.append(str(error)) if error is not None else None,
        )


BROKEN = broken_messages()


def _repeated(message: Outgoing) -> Outgoing:
    """The same message once more, as a client that got no acknowledgement sends it: with a newer time perhaps."""
    if message.value and len(message.value) % 2:
        return message.having(VARIANT_HEADER, "sent twice")
    return message


def main() -> None:
    """Run one plan; print its report as one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plan")
    plan = Plan.read(parser.parse_args().plan)
    crowd = Crowd(plan, random.Random(plan.seed * 1_000 + plan.process))
    crowd.people()
    sys.stdout.write(json.dumps(crowd.run()) + "\n")


if __name__ == "__main__":
    main()
