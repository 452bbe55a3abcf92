"""Every reason the bus gives for saying no, in the order in which the stages look for them."""

from enum import StrEnum


class _Reason(StrEnum):
    """A reason with what it means, for people; docs/reference/reasons.md is made from it.

    What to do about it is advice to an agent and stands with the client, in `bus.client.advice`.
    """

    meaning: str

    def __new__(cls, code: str, meaning: str = "") -> "_Reason":
        """A member is its code; the text hangs on it."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member


class GateReason(_Reason):
    """Why the gate refuses a message; the first that applies, in this order, is given.

    ``duplicate`` stands in the list because its place matters, yet it is a verdict and no refusal.
    """

    TOO_LARGE = (
        "too_large",
        "The value is over 65,536 bytes, or there are more than 64 headers or 8,192 bytes of them.",
    )
    BAD_ENVELOPE = (
        "bad_envelope",
        "A required header is missing, doubled, unknown (`ce_…`) or not of its form.",
    )
    RESERVED_HEADER = (
        "reserved_header",
        "A header is named `bus-…` or `__connect.errors…`, which are the bus's own.",
    )
    UNKNOWN_SENDER = (
        "unknown_sender",
        "`ce_source` is registered as no agent or person.",
    )
    WRONG_LANE = (
        "wrong_lane",
        "The sender is registered for another lane. It is charged to the lane, never to the sender it names.",
    )
    SUSPENDED = (
        "suspended",
        "An operator has suspended the agent, a role of it, or all agents.",
    )
    DUPLICATE = (
        "duplicate",
        "No refusal: the same message was there before; the answer names the first decision (`of`).",
    )
    ID_REUSE = (
        "id_reuse",
        "The id was used for another message within 330 s.",
    )
    STALE = (
        "stale",
        "`ce_time` is more than 300 s behind or 30 s ahead of the broker. The answer names the skew.",
    )
    EXPIRED = (
        "expired",
        "`ce_expirytime` had passed when the message arrived.",
    )
    UNKNOWN_CONTRACT = (
        "unknown_contract",
        "No contract is in force for `ce_type`.",
    )
    SCHEMA_MISMATCH = (
        "schema_mismatch",
        "Content type, or a registry's schema id, does not belong to the contract.",
    )
    BAD_PAYLOAD = (  # tidy: ok a name on the wire
        "bad_payload",  # tidy: ok a name on the wire
        "The body is empty, no UTF-8 JSON, nested deeper than 32, has a doubled key or an integer beyond 2^53-1.",
    )
    SCHEMA_VIOLATION = (
        "schema_violation",
        "The body breaks the contract's schema.",
    )
    RULE_VIOLATION = (
        "rule_violation",
        "The body breaks a rule across its fields, or a change names something that is not there.",
    )
    SUBJECT_MISMATCH = (
        "subject_mismatch",
        "`ce_subject` is missing, foreign or not what the contract's key says; or a guarded action carries no token.",
    )
    NOT_ALLOWED = (
        "not_allowed",
        "The sender has none of the roles that may do this.",
    )
    STALE_BASE = (
        "stale_base",
        "Somebody changed this name since; or there is no such suspension to lift.",
    )
    POISON = (
        "poison",
        "Judging this record killed the stage twice; it is refused without another look.",
    )


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


class ArbiterReason(_Reason):
    """Why the arbiter refuses or denies an act; the first that applies, in this order, is given."""

    SUSPENDED = (
        "suspended",
        "As at the gate, but as of this moment in the partition's order.",
    )
    EXPIRED = (
        "expired",
        "`ce_expirytime` passed between the gate and here.",
    )
    UNKNOWN_RESOURCE = (
        "unknown_resource",
        "No terms are in force for this resource type.",
    )
    FENCED = (
        "fenced",
        "The token is not the current one; the answer carries both (`current` 0: nobody holds).",
    )
    FROZEN = (
        "frozen",
        "A person decides on the resource; when that is over, `unfrozen` is public.",
    )
    ALREADY_CLAIMED = (
        "already_claimed",
        "The agent has a claim in this contest, or a wait on this resource, already.",
    )
    COOLING = (
        "cooling",
        "It is kept for another, its lock delay runs, or the agent has lost a challenge: until `retry_after`.",
    )
    HELD = (
        "held",
        "Another agent holds it, or a contest is open on it. `retry_after` is the end of the lease.",
    )
    STAGE = (
        "stage",
        "A fact that the terms demand is missing, too old or another one. Unknown is not true.",
    )
    NOT_ALLOWED = (
        "not_allowed",
        "The sender has no role that may; or the choice, offer or ruling cannot be made here, or not by this sender.",
    )
    CONTEST_FULL = (
        "contest_full",
        "The contest has 64 claims.",
    )
    LATE = (
        "late",
        "It came at or after the deadline; or it names nothing that is known (any more).",
    )
    CONTEST_CLOSED = (
        "contest_closed",
        "No such contest is open on this subject, or it takes no more claims.",
    )
    NOT_YOUR_TURN = (
        "not_your_turn",
        "No ballots, or no offers of this agent, are taken at this moment of the contest.",
    )
    NOT_A_SEAT = (
        "not_a_seat",
        "The agent sits on no seat of the contest, or has a stake in it.",
    )
    NOT_A_PERSON = (
        "not_a_person",
        "Cases are ruled by persons, and the sender is an agent.",
    )
    STALE_REV = (
        "stale_rev",
        "The case has changed since the revision that the ruling names: read it again.",
    )
    WINNER_UNAVAILABLE = (
        "winner_unavailable",
        "The candidate is gone, suspended, has no role any more that may hold it, or no terms are left to grant it by.",
    )
    WAIT_TOO_LONG = (
        "wait_too_long",
        "The wait is longer than the terms allow.",
    )
    HOLD_OVERFLOW = (
        "hold_overflow",
        "32 actions are held on this resource already.",
    )
    HOLD_EXPIRED = (
        "hold_expired",
        "Nobody decided on the held action within the terms' `hold_ms`.",
    )
    RULED_OUT = (
        "ruled_out",
        "A vote or a person decided against it.",
    )
    VETOED = (
        "vetoed",
        "A role with a veto rejected it for a reason that the terms list.",
    )
    LOST = (
        "lost",
        "Another claim won the contest; `by` says by which rung, `winner` which candidate.",
    )
    UNRESOLVED = (
        "unresolved",
        "Nothing settled it: the ladder, or the case, ended without a winner; or it asks for what cannot be judged.",
    )
