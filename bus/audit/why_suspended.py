"""Says by whom and when an agent was suspended, in the same words wherever it matters."""

from bus.audit.decisions import Setting
from bus.audit.lookup import Lookup
from bus.audit.plain import Clock, name_of
from bus.core.policy.control import SUSPENDED, Registry


def why_suspended(lookup: Lookup, registry: Registry, agent: str, clock: Clock) -> str:
    """The sentence on an agent that was suspended by what was in force in the registry."""
    name = registry.suspension_of(agent)
    rule = lookup.in_force.setting(SUSPENDED, name, up_to=registry.number) if name else None
    return f"{name_of(agent)} was suspended" + (f": {who_suspended(rule, clock)}" if rule else "")


def who_suspended(rule: Setting, clock: Clock) -> str:
    """``ana had suspended role sales at 10:00:00``."""
    kind, _, who = rule.name.partition("/")
    whom = "all agents" if rule.name == "all" else f"{kind} {name_of(who)}"
    return f"{name_of(rule.source)} had suspended {whom} at {clock(rule.at)}"
