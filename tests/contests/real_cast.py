"""A troupe on a real bus: who plays in a random script there, under which names, and with every time scaled down.

Scripts speak of sales, lead/L-1 and seconds. Many are played beside each other, so each troupe has names of its own:
`spiffe://w3/agent/sales` with role `w3-sales` claims `lead-w3/7.0-1`, and ten seconds are one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from zlib import crc32

from tests.acceptance.wire import partition_of
from tests.contests.cast import AGENTS, CONTRACTS, DOMAIN, PERSONS, agent, person
from tests.contests.generate import SUBJECTS
from tests.contests.oracle.log import Json

# Agents share a few lanes: a lane is a team's, and its order is kept.
LANES = tuple(f"troupes-{n}" for n in range(6))
RESOURCES = ("lead", "deal")
EVERYBODY = "everybody"  # stands for "all", which would stop the other troupes, too
SCALED = ("window_ms", "lease_ms", "lock_delay_ms", "handover_ms", "cooldown_ms", "facts_ttl_ms", "wait_max_ms")
SCALED_ESCALATE = ("reserve_ms", "hold_ms")
# Ids of what plays in generation 1, partition 0, as scripts name it.
SCRIPT_ID = re.compile(r'"1\.0\.(\d+\.\d+)"')
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["id"],
    "properties": {"id": {"type": "string"}, "amount_cents": {"type": "integer"}, "value": {"type": "string"}},
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Troupe:
    """The names of one troupe; `speed` is how long a second of a script lasts, in seconds."""

    number: int
    owner: str
    speed: float

    @property
    def mark(self) -> str:
        """What its names carry, such as `w3`."""
        return f"w{self.number}"

    def id_of(self, script_id: str) -> str:
        """An agent's or a person's id on the bus; `ana` is whoever is steward there."""
        if script_id == person("ana"):
            return self.owner
        return script_id.replace(f"{DOMAIN}/", f"spiffe://{self.mark}/")

    def role(self, role: str) -> str:
        """A role of this troupe; a seat that is an agent's id stays one."""
        return self.id_of(role) if role.startswith("spiffe:") else f"{self.mark}-{role}"

    def type_of(self, script_type: str, resource: str) -> str:
        """A domain's message type of this troupe, one for each resource; the bus's own are everybody's."""
        if script_type.startswith("bus."):
            return script_type
        domain, _, rest = script_type.partition(".")
        return f"{domain}-{resource}-{self.mark}.{rest}"

    def resource(self, resource: str) -> str:
        """A resource type of this troupe."""
        return f"{resource}-{self.mark}"

    def lane(self, script_lane: str) -> str:
        """The lane an agent speaks on."""
        if script_lane in ("operators", "desk"):
            return script_lane
        return LANES[crc32(f"{self.mark}/{script_lane}".encode()) % len(LANES)]

    def scaled_ms(self, ms: int) -> int:
        """A duration of a script as it lasts here."""
        return 0 if ms == 0 else max(1, round(ms * self.speed))

    def what_is_set(self) -> list[tuple[str, str, Json]]:
        """Kind, name and value of everything this troupe needs; no terms."""
        agents = [("agent", *self.agent_value(agent(name), name, roles)) for name, roles in AGENTS.items()]
        persons = [("person", self.id_of(person(name)), self.person_value(value)) for name, value in PERSONS.items()]
        contracts = [
            ("contract", *self._contract(contract, resource))
            for contract in CONTRACTS.values()
            for resource in RESOURCES
            if "guard" in contract or resource == contract["resource"]
        ]
        return [*agents, *persons, *contracts]

    def agent_value(self, script_id: str, script_lane: str, roles: list[str]) -> tuple[str, Json]:
        """An agent's id and value."""
        named = [self.role(role) for role in (*roles, EVERYBODY)]
        return self.id_of(script_id), {"lane": self.lane(script_lane), "roles": named, "owner": self.owner}

    def person_value(self, value: Json) -> Json:
        """A person's value: queues are everybody's, agents are the troupe's."""
        return {**value, "owns": [self.id_of(one) for one in value["owns"]]}

    def terms(self, value: Json) -> Json:
        """Terms of a script for this troupe, in its times; what a steward would be refused is left out."""
        made = {**value, "resource": self.resource(value["resource"])}
        made |= {name: self.scaled_ms(value[name]) for name in SCALED if name in value}
        for name in ("claimants", "ask", "priority"):
            if name in value:
                made[name] = [self.role(role) for role in value[name]]
        made["veto"] = [{**veto, "role": self.role(veto["role"])} for veto in value.get("veto", [])]
        made["vote"] = self._vote(value.get("vote", {}))
        made["negotiate"] = {
            name: self.scaled_ms(held) if name == "turn_ms" else held
            for name, held in value.get("negotiate", {}).items()
        }
        escalate = value["escalate"]
        tiers = [self.scaled_ms(ms) for ms in escalate["tiers_ms"]]
        times = {name: self.scaled_ms(escalate[name]) for name in SCALED_ESCALATE}
        made["escalate"] = {**escalate, **times, "tiers_ms": tiers}
        if "vote" not in made.get("ladder", []):
            made.pop("ask", None)  # a question needs a vote
        return made

    def subjects(self, seed: int, p: int, partitions: int) -> dict[str, str]:
        """The subjects of one script by their names in it, all in one partition."""
        return {name: self._subject(name, seed, p, partitions) for name in SUBJECTS}

    def body(self, text: str, gen: int, p: int) -> str:
        """A body of a script in the names of the bus."""
        text = text.replace(person("ana"), self.owner).replace(f"{DOMAIN}/", f"spiffe://{self.mark}/")
        return SCRIPT_ID.sub(rf'"{gen}.{p}.\1"', text)

    def _vote(self, vote: Json) -> Json:
        seats = [self.role(seat) for seat in vote.get("seats", [])]
        made = {**vote, "seats": seats}
        made["weights"] = {
            self.role(seat): n for seat, n in vote.get("weights", {}).items() if self.role(seat) in seats
        }
        if "ballot_ms" in vote:
            made["ballot_ms"] = self.scaled_ms(vote["ballot_ms"])
        if vote.get("threshold_bp") == 5_000:
            made["threshold_bp"] = 5_001  # half is no supermajority
        return made

    def _contract(self, script: Json, resource: str) -> tuple[str, Json]:
        name = self.type_of(script["type"], resource)
        contract = {**script, "type": name, "owner": self.owner, "key": "/id", "compatibility": "NONE"}
        contract["resource"] = self.resource(resource)
        if "may" in script:
            contract["may"] = [self.role(role) for role in script["may"]]
        if "fact" in script:
            contract["fact"] = {**script["fact"], "role": self.role(script["fact"]["role"])}
        if "review" in script:
            review = script["review"]
            seats = [self.role(seat) for seat in review["seats"]]
            contract["review"] = {"seats": seats, "ballot_ms": self.scaled_ms(review["ballot_ms"])}
        return name, {"contract": contract, "format": "json", "schema": json.dumps(SCHEMA), "ids": [], "guids": []}

    def _subject(self, name: str, seed: int, p: int, partitions: int) -> str:
        kind, _, identifier = name.partition("/")
        tried: Iterator[str] = (f"{self.resource(kind)}/{identifier}.{seed}.{n}" for n in count())
        return next(subject for subject in tried if partition_of(subject.encode(), partitions) == p)
