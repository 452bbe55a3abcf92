"""Who may do what, and under which terms, as the control records of the log have said so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256

from tests.contests.oracle.log import Json, Said, canonical


@dataclass(slots=True)
class Registry:
    """Everything set, by `<kind>/<name>`, with how often it was set; every contract revision there ever was."""

    stewards: tuple[str, ...]
    values: dict[str, Json] = field(default_factory=dict)
    revs: dict[str, int] = field(default_factory=dict)
    contracts: dict[str, Json] = field(default_factory=dict)
    last_lane: dict[str, str] = field(default_factory=dict)
    number: int = 0

    def apply(self, said: Said) -> tuple[str, int]:
        """Put an accepted change in force; its key and revision."""
        self.number = said.control
        key, value = _key_and_value(said)
        self.revs[key] = self.revs.get(key, 0) + 1
        self.values[key] = value
        kind, _, name = key.partition("/")
        if kind == "contract" and value is not None:
            self.contracts[f"{name}@{self.revs[key]}"] = value["contract"]
        if kind == "agent" and value is not None:
            self.last_lane[name] = value["lane"]
        return key, self.revs[key]

    def agent(self, source: str) -> Json:
        """An agent's value in force, or None."""
        return self.values.get(f"agent/{source}")

    def person(self, source: str) -> Json:
        """A person's value in force, or None."""
        return self.values.get(f"person/{source}")

    def roles(self, source: str) -> list[str]:
        """The roles in force; a steward of genesis has both powers until its person is set."""
        kind = "agent" if "/agent/" in source else "person"
        key = f"{kind}/{source}"
        if key not in self.values and source in self.stewards:
            return ["steward", "operator"]
        value = self.values.get(key)
        return list(value["roles"]) if value else []

    def lane(self, source: str) -> str | None:
        """The lane an agent hears on; None when that lane is gone."""
        lane = self.last_lane.get(source)
        return lane if lane is not None and self.values.get(f"lane/{lane}") is not None else None

    def is_suspended(self, source: str) -> bool:
        """Whether a standing rule stops this agent; it never touches persons."""
        if "/agent/" not in source:
            return False
        names = ["suspended/all", f"suspended/agent/{source}", *(f"suspended/role/{r}" for r in self.roles(source))]
        return any(self.values.get(name) for name in names)

    def terms(self, subject: str) -> Json:
        """The terms in force for the subject's type, or None."""
        return self.values.get(f"terms/{subject.partition('/')[0]}")

    def terms_name(self, subject: str) -> str:
        """Type and revision of the terms in force, for example `lead@3`."""
        kind = subject.partition("/")[0]
        return f"{kind}@{self.revs.get(f'terms/{kind}', 0)}"

    def agents(self) -> list[str]:
        """Every agent that is registered now, by its id."""
        return sorted(key.removeprefix("agent/") for key, v in self.values.items() if key.startswith("agent/") and v)

    def owns(self, person: str, agent: str) -> bool:
        """Whether the agent is the person's, by either of the two places that say so."""
        by_person = agent in (self.person(person) or {}).get("owns", [])
        return by_person or (self.agent(agent) or {}).get("owner") == person


def _key_and_value(said: Said) -> tuple[str, Json]:
    body = said.body
    if said.type == "bus.control.set.v1":
        return f"{body['kind']}/{body['name']}", body["value"]
    select = body["select"]
    name, given = next(iter(select.items()))
    key = "suspended/all" if name == "all" else f"suspended/{name}/{given}"
    return key, {"select": select} if said.type == "bus.control.suspend.v1" else None


def value_hash(value: Json) -> Json:
    """The hash a change is known by; the wire does not say what stands for a value that was taken away."""
    return ... if value is None else sha256(canonical(value)).hexdigest()
