"""Says in plain sentences why a gate forwarded a message, refused it, or said that it was there before."""

import re
from dataclasses import dataclass

from bus.audit.decisions import GateDecision
from bus.audit.lookup import Lookup
from bus.audit.plain import Clock, name_of, printable
from bus.audit.why_suspended import why_suspended
from bus.core.decision.reasons import GateReason
from bus.core.policy.control import Registry

_PLAIN = {
    GateReason.TOO_LARGE: "the message is larger than the bus takes",
    GateReason.BAD_ENVELOPE: "the headers that say who speaks and about what are not as they must be",
    GateReason.RESERVED_HEADER: "it carries a header that only the bus may write",
    GateReason.UNKNOWN_SENDER: "nobody is registered under the id it names",
    GateReason.STALE: "its time is too far from the broker's: the sender's clock is wrong, or the message is old",
    GateReason.EXPIRED: "when it arrived it was void, as its sender had asked for",
    GateReason.UNKNOWN_CONTRACT: "no contract is in force for messages of this type",
    GateReason.SCHEMA_MISMATCH: "its content type, or the schema it names, is not the contract's",
    # tidy: ok a name on the wire
    GateReason.BAD_PAYLOAD: "its body cannot be read as JSON, or as Avro, in the form the bus takes",
    GateReason.SCHEMA_VIOLATION: "its body breaks the schema of the contract",
    GateReason.RULE_VIOLATION: "its body breaks a rule of the contract that goes across fields",
    GateReason.SUBJECT_MISMATCH: "what it is about is missing, or is not what its body says, or the token is missing",
    GateReason.NOT_ALLOWED: "the contract does not let any role of this sender send it",
    GateReason.STALE_BASE: "somebody had changed this since, or there was no such thing to lift",
    GateReason.POISON: "judging this record had ended the stage twice, so it was refused without another look",
}

_TOLD = frozenset({GateReason.UNKNOWN_SENDER, GateReason.UNKNOWN_CONTRACT, GateReason.POISON})
_EPOCH_MS = re.compile(r"\b1[0-9]{12}\b")


@dataclass(frozen=True, slots=True)
class GateSituation:
    """A decision of a gate with what was in force there, and the decision it repeats, if it does."""

    decision: GateDecision
    lookup: Lookup
    registry: Registry
    first: GateDecision | None
    clock: Clock


def why_gate(found: GateSituation) -> list[str]:
    """The sentences."""
    row, said = found.decision.row, found.decision.said
    if row.verdict == "forwarded":
        return [f"its form is right, {name_of(row.source)} may send it on this lane, and it keeps to its contract"]
    if row.reason == GateReason.DUPLICATE:
        return [f"the same message was there before{_first(found)}: that decision stands, and nothing happened again"]
    match row.reason:
        case GateReason.ID_REUSE:
            return [f"its id was used for another message{_first(found)}; a new message needs a new id"]
        case GateReason.WRONG_LANE:
            return [_wrong_lane(found)]
        case GateReason.SUSPENDED:
            return [why_suspended(found.lookup, found.registry, row.source, found.clock)]
        case _:
            plain = _PLAIN.get(GateReason(row.reason), "the gate said no")
            # Violations are told one by one, and these reasons leave nothing to add.
            is_told = bool(said.violations) or said.detail in ("", row.reason) or row.reason in _TOLD
            return [plain] if is_told else [plain, _dated(printable(said.detail), found.clock)]


def _dated(text: str, clock: Clock) -> str:
    """The text with its times as the reader wants them."""
    return _EPOCH_MS.sub(lambda time: clock(int(time[0])), text)


def _first(found: GateSituation) -> str:
    if found.first is None:
        return ""
    return f", at {found.clock(found.first.row.at)} as {found.first.id}"


def _wrong_lane(found: GateSituation) -> str:
    source, lane = found.decision.row.source, found.decision.lane
    own = found.registry.lane_of(source)
    if "/person/" in source:
        return f"{name_of(source)} is a person, and people send on lanes operators and desk, not on {lane}"
    return f"{name_of(source)} is registered on lane {own}, and the message came on lane {lane}"
