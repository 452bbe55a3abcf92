"""A small court on the development bus: rivals, judges, parties and a person, and terms for every way to be decided."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml

from bus.client import AsyncBus, Bus
from tests.client.conftest import Company, hire
from tests.stories.client import Json, Sender
from tests.stories.world import SCHEMAS

# Long enough for a busy machine: a window closes once gold and silver have claimed, a ballot once all have voted.
WINDOW_MS, BALLOT_MS, TURN_MS, LEASE_MS = 30_000, 40_000, 40_000, 30_000
SHORT_LEASE_MS = 4_000  # where a test waits until it would be over
CLOSE = "deals.deal.close.v1"
ROLES = {
    "gold-1": "gold",
    "silver-1": "silver",
    "judge-1": "north",
    "judge-2": "south",
    "judge-3": "west",
    "seller-1": "sales",
    "other-1": "other",
}
SEATS = ["north", "south", "west"]
COMMON: Json = {"window_ms": WINDOW_MS, "lease_ms": LEASE_MS, "priority": ["gold", "silver"]}
BOTH: Json = {**COMMON, "claimants": ["gold", "silver"]}
ESCALATE: Json = {"queue": "floor", "tiers_ms": [1_800_000], "hold_ms": 7_200_000}
VOTE: Json = {"seats": SEATS, "method": "majority", "ballot_ms": BALLOT_MS}
NEGOTIATE: Json = {"turn_ms": TURN_MS, "max_turns": 4}
TERMS: dict[str, Json] = {
    "slot": {**BOTH, "ladder": ["priority", "human"]},
    "pitch": {**BOTH, "ladder": ["vote", "deny"], "vote": VOTE, "ask": ["gold"]},
    "trade": {**BOTH, "ladder": ["negotiate", "human"], "negotiate": NEGOTIATE},
    "booth": {**COMMON, "lease_ms": SHORT_LEASE_MS, "window_ms": 0, "on_held": "contest", "ladder": ["human"]},
    "crown": {**COMMON, "window_ms": 0, "on_held": "preempt_if_higher", "ladder": ["human"]},
}


@dataclass(slots=True)
class Court:
    """Who is there; ``person`` rules on cases of queue floor."""

    company: Company
    person: Sender
    _count: int = field(default=0)

    def subject(self, resource: str) -> str:
        """One that no other test knows."""
        self._count += 1
        return f"{resource}/{resource[0].upper()}-{self._count}"

    def who(self, name: str) -> dict[str, str]:
        """The arguments of a bus for this agent."""
        return {**self.company.who(name), "lane": "court"}

    def bus(self, name: str, **more: Any) -> Bus:  # Any: whatever a Bus takes
        """A bus of its own for this agent."""
        return Bus(**(self.who(name) | more))

    def async_bus(self, name: str, **more: Any) -> AsyncBus:  # Any: whatever an AsyncBus takes
        """The same for asyncio."""
        return AsyncBus(**(self.who(name) | more))

    def told(self, kind: str, subject: str, wanted: Callable[[Json], bool] = lambda _: True) -> Json:
        """The first public event of that kind about a subject."""
        topic = self.company.world.topic("bus.outcomes")
        return topic.find(
            lambda one: one.json["kind"] == kind and one.json.get("subject") == subject and wanted(one.json),
            f"everybody hears {kind} of {subject}",
        ).json

    def candidate(self, name: str, subject: str) -> str:
        """The id of an agent's claim as a candidate."""
        agent = self.who(name)["agent"]
        return str(self.told("joined", subject, lambda one: one["agent"] == agent)["decision"])

    def rule(self, subject: str, ruling: str, **more: str) -> None:
        """The person rules on the case of a subject."""
        body = {"case": self.told("frozen", subject)["case"], "rev": 1, "ruling": ruling, "reason": "a test", **more}
        answer = self.person.ask("bus.case.rule.v1", body, subject=subject)
        assert answer["kind"] == "case_closed", answer


def convene(company: Company) -> Court:
    """Hire everybody and set the terms."""
    world = company.world
    hire(world, "court", ROLES)
    person = f"{world.domain}/person/cara"
    world.set("person", person, {"roles": [], "queues": ["floor"], "owns": []})
    for resource, terms in TERMS.items():
        world.set("terms", resource, {"resource": resource, "escalate": ESCALATE, "wait_max_ms": 600_000, **terms})
    _set_deals(company)
    for lane in ("court", "desk"):
        world.await_in_force(lane)
    return Court(company, Sender(person, "desk", world.steward.producer, world.topic("bus.out.desk")))


def _set_deals(company: Company) -> None:
    """Deals that are closed under review by our three judges."""
    folder = SCHEMAS / "deals/deal.close/v1"
    contract = yaml.safe_load((folder / "contract.yaml").read_text(encoding="utf-8"))
    contract["review"] = {"seats": SEATS, "ballot_ms": BALLOT_MS}
    schema = (folder / "schema.json").read_text(encoding="utf-8")
    value = {"contract": contract, "format": "json", "schema": schema, "ids": [], "guids": []}
    company.world.set("contract", CLOSE, value)
    terms: Json = {"resource": "deal", "lease_ms": LEASE_MS, "ladder": ["vote", "human"], "vote": VOTE}
    company.world.set("terms", "deal", {**terms, "escalate": ESCALATE})
