"""Every reason the bus gives for saying no, in the order in which the stages look for them."""

from enum import StrEnum


class GateReason(StrEnum):
    """Why the gate refuses a message; the first that applies, in this order, is given.

    ``duplicate`` stands in the list because its place matters, yet it is a verdict and no refusal.
    """

    TOO_LARGE = "too_large"
    BAD_ENVELOPE = "bad_envelope"
    RESERVED_HEADER = "reserved_header"
    UNKNOWN_SENDER = "unknown_sender"
    WRONG_LANE = "wrong_lane"
    SUSPENDED = "suspended"
    DUPLICATE = "duplicate"
    ID_REUSE = "id_reuse"
    STALE = "stale"
    EXPIRED = "expired"
    UNKNOWN_CONTRACT = "unknown_contract"
    SCHEMA_MISMATCH = "schema_mismatch"
    BAD_PAYLOAD = "bad_payload"  # tidy: ok a name on the wire
    SCHEMA_VIOLATION = "schema_violation"
    RULE_VIOLATION = "rule_violation"
    SUBJECT_MISMATCH = "subject_mismatch"
    NOT_ALLOWED = "not_allowed"
    STALE_BASE = "stale_base"
    POISON = "poison"


# A row with one of these leaves no trace in the memory of ids: the sender is not known for sure, or may send again.
NOT_REMEMBERED: frozenset[str] = frozenset(
    {
        GateReason.TOO_LARGE,
        GateReason.BAD_ENVELOPE,
        GateReason.RESERVED_HEADER,
        GateReason.UNKNOWN_SENDER,
        GateReason.WRONG_LANE,
        GateReason.SUSPENDED,
        GateReason.DUPLICATE,
        GateReason.ID_REUSE,
        GateReason.STALE,
        GateReason.EXPIRED,
    }
)

# Before the sender is known, an answer is addressed to the lane alone.
SENDER_NOT_KNOWN: frozenset[str] = frozenset(
    {
        GateReason.TOO_LARGE,
        GateReason.BAD_ENVELOPE,
        GateReason.RESERVED_HEADER,
        GateReason.UNKNOWN_SENDER,
        GateReason.WRONG_LANE,
    }
)


class ArbiterReason(StrEnum):
    """Why the arbiter refuses or denies an act; the first that applies, in this order, is given."""

    SUSPENDED = "suspended"
    EXPIRED = "expired"
    UNKNOWN_RESOURCE = "unknown_resource"
    FENCED = "fenced"
    COOLING = "cooling"
    HELD = "held"
    STAGE = "stage"
    NOT_ALLOWED = "not_allowed"
    LATE = "late"
    CONTEST_CLOSED = "contest_closed"
    NOT_A_PERSON = "not_a_person"
    WAIT_TOO_LONG = "wait_too_long"
    UNRESOLVED = "unresolved"
