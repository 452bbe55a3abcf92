"""What came of a case in the record that closed it: who ruled and why, for whom it concerns, and how it ended.

All of it follows from the events beside each other in one entry, and from the record that ruled.
"""

from collections.abc import Mapping
from typing import Any

from bus.core.decision.contest_events import ActionRefused, CaseClosed
from bus.core.decision.entries import Entry
from bus.core.decision.events import ActionAdmitted, Event
from bus.core.decision.reasons import ArbiterReason as Why
from bus.core.log.records import Record
from bus.core.message.excerpts import Said, cut_utf8
from bus.core.outputs.edition import Edition
from bus.core.policy.contracts import JsonObject
from bus.core.state.resource import Resource

RULING_REASON_BYTES_MAX = 512  # with each answer; the case file has the whole of it
# What a ruling brings about, and says to somebody; an action that goes out behind a ruling on claims is no part of it.
FOLLOWS = frozenset(
    {"case_closed", "settled", "unfrozen", "granted", "confirmed", "ended", "wait_ended", "denied", "action_refused"}
)
FOLLOWS_APPROVAL = FOLLOWS | {"action_admitted"}
NOBODY_RULED, HOLD_OVER, NOTHING_LEFT, RULED = "nobody_ruled", "hold_expired", "nothing_left", "ruled"


def told_with_ruling(entry: Entry, records: Mapping[int, Record]) -> dict[int, JsonObject]:
    """By the numbers of the events that follow from a person's ruling: who ruled, and the reason that was given."""
    closed = next((one for one in entry.events if isinstance(one.what, CaseClosed) and one.what.ruling), None)
    if closed is None or not isinstance(closed.what, CaseClosed):
        return {}
    reason = cut_utf8(Said(records.get(entry.o)).text("reason"), RULING_REASON_BYTES_MAX)
    told = {"ruled_by": closed.what.person or ""} | ({"ruling_reason": reason} if reason else {})
    return {one.n: told for one in entry.events[closed.n :] if _follows(closed.what, one)}


def _follows(closed: CaseClosed, event: Event) -> bool:
    is_of_actions = closed.ruling in ("approve", "reject")
    if isinstance(event.what, ActionRefused):
        return is_of_actions or event.what.reason == Why.FENCED
    return event.what.kind in (FOLLOWS_APPROVAL if is_of_actions else FOLLOWS)


def how_it_ended(entry: Entry, event: Event, before: Resource) -> str:
    """`ruled`, or why a case ended without a ruling: nobody ruled in time, or nothing was left; "" of an open one.

    ``before`` is the subject right before the event.
    """
    case = before.case
    if not isinstance(event.what, CaseClosed) or case is None:
        return ""
    if event.what.ruling:
        return RULED
    last = next((one for one in entry.events if one.n == event.n - 1), None)
    if last and isinstance(last.what, ActionRefused) and last.what.reason == Why.HOLD_EXPIRED:
        return HOLD_OVER
    has_passed = entry.verdict == "tick" and case.due is not None and case.due <= entry.now
    is_empty = case.over in ("claims", "wait") and not before.parties
    return NOBODY_RULED if has_passed and not is_empty else NOTHING_LEFT


def became(edition: Edition) -> dict[str, JsonObject]:
    """What the record that closed a case made of each held action, by the decision that held it."""
    found: dict[str, JsonObject] = {}
    if not isinstance(edition.what, CaseClosed):
        return found
    for event in edition.entry.events[edition.event.n :]:
        what = event.what
        if isinstance(what, ActionAdmitted) and event.subject == edition.subject:
            found[what.held] = {"became": "admitted"}
        elif isinstance(what, ActionRefused) and event.subject == edition.subject:
            found[what.held] = {"became": "refused", "refused_as": what.reason}
    return found


def moot(edition: Edition) -> dict[str, Any]:  # Any: JSON
    """Of an open case about actions: why none of them can be done any more, whatever the ruling; {} while one can."""
    held, token = edition.resource.held, edition.resource.token
    is_over = edition.is_open and edition.case.over == "approval" and held and all(one.token != token for one in held)
    return {"moot": str(Why.FENCED)} if is_over else {}


def closing_decision(edition: Edition) -> str:
    """The id of the decision that closed the case, "" of an open one."""
    if edition.is_open:
        return ""
    gen, p = edition.case.id.split(".")[:2]
    return f"{gen}.{p}.{edition.entry.o}.{edition.event.n}"
