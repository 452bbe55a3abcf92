"""Who there is in a simulated world and what is in force there: lanes, agents, persons, contracts and terms as data."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bus.core.policy.contracts import JsonObject
from bus.core.policy.control import Genesis

DOMAIN = "acme"
STEWARD = f"spiffe://{DOMAIN}/person/ana"


def agent_id(name: str) -> str:
    """The whole id of an agent of the domain; an id stays as it is."""
    return name if name.startswith("spiffe://") else f"spiffe://{DOMAIN}/agent/{name}"


def person_id(name: str) -> str:
    """The whole id of a person of the domain; an id stays as it is."""
    return name if name.startswith("spiffe://") else f"spiffe://{DOMAIN}/person/{name}"


@dataclass(frozen=True, slots=True)
class Control:
    """What stewards set: ``agents`` is lane -> agent -> roles, by short names or whole ids; the rest are wire values.

    ``persons`` are further persons by name, each ``{"roles", "queues", "owns"}``.
    """

    agents: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    persons: Mapping[str, JsonObject] = field(default_factory=dict)
    contracts: Mapping[str, JsonObject] = field(default_factory=dict)
    terms: Mapping[str, JsonObject] = field(default_factory=dict)

    @property
    def topics(self) -> tuple[str, ...]:
        """The governed topics that the contracts name."""
        return tuple(sorted({str(value["contract"].get("topic", "")) for value in self.contracts.values()} - {""}))

    def wishes(self) -> Iterator[tuple[str, str, JsonObject]]:
        """Kind, name and value of everything there is to set, what others rest on first."""
        for lane in self.agents:
            yield "lane", lane, {"principal": f"User:{lane}"}
        for lane, group in self.agents.items():
            for name, roles in group.items():
                yield "agent", agent_id(name), {"lane": lane, "roles": list(roles), "owner": STEWARD}
        for name, person in self.persons.items():
            yield "person", person_id(name), person
        for resource, value in self.terms.items():
            yield "terms", resource, value
        for name, value in self.contracts.items():
            yield "contract", name, value


def genesis(partitions: int, slots: int = 1) -> Genesis:
    """Control number 0 of a simulated world."""
    return Genesis(1, DOMAIN, partitions, (STEWARD,), slots=slots)
