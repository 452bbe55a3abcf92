"""Whether an event the bus wrote is the one the tests computed; free text is not compared."""

from __future__ import annotations

from tests.acceptance.wire import Json

# Texts for people are not part of the contract; violations are compared on their own.
NOT_COMPARED = frozenset({"detail", "message", "hint", "violations"})
# Optional fields of a refusal the wire names without saying when: they may be there.
MAY_BE_THERE = {
    "refused": frozenset({"token", "current", "retry_after"}),
    "ended": frozenset({"handover"}),  # an addition: whom the resource is kept for, and until when
    "confirmed": frozenset({"lease_ms", "case"}),  # additions: what the grant pinned, and what freezes it
}


def event_fault(computed: Json, written: Json) -> str:
    """What differs, or "" when the written event is the computed one."""
    allowed = NOT_COMPARED | MAY_BE_THERE.get(str(computed.get("kind")), frozenset())
    for name in written.keys() - computed.keys() - allowed:
        return f"field {name} should not be there ({written[name]!r})"
    for name, value in computed.items():
        if name not in written:
            return f"field {name} is missing, computed {value!r}"
        if not _is_same(name, value, written[name]):
            return f"field {name} is {written[name]!r}, computed {value!r}"
    return ""


def events_fault(computed: list[Json], written: list[Json], *, is_ordered: bool = True) -> str:
    """What differs between two lists of events, or ""."""
    if len(computed) != len(written):
        kinds = [event.get("kind") for event in written]
        return f"{len(written)} events {kinds}, computed {[event['kind'] for event in computed]}"
    if not is_ordered:
        by_token = {event.get("token"): event for event in computed}
        computed = [{**by_token.get(event.get("token"), {}), "n": n} for n, event in enumerate(written)]
    for one, other in zip(computed, written, strict=True):
        fault = event_fault(one, other)
        if fault:
            return f"{other.get('kind')}: {fault}"
    return ""


def _is_same(name: str, computed: Json, written: Json) -> bool:
    if computed is ...:
        return True
    if name == "to" and isinstance(computed, tuple):
        sender, others = computed
        return all(one in written for one in sender) and all(one in sender + others for one in written)
    return bool(computed == written and type(computed) is type(written))
