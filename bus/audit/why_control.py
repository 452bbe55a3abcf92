"""Says what a change of control changed: what was in force before it, and which values are others now."""

from collections.abc import Mapping

from bus.audit.decisions import Setting
from bus.audit.lookup import Lookup
from bus.audit.plain import Clock, listed, name_of, shown
from bus.core.decision.entries import Entry
from bus.core.policy.contracts import JsonObject
from bus.core.policy.control import SUSPENDED

CHANGED_MAX = 8  # values that are told one by one; the two revisions have all of them
VALUE_CHARACTERS_MAX = 60


def why_changed(lookup: Lookup, entry: Entry, p: int, clock: Clock) -> list[str]:
    """The sentences of an entry that brings a change into force in partition ``p``."""
    role = "steward" if entry.type.startswith("bus.control.set.") else "operator"
    sentences = [f"{name_of(entry.source)} has role {role}, and what the change builds on was in force"]
    now = lookup.in_force.control(entry.basis.control) if entry.basis else None
    if now is not None:
        sentences += _compared(lookup, now, clock)
    partitions = len(lookup.in_every_partition(entry.src))
    everywhere = lookup.index.source.genesis.partitions
    return [*sentences, f"from here on it is in force in partition {p}; it is in {partitions} of {everywhere}"]


def _compared(lookup: Lookup, now: Setting, clock: Clock) -> list[str]:
    before = lookup.in_force.setting(now.kind, now.name, up_to=now.number - 1)
    name = f"{now.kind} {name_of(now.name)}"
    if now.kind == SUSPENDED:
        return [] if before is None else [f"the last change of it was made by {_who(before, clock)}"]
    if before is None or before.value is None:
        return [f"no {name} was in force before"]
    told = [f"before it, {name} revision {before.rev} was in force, set by {_who(before, clock)}"]
    changed = _changed(before.value, now.value or {}) if now.value is not None else []
    return told + ([f"it changes {listed(changed)}"] if changed else [])


def _who(setting: Setting, clock: Clock) -> str:
    return f"{name_of(setting.source)} at {clock(setting.at)} ({setting.decision})"


def _changed(before: JsonObject, now: JsonObject) -> list[str]:
    """Each value that is another one: ``lease_ms from 60000 to 120000``."""
    old, new = _flat(before), _flat(now)
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    told = [f"{name} from {_value(old, name)} to {_value(new, name)}" for name in names[:CHANGED_MAX]]
    return [*told, f"{len(names) - CHANGED_MAX} more"] if len(names) > CHANGED_MAX else told


def _flat(value: JsonObject) -> Mapping[str, object]:
    """Its values by name, those of a contract's own part among them."""
    own = value.get("contract")
    inner = own if isinstance(own, dict) else {}
    return {**inner, **{name: item for name, item in value.items() if name != "contract"}}


def _value(values: Mapping[str, object], name: str) -> str:
    if name not in values:
        return "nothing"
    text = shown(values[name])
    return text if len(text) <= VALUE_CHARACTERS_MAX else f"{text[:VALUE_CHARACTERS_MAX]}…"
