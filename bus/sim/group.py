"""A consumer group, simulated: who owns which partition, given and taken one by one; two at once, if that is wanted.

Static members: one that comes back in time is given what it had. One that is silent for longer than its session is put
out, and may go on for a while without knowing.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bus.sim.broker import Broker, Place

if TYPE_CHECKING:
    from bus.sim.consumer import SimConsumer
    from bus.sim.node import Node

SESSION_S = 6.0


@dataclass(slots=True)
class _Member:
    consumer: "SimConsumer"
    topics: list[str]
    owned: list[Place] = field(default_factory=list)


class Group:
    """The coordinator's view."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._members: dict[str, _Member] = {}
        self._moving: set[Place] = set()

    def subscribe(self, consumer: "SimConsumer", topics: list[str]) -> None:
        """A member joins, comes back, or wants other topics."""
        known = self._members.get(consumer.instance)
        if known is None:
            self._members[consumer.instance] = _Member(consumer, topics)
            consumer.tell("assign", [])
        elif known.consumer is not consumer:
            known.consumer.is_fenced = True
            known.consumer, known.topics = consumer, topics
            consumer.tell("assign", list(known.owned))
        else:
            known.topics = topics
        self._balance()

    def has(self, consumer: "SimConsumer") -> bool:
        """Is it a member?"""
        known = self._members.get(consumer.instance)
        return known is not None and known.consumer is consumer

    def expel(self, instance: str) -> list[str]:
        """Put a member out; what it owned goes to others. The topics it was there for."""
        known = self._members.pop(instance, None)
        if known is None:
            return []
        self._moving.difference_update(known.owned)
        self._balance()
        return known.topics

    def of(self, node: "Node") -> "list[SimConsumer]":
        """The members of one process."""
        return [one.consumer for one in self._members.values() if one.consumer.node is node]

    def owner(self, place: Place) -> "SimConsumer | None":
        """Who owns a partition."""
        return next((one.consumer for one in self._members.values() if place in one.owned), None)

    def owned_by(self, consumer: "SimConsumer") -> list[Place]:
        """What a member owns."""
        known = self._members.get(consumer.instance)
        return list(known.owned) if known is not None and known.consumer is consumer else []

    def others(self, place: Place) -> "list[SimConsumer]":
        """The members that do not own it."""
        return [one.consumer for one in self._members.values() if place not in one.owned]

    def _balance(self) -> None:
        topics = sorted({topic for one in self._members.values() for topic in one.topics})
        owned = {place for one in self._members.values() for place in one.owned}
        for topic in topics:
            for p in range(self._broker.counts.get(topic, 0)):
                if (topic, p) not in owned:
                    self._give((topic, p))
        self._move_some()

    def _give(self, place: Place) -> None:
        fit = [one for one in self._members.values() if place[0] in one.topics]
        if fit:
            least = min(fit, key=lambda one: len(one.owned))
            least.owned.append(place)
            least.consumer.tell("assign", [place])

    def _move_some(self) -> None:
        """Take from the fullest what the emptiest may have, until they differ by one."""
        members = list(self._members.values())
        planned = {id(one): len(one.owned) for one in members}
        for most in members:
            for place in list(most.owned):
                fit = [one for one in members if one is not most and place[0] in one.topics]
                least = min(fit, key=lambda one: planned[id(one)], default=None)
                if least is None or place in self._moving or planned[id(most)] - planned[id(least)] < 2:
                    continue
                planned[id(most)] -= 1
                planned[id(least)] += 1
                self._move(place, most)

    def _move(self, place: Place, most: _Member) -> None:
        self._moving.add(place)

        def then() -> None:
            if place in self._moving and place in most.owned:
                self._moving.discard(place)
                most.owned.remove(place)
                self._give(place)

        most.consumer.tell("revoke", [place], then)
