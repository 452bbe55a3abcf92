"""Every reason the bus gives for saying no, in the order in which the stages look for them."""

from enum import StrEnum


class _Reason(StrEnum):
    """A reason with what it means and what its receiver can do: one sentence or two each, for people and for agents.

    docs/reference/reasons.md is made from these texts, and the client says them; nobody may depend on their wording.
    """

    meaning: str
    advice: str

    def __new__(cls, code: str, meaning: str = "", advice: str = "") -> "_Reason":
        """A member is its code; the texts hang on it."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.meaning, member.advice = meaning, advice
        return member


class GateReason(_Reason):
    """Why the gate refuses a message; the first that applies, in this order, is given.

    ``duplicate`` stands in the list because its place matters, yet it is a verdict and no refusal.
    """

    TOO_LARGE = (
        "too_large",
        "The value is over 65,536 bytes, or there are more than 64 headers or 8,192 bytes of them.",
        "Store the content elsewhere and send a reference to it.",
    )
    BAD_ENVELOPE = (
        "bad_envelope",
        "A required header is missing, doubled, unknown (`ce_…`) or not of its form.",
        "Correct the headers that the violations name, and send it with a new id.",
    )
    RESERVED_HEADER = (
        "reserved_header",
        "A header is named `bus-…` or `__connect.errors…`, which are the bus's own.",
        "Leave that header out.",
    )
    UNKNOWN_SENDER = (
        "unknown_sender",
        "`ce_source` is registered as no agent or person.",
        "Check the id; if it is right, a steward registers it: `agentbus agents set`.",
    )
    WRONG_LANE = (
        "wrong_lane",
        "The sender is registered for another lane. It is charged to the lane, never to the sender it names.",
        "Send on the lane the agent is registered for: `agentbus agents ls` shows it.",
    )
    SUSPENDED = (
        "suspended",
        "An operator has suspended the agent, a role of it, or all agents.",
        "Stop; nothing you send counts until an operator resumes you: `agentbus agents ls` shows by what.",
    )
    DUPLICATE = (
        "duplicate",
        "No refusal: the same message was there before; the answer names the first decision (`of`).",
        "Nothing: the first answer counts.",
    )
    ID_REUSE = (
        "id_reuse",
        "The id was used for another message within 330 s.",
        "Send it with a new `ce_id`: one id for one message, and the same again only to repeat it.",
    )
    STALE = (
        "stale",
        "`ce_time` is more than 300 s behind or 30 s ahead of the broker. The answer names the skew.",
        "Correct the sender's clock, and send it with a new time.",
    )
    EXPIRED = (
        "expired",
        "`ce_expirytime` had passed when the message arrived.",
        "Send it anew if it still matters, with a later expiry.",
    )
    UNKNOWN_CONTRACT = (
        "unknown_contract",
        "No contract is in force for `ce_type`.",
        "Check the type (`agentbus contracts ls`); a new one is put in force by a steward: `agentbus contracts apply`.",
    )
    SCHEMA_MISMATCH = (
        "schema_mismatch",
        "Content type, or a registry's schema id, does not belong to the contract.",
        "Encode the body as the contract says: `agentbus contracts show TYPE`.",
    )
    BAD_PAYLOAD = (  # tidy: ok a name on the wire
        "bad_payload",  # tidy: ok a name on the wire
        "The body is empty, no UTF-8 JSON, nested deeper than 32, has a doubled key or an integer beyond 2^53-1.",
        "Mend what writes the body: the violation says where it breaks.",
    )
    SCHEMA_VIOLATION = (
        "schema_violation",
        "The body breaks the contract's schema.",
        "Correct every path that the violations name, and send it with a new id.",
    )
    RULE_VIOLATION = (
        "rule_violation",
        "The body breaks a rule across its fields, or a change names something that is not there.",
        "The rule says what it wants in its owner's words: correct that, and send it with a new id.",
    )
    SUBJECT_MISMATCH = (
        "subject_mismatch",
        "`ce_subject` is missing, foreign or not what the contract's key says; or a guarded action carries no token.",
        "Name `<resource type>/<id>` with the id that the body has; put the token of your grant into `ce_bustoken`.",
    )
    NOT_ALLOWED = (
        "not_allowed",
        "The sender has none of the roles that may do this.",
        "Do not try again; ask a steward for the role, or leave it to somebody who has it.",
    )
    STALE_BASE = (
        "stale_base",
        "Somebody changed this name since; or there is no such suspension to lift.",
        "Read the current value, decide again, and send it with that value's hash.",
    )
    POISON = (
        "poison",
        "Judging this record killed the stage twice; it is refused without another look.",
        "Do not send it again; report it with the record, which stands on `bus.refused`.",
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
        GateReason.SUSPENDED.advice,
    )
    EXPIRED = (
        "expired",
        "`ce_expirytime` passed between the gate and here.",
        GateReason.EXPIRED.advice,
    )
    UNKNOWN_RESOURCE = (
        "unknown_resource",
        "No terms are in force for this resource type.",
        "Check the subject (`agentbus terms ls`); a steward puts terms in force: `agentbus terms set`.",
    )
    FENCED = (
        "fenced",
        "The token is not the current one; the answer carries both (`current` 0: nobody holds).",
        "Stop acting on it at once: you do not hold it any more. Claim again if you still want it.",
    )
    COOLING = (
        "cooling",
        "The resource is kept for a named agent, or its lock delay runs. `retry_after` says until when.",
        "Claim again after `retry_after`.",
    )
    HELD = (
        "held",
        "Another agent holds it. `retry_after` is the end of its lease.",
        "Claim again after `retry_after`, or ask the holder to release it to you; do something else meanwhile.",
    )
    STAGE = (
        "stage",
        "A fact that the terms demand is missing, too old or another one. Unknown is not true.",
        "Wait until the role that owns the fact has stated it: `agentbus terms show` names the fact.",
    )
    NOT_ALLOWED = (
        "not_allowed",
        "The terms let only certain roles claim or ask here, and the sender has none of them.",
        GateReason.NOT_ALLOWED.advice,
    )
    LATE = (
        "late",
        "It came at or after the deadline; or it names nothing that is known (any more).",
        "Do not repeat it; claim again if you still want the resource.",
    )
    CONTEST_CLOSED = (
        "contest_closed",
        "No such contest is open on this subject.",
        "Nothing: it is decided, or it never was.",
    )
    NOT_A_PERSON = (
        "not_a_person",
        "Cases are ruled by persons, and the sender is an agent.",
        "Leave it to a person.",
    )
    WAIT_TOO_LONG = (
        "wait_too_long",
        "The wait is longer than the terms allow.",
        "Wait in shorter steps, or release the resource to somebody who needs it now.",
    )
    UNRESOLVED = (
        "unresolved",
        "The act needs a review, a vote or a person, and this engine has none of them yet. It is never admitted.",
        "Do not try again; have a person settle it outside the bus, or propose something below the limit.",
    )


_ADVICE: dict[str, str] = {reason.value: reason.advice for reason in (*ArbiterReason, *GateReason)}


def advice_of(reason: str) -> str:
    """What the receiver of this reason can do, "" for one this version does not know."""
    return _ADVICE.get(reason, "")
