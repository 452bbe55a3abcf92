"""Says in plain sentences why a held action had to wait, and why it was let go or not done."""

from dataclasses import replace

from bus.audit.case_end import quoted, reason_given
from bus.audit.contest_sentences import why_won
from bus.audit.plain import lasting, name_of
from bus.audit.situation import Situation
from bus.core.decision.contest_events import ActionHeld, ActionRefused, CaseClosed
from bus.core.decision.events import ActionAdmitted
from bus.core.policy.terms import Terms

NOT_DONE = {
    "fenced": "the token of the action is not the current one any more",
    "expired": "its sender had asked for it to be void by then",
    "suspended": "its agent was suspended",
    "hold_expired": "nobody had decided on it within the time that the terms give a held action",
    "not_allowed": "its sender has no role any more that may send it",
    "unresolved": "its case ended without a person deciding on it",
}


def why_held(found: Situation, what: ActionHeld) -> list[str]:
    """Why an action waits, and what it waits for."""
    subject, terms = found.before.subject, found.terms
    waits = f"it is kept until {found.clock(what.until)} at most, then refused"
    if what.contest:
        reason = f"the contract {what.type} asks for a review: contest {what.contest}"
    elif found.before.resource.case:
        reason = f"{subject} is frozen by case {found.before.resource.case.id}: whatever the ruling is, it covers this"
    elif what.case:
        reason = over_limit(what.cost, terms)
    elif found.before.resource.held:
        reason = "another action on it is held already: they are looked at one after the other"
    else:
        reason = "a contest is open on it: the action is looked at when that is over"
    return [reason, waits]


def over_limit(cost: int | None, terms: Terms | None) -> str:
    """The sentence on an action that costs too much to pass without a person."""
    limit = terms.freeze_above_cost if terms else None
    if cost is None or limit is None:
        return "it costs more than the terms let pass without a person"
    return f"it costs {cost}, and the terms let nothing over {limit} pass without a person"


def why_not_done(found: Situation, what: ActionRefused) -> list[str]:
    """Why a held action is refused after all."""
    decided = _decided(found)
    plain = NOT_DONE.get(what.reason)
    return [*decided, plain] if plain else decided or ["it was decided against"]


def why_released(found: Situation, what: ActionAdmitted) -> list[str]:
    """Why a held action goes out: who decided so, and that nothing stands against it now."""
    waited = f"it was held as {what.held} for {_waited(found, what.held)}"
    checked = (
        f"{name_of(what.agent)} still holds {found.before.subject} under token {what.token}, and may still send it"
    )
    return [waited, *_decided(found), checked]


def _waited(found: Situation, held: str) -> str:
    p, o = (int(part) for part in held.split(".")[1:3])
    earlier = found.lookup.arbiter(p, o, None)
    return lasting(max(0, found.entry.time_ms - earlier.entry.time_ms)) if earlier else "a while"


def _decided(found: Situation) -> list[str]:
    """Who decided on what is held: a vote, a veto, or a person's ruling on the case."""
    event = found.decision.event
    for earlier in found.entry.events[: event.n if event else 0]:
        if isinstance(earlier.what, CaseClosed) and earlier.what.ruling:
            said = quoted(reason_given(found.lookup, replace(found.decision, event=earlier)))
            ruled = f"{name_of(earlier.what.person or '')} ruled {earlier.what.ruling} on case {earlier.what.case}"
            return [f"{ruled}{said}"]
    settled = found.settled()
    if settled is None:
        return []
    contest, ended = settled
    return [why_won(contest, ended.winner, ended.by, dict(ended.tally), ended.outcome)]
