"""Says who spoke and how that is known: by the lane a message came on, and whose that lane is."""

from typing import Literal

from bus.audit.explanation import Who
from bus.audit.lookup import Lookup
from bus.audit.plain import name_of
from bus.core.decision.reasons import SENDER_NOT_KNOWN, GateReason
from bus.core.policy.control import Registry

UNSIGNED = "messages are not signed yet"
NOT_IN_JOURNALS = "whether Kafka lets nobody else write there is not in the journals (`agentbus acls check`)"


def speaker(lookup: Lookup, registry: Registry, source: str, lane: str, reason: str) -> Who:
    """Who sent a message on that lane, by what is in force; ``reason`` is the gate's, if it refused."""
    kind: Literal["agent", "person", "unknown"] = "unknown"
    if source:
        kind = "person" if "/person/" in source else "agent"
    principal = registry.lanes.get(lane, "")
    agent = registry.agents.get(source)
    return Who(
        id=source,
        kind=kind,
        lane=lane,
        principal=principal,
        registered_lane=agent.lane if agent else "",
        roles=tuple(sorted(registry.roles(source))),
        owner=agent.owner if agent else "",
        registered=lookup.in_force.setting(kind, source, up_to=registry.number),
        sentence=_verified(registry, source, lane, reason),
        has_authorizer=lookup.index.source.has_authorizer(),
    )


def the_bus() -> Who:
    """A tick: no one outside has said anything."""
    sentence = "the bus itself, when the broker's own time had come"
    return Who("", "bus", "", "", "", (), "", None, sentence)


def _verified(registry: Registry, source: str, lane: str, reason: str) -> str:
    principal = registry.lanes.get(lane, "")
    whose = f"belongs to the Kafka principal {principal}" if principal else "belongs to people"
    by = f"lane {lane} {whose}; {NOT_IN_JOURNALS}"
    name = name_of(source)
    if not source:
        return f"not at all: who speaks could not be read; {by}"
    if reason in SENDER_NOT_KNOWN and reason != GateReason.WRONG_LANE:
        return f"not at all: the message calls itself {name}; {by}"
    if reason == GateReason.WRONG_LANE:
        return f"not at all: {name} does not belong on this lane; {by}"
    if "/person/" in source:
        return f"by the lane, where people speak: {by}; {UNSIGNED}"
    return f"by the lane, where {name} is registered: {by}; {UNSIGNED}"
