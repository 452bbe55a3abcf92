"""What stewards and operators have set, at one number: a registry that every change turns into the next one.

    genesis (0) -> change 1 -> change 2 -> ...      dense; a reader applies n only after n - 1

A registry is immutable, so every lane and partition may stand at its own number.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, TypeVar

from bus.core.frozen import dataclass, replace
from bus.core.log.records import canonical, digest
from bus.core.log.topics import DESK_LANE, OPERATORS_LANE
from bus.core.policy.contracts import Contract, JsonObject, contract_from_json
from bus.core.policy.terms import Terms, terms_from_json

K = TypeVar("K")
V = TypeVar("V")

SUSPENDED = "suspended"
STEWARD_ROLES = ("steward", "operator")


@dataclass(frozen=True, slots=True)
class Genesis:
    """Control number 0: what never changes in a generation. Times in milliseconds."""

    gen: int
    domain: str
    partitions: int
    stewards: tuple[str, ...]
    slots: int = 1
    skew_ms: int = 100
    lane_stall_ms: int = 30_000
    restart_bound_ms: int = 10_000

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """The value of ``bus.control`` offset 0."""
        return {
            "v": 1,
            "kind": "genesis",
            "control": 0,
            "gen": self.gen,
            "domain": self.domain,
            "partitions": self.partitions,
            "slots": self.slots,
            "stewards": list(self.stewards),
            "skew_ms": self.skew_ms,
            "lane_stall_ms": self.lane_stall_ms,
            "restart_bound_ms": self.restart_bound_ms,
        }


def genesis_from_json(value: JsonObject) -> Genesis:
    """Read a genesis; raises KeyError or TypeError if it is none."""
    names = ("gen", "domain", "partitions", "slots", "skew_ms", "lane_stall_ms", "restart_bound_ms")
    return Genesis(**{name: value[name] for name in names}, stewards=tuple(value["stewards"]))


@dataclass(frozen=True, slots=True)
class Agent:
    """A registered agent: the lane it sends on, its roles, the person who answers for it."""

    id: str
    lane: str
    roles: frozenset[str]
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """A registered person: roles, the queues they rule in, the agents they own."""

    id: str
    roles: frozenset[str]
    queues: tuple[str, ...] = ()
    owns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """Change number ``number``: what ``<kind>/<name>`` is from here on (None: nothing), its ``rev`` among its own."""

    number: int
    kind: str
    name: str
    rev: int
    value: JsonObject | None

    @property
    def value_hash(self) -> str:
        """The hash that the next change of this name gives as its base; "" for nothing."""
        return "" if self.value is None else digest(canonical(self.value))

    @property
    def shown_value(self) -> JsonObject | None:
        """The value as answers and journals show it: a contract's schema text stays on ``bus.control``."""
        if self.kind != "contract" or self.value is None:
            return self.value
        return {name: item for name, item in self.value.items() if name != "schema"}


@dataclass(frozen=True, slots=True)
class Registry:
    """Everything in force at control number ``number``."""

    genesis: Genesis
    built_in: Mapping[str, Contract]
    number: int = 0
    lanes: Mapping[str, str] = field(default_factory=lambda: {OPERATORS_LANE: "", DESK_LANE: ""})
    lanes_ever: frozenset[str] = frozenset({OPERATORS_LANE, DESK_LANE})
    agents: Mapping[str, Agent] = field(default_factory=dict)
    agent_lanes: Mapping[str, str] = field(default_factory=dict)
    persons: Mapping[str, Person] = field(default_factory=dict)
    contracts: Mapping[str, Contract] = field(default_factory=dict)
    contract_revisions: Mapping[str, Contract] = field(default_factory=dict)
    terms: Mapping[str, Terms] = field(default_factory=dict)
    suspended: Mapping[str, JsonObject] = field(default_factory=dict)
    revs: Mapping[tuple[str, str], int] = field(default_factory=dict)
    hashes: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def apply(self, change: Change) -> "Registry":
        """The registry after ``change``; a change that is not the next one leaves it as it is."""
        if change.number != self.number + 1:
            return self
        named = (change.kind, change.name)
        hashes = _with(self.hashes, named, change.value_hash or None)
        base = replace(self, number=change.number, revs={**self.revs, named: change.rev}, hashes=hashes)
        match change.kind:
            case "lane":
                principal = None if change.value is None else str(change.value["principal"])
                lanes = _with(self.lanes, change.name, principal)
                ever = self.lanes_ever if principal is None else self.lanes_ever | {change.name}
                return replace(base, lanes=lanes, lanes_ever=ever)
            case "agent":
                return _with_agent(base, change)
            case "person":
                return replace(base, persons=_with(self.persons, change.name, _person(change)))
            case "contract":
                return _with_contract(base, change)
            case "terms":
                terms = terms_from_json(change.value, change.rev) if change.value is not None else None
                return replace(base, terms=_with(self.terms, change.name, terms))
            case _:
                select = change.value["select"] if change.value is not None else None
                return replace(base, suspended=_with(self.suspended, change.name, select))

    def next_change(self, kind: str, name: str, value: JsonObject | None) -> Change:
        """Number the change that would come now."""
        return Change(self.number + 1, kind, name, self.revs.get((kind, name), 0) + 1, value)

    def contract(self, message_type: str) -> Contract | None:
        """The contract in force for a type, or None."""
        return self.built_in.get(message_type) or self.contracts.get(message_type)

    def contract_by_ref(self, ref: str) -> Contract | None:
        """A contract by ``type@revision``, in force or not: messages are read by the revision they were judged by."""
        found = self.contract_revisions.get(ref)
        if found is None:
            found = self.built_in.get(ref.partition("@")[0])
        return found if found is not None and found.ref == ref else None

    def is_registered(self, source: str) -> bool:
        """May this id speak at all?"""
        return source in self.agents or source in self.persons or self._is_genesis_steward(source)

    def roles(self, source: str) -> frozenset[str]:
        """The roles of an agent or a person; none if it is not registered."""
        if source in self.agents:
            return self.agents[source].roles
        if source in self.persons:
            return self.persons[source].roles
        return frozenset(STEWARD_ROLES) if self._is_genesis_steward(source) else frozenset()

    def owns(self, person: str, agent: str) -> bool:
        """Does this person answer for the agent, by what is set of either?"""
        known, owner = self.persons.get(person), self.agents.get(agent)
        return (known is not None and agent in known.owns) or (owner is not None and owner.owner == person)

    def lane_of(self, source: str) -> str:
        """The lane to answer an agent on (its last one, if it is no longer registered), "" if it never had one."""
        return self.agent_lanes.get(source, "")

    def suspension_of(self, source: str) -> str:
        """The name of the suspension that stops this agent ("" if none does; persons are never suspended)."""
        if not self.suspended or "/person/" in source:
            return ""
        for name in ("all", f"agent/{source}", *(f"role/{role}" for role in sorted(self.roles(source)))):
            if name in self.suspended:
                return name
        return ""

    def has_role(self, role: str) -> bool:
        """Does any person have this role?"""
        everybody = {*self.persons, *self.genesis.stewards}
        return any(role in self.roles(person) for person in everybody)

    def _is_genesis_steward(self, source: str) -> bool:
        return source in self.genesis.stewards and ("person", source) not in self.revs


def suspension_name(select: JsonObject) -> str:
    """``agent/<id>``, ``role/<name>`` or ``all``: the name a selection is kept under."""
    if "agent" in select:
        return f"agent/{select['agent']}"
    return f"role/{select['role']}" if "role" in select else "all"


def _with(mapping: Mapping[K, V], key: K, value: V | None) -> Mapping[K, V]:
    rest = {k: v for k, v in mapping.items() if k != key}
    return rest if value is None else {**rest, key: value}


def _with_agent(base: Registry, change: Change) -> Registry:
    value = change.value
    if value is None:
        return replace(base, agents=_with(base.agents, change.name, None))
    agent = Agent(change.name, value["lane"], frozenset(value["roles"]), value.get("owner", ""))
    agents, lanes = {**base.agents, agent.id: agent}, {**base.agent_lanes, agent.id: agent.lane}
    return replace(base, agents=agents, agent_lanes=lanes)


def _person(change: Change) -> Person | None:
    value = change.value
    if value is None:
        return None
    queues, owns = tuple(value.get("queues", ())), tuple(value.get("owns", ()))
    return Person(change.name, frozenset(value["roles"]), queues, owns)


def _with_contract(base: Registry, change: Change) -> Registry:
    if change.value is None:
        return replace(base, contracts=_with(base.contracts, change.name, None))
    contract = contract_from_json(change.value, change.rev)
    revisions = {**base.contract_revisions, contract.ref: contract}
    return replace(base, contracts={**base.contracts, change.name: contract}, contract_revisions=revisions)
