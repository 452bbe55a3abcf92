"""What of an entry leaves the bus (wire.md section 6): everybody's copy of an event, and each lane's."""

from __future__ import annotations

from collections.abc import Mapping

from tests.contests.oracle.log import Json

# Sealed until the close: these stand in the journal only.
SEALED = {
    "voted": ("choice", "reason", "confidence", "reasoning_hash"),
    "offered": ("outcome", "move"),
    "action_held": ("cost", "expiry", "fact"),
}
# What those concerned may read and everybody else may not.
CONFIDENTIAL = {"turn": ("standing",)}
CASE_FIELDS = ("n", "kind", "subject", "to", "case", "state")


def public(event: Json) -> Json:
    """An event as `bus.outcomes` has it: without what is sealed; of a case only that it is there, and its state."""
    if event["kind"] in ("case_opened", "case_changed", "case_closed"):
        return {name: event[name] for name in CASE_FIELDS if name in event}
    return _without(CONFIDENTIAL, _without(SEALED, event))


def for_lanes(event: Json) -> dict[str, Json]:
    """An event as each concerned lane has it: of a case everything; `to` names only that lane's own."""
    lanes = sorted({lane for lane, _ in event["to"]})
    shown = _without(SEALED, event)
    return {lane: {**shown, "to": [pair for pair in event["to"] if pair[0] == lane]} for lane in lanes}


def _without(hidden: Mapping[str, tuple[str, ...]], event: Json) -> Json:
    names = hidden.get(event["kind"], ())
    return {name: value for name, value in event.items() if name not in names}
