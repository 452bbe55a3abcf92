"""What of an entry leaves the bus (wire.md section 6): everybody's copy of an event, and each lane's."""

from __future__ import annotations

from tests.contests.oracle.log import Json

# Sealed until the close: these stand in the journal only.
SEALED = {
    "voted": ("choice", "reason", "confidence", "reasoning_hash"),
    "offered": ("outcome",),
}
CASE_FIELDS = ("n", "kind", "subject", "to", "case", "state")


def public(event: Json) -> Json:
    """An event as `bus.outcomes` has it: without what is sealed; of a case only that it is there, and its state."""
    if event["kind"] in ("case_opened", "case_changed", "case_closed"):
        return {name: event[name] for name in CASE_FIELDS if name in event}
    hidden = SEALED.get(event["kind"], ())
    return {name: value for name, value in event.items() if name not in hidden}


def for_lanes(event: Json) -> dict[str, Json]:
    """An event as each concerned lane has it: `to` names only that lane's own."""
    lanes = sorted({lane for lane, _ in event["to"]})
    shown = public(event)
    return {lane: {**shown, "to": [pair for pair in event["to"] if pair[0] == lane]} for lane in lanes}
