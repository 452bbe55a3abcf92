"""Says what to do about each reason, in a sentence that an agent which can only read may act on."""

from bus.core.decision.reasons import ArbiterReason, GateReason
from bus.core.decision.wants import WantedFact, Wants, roles_in_words, value_in_words, values_in_words

_ADVICE: dict[str, str] = {
    GateReason.TOO_LARGE: "Put the content where it can be fetched and send a reference to it instead",
    GateReason.BAD_ENVELOPE: "Correct the headers that are named and send the message again",
    GateReason.RESERVED_HEADER: "Leave out every header whose name begins with bus- or __connect.errors",
    GateReason.UNKNOWN_SENDER: "Stop: this agent is not registered; ask a steward to run `agentbus agents set`",
    GateReason.WRONG_LANE: "Send on the lane for which the agent is registered: give Bus(lane=…) that name",
    GateReason.SUSPENDED: "Stop acting: an operator has suspended this agent; wait until it is resumed",
    GateReason.DUPLICATE: "Do nothing: the same message was there before, and its first answer counts",
    GateReason.ID_REUSE: "Send it again under a new id: this one belongs to another message",
    GateReason.STALE: "Correct the clock of this machine, then send the message again",
    GateReason.EXPIRED: "Decide whether it still matters; if so send it again with a later expiry",
    GateReason.UNKNOWN_CONTRACT: "Check the spelling and the version of the type; its owner may have to apply it first",
    GateReason.SCHEMA_MISMATCH: "Encode the body in the format of the contract, with no foreign schema id",
    GateReason.BAD_PAYLOAD: "Send a body that is plain, valid JSON: no doubled keys, no huge integers, no deep nesting",
    GateReason.SCHEMA_VIOLATION: "Correct each place that is named, keep the rest, and send it again",
    GateReason.RULE_VIOLATION: "Change the values so that the rule's sentence holds, and send it again",
    GateReason.SUBJECT_MISMATCH: "Name the subject whose id is in the body, and send guarded actions with lease.act",
    GateReason.NOT_ALLOWED: "Leave this to an agent with the right role, or ask a steward for that role",
    GateReason.STALE_BASE: "Read the value that is in force now, look at what changed, and decide again",
    GateReason.POISON: "Do not send it again; give this record to the people who run the bus",
    ArbiterReason.UNKNOWN_RESOURCE: "Check the part of the subject before the slash: no terms are set for that type",
    ArbiterReason.FENCED: "Stop acting on it: the token is over; claim again before doing anything more",
    ArbiterReason.FROZEN: "Leave it alone: a person decides about it; work on something else until it is unfrozen",
    ArbiterReason.ALREADY_CLAIMED: "Send nothing more: wait for the answer to the claim, or the wait, that stands",
    ArbiterReason.COOLING: "Leave it alone for now: it is kept for somebody, or rests after its last holder",
    ArbiterReason.HELD: "Do not act on it: another agent holds it; work on something else meanwhile",
    ArbiterReason.STAGE: "Wait until the role that owns the missing fact has stated it, then claim again",
    ArbiterReason.CONTEST_FULL: "Work on something else: this contest takes no more claims, so look when it is over",
    ArbiterReason.LATE: "What it refers to is over; claim again before doing anything more",
    ArbiterReason.CONTEST_CLOSED: "Do nothing: no such contest is open any more",
    ArbiterReason.NOT_YOUR_TURN: "Wait until the bus asks for it: speak when a vote, or a turn of yours, begins",
    ArbiterReason.NOT_A_SEAT: "Leave the decision to those who sit in this contest, and accept what they decide",
    ArbiterReason.NOT_A_PERSON: "Leave this to a person: agents cannot decide cases",
    ArbiterReason.STALE_REV: "Read the case again: it has changed; then decide on what it says now",
    ArbiterReason.WINNER_UNAVAILABLE: "Read the case again and choose somebody else: this candidate cannot be given it",
    ArbiterReason.WAIT_TOO_LONG: "Wait for less time than the terms allow, or release it to the agent you wait for",
    ArbiterReason.HOLD_OVERFLOW: "Stop acting on it until those who review have decided on what waits there already",
    ArbiterReason.HOLD_EXPIRED: "Ask a person whether it still matters: nobody has decided in time; then do it anew",
    ArbiterReason.RULED_OUT: "Do not do it: those who judge have decided against it; look for another way",
    ArbiterReason.VETOED: "Do not do it: a role with a veto forbids it; meet its reason before anything like it",
    ArbiterReason.LOST: "Leave it to the winner and work on something else; do not claim it again for the same work",
    ArbiterReason.UNRESOLVED: "Do not repeat it unchanged: it needs a review or a person; take a smaller step or ask",
}
_UNKNOWN = "Do not repeat it unchanged; the reference of reasons explains it, or a person can"


def advice_on(reason: str, retry_after_ms: int | None = None, wants: Wants | None = None) -> str:
    """One sentence without its full stop; with ``retry_after_ms`` it says when another try may help.

    With ``wants``, what a failed claim lacked, it names the fact and its values, or the roles.
    """
    sentence = _ADVICE.get(reason, _UNKNOWN) if wants is None else _advice_to_get(wants)
    if retry_after_ms is None:
        return sentence
    return f"{sentence}; try again {in_words(retry_after_ms)}"


def _advice_to_get(wants: Wants) -> str:
    if isinstance(wants, WantedFact):
        is_so = "not known" if wants.is_ is None else value_in_words(wants.is_)
        stated = f"whoever owns the fact {wants.fact} has stated it as {values_in_words(wants)}"
        return f"Wait until {stated} (it is {is_so}), then claim again"
    return f"Leave this to an agent with {roles_in_words(wants, 'or')}, or ask a steward for that role"


def in_words(duration_ms: int) -> str:
    """A duration as people say it, from now on."""
    if duration_ms <= 0:
        return "now"
    if duration_ms < 120_000:
        return f"in {duration_ms / 1000:.1f} s"
    return f"in {duration_ms // 60_000} min"
