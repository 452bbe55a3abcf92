"""What leaves the journal: ballots and offers stay sealed in it until the close, and the public sees least.

               in the journal alone                          on ``bus.out`` but not on ``bus.outcomes``
voted          choice, reason, confidence, reasoning_hash
offered        outcome, move
action_held    cost, fact, expiry
turn                                                         standing
case_*                                                       all but the common fields, case and state
"""

from collections.abc import Mapping

from bus.core.policy.contracts import JsonObject

_NONE: frozenset[str] = frozenset()
SEALED: Mapping[str, frozenset[str]] = {
    "voted": frozenset({"choice", "reason", "confidence", "reasoning_hash"}),
    "offered": frozenset({"outcome", "move"}),
    "action_held": frozenset({"cost", "fact", "expiry"}),
}
PRIVATE: Mapping[str, frozenset[str]] = {"turn": frozenset({"standing"})}
COMMON = frozenset({"n", "kind", "subject", "to", "decision", "id", "src", "at"})
_OF_CASES = COMMON | {"case", "state"}
_CASES = frozenset({"case_opened", "case_changed", "case_closed"})


def told_to_lanes(event: JsonObject) -> JsonObject:
    """The event as those hear it whom it concerns."""
    hidden = SEALED.get(event["kind"], _NONE)
    return {name: value for name, value in event.items() if name not in hidden} if hidden else event


def told_to_all(event: JsonObject) -> JsonObject:
    """The event as everybody hears it, on ``bus.outcomes``."""
    if event["kind"] in _CASES:
        return {name: value for name, value in event.items() if name in _OF_CASES}
    hidden = PRIVATE.get(event["kind"], _NONE)
    told = told_to_lanes(event)
    return {name: value for name, value in told.items() if name not in hidden} if hidden else told
