"""Says in plain sentences why a case opened, changed and closed, and why somebody waits or no longer does."""

from bus.audit.case_end import quoted, reason_given, why_without_ruling
from bus.audit.contest_sentences import candidate_name
from bus.audit.plain import lasting, name_of
from bus.audit.situation import Situation
from bus.audit.why_actions import over_limit
from bus.core.contest.ballots import standing_veto
from bus.core.decision.contest_events import CaseChanged, CaseClosed, CaseOpened, Frozen, Unfrozen, WaitEnded, Waiting
from bus.core.state.cases import Case

RESERVE = "bus.case.reserve.v1"
WAIT_OVER = {
    "resumed": "who waited goes on",
    "expired": "it lasted until the time that was said, so a person is told who waits for whom",
    "released": "who waited gave back what it held",
    "revoked": "an operator took away what the waiting agent held",
    "superseded": "another agent has what the waiting one held",
    "ruled": "a person gave what the waiting agent held to another one",
    "suspended": "the waiting agent was suspended",
}
NO_RUNG = "no rung of its ladder settled it, and the last one is a person"
ONLY_A_PERSON = "its ladder has no other rung than a person"
RULED = {
    "award": "the candidate that was named gets it",
    "reject_all": "no candidate gets it: whoever held it keeps it",
    "approve": "what is held goes out, if nothing stands against it now",
    "reject": "what is held is not done",
}


def why_case(found: Situation, what: Frozen | Unfrozen | CaseOpened | CaseChanged | CaseClosed) -> list[str]:
    """The sentences on one event of a case."""
    match what:
        case CaseOpened():
            return [*_opened(found, what), _tiers(found, what)]
        case Frozen():
            frozen = "while a person decides nobody else gets it, its holder keeps it, and what it sends is held"
            return [f"case {what.case} was opened: {frozen}"]
        case Unfrozen():
            stood = f"; the lease had stood still and ends at {found.clock(what.until)}" if what.until else ""
            return [f"case {what.case} is over, so the resource moves again{stood}"]
        case CaseChanged():
            return _changed(found, what)
        case CaseClosed():
            return _closed(found, what)


def _opened(found: Situation, what: CaseOpened) -> list[str]:
    contest = found.contest
    match what.why:
        case "over_limit":
            held = found.resource.held
            return [over_limit(held[0].cost if held else None, contest.terms if contest else found.terms)]
        case "veto":
            veto = standing_veto(contest) if contest else None
            if veto is None:
                return ["a veto asked for a person"]
            ballot, terms = veto
            named = f"{name_of(ballot.agent)} rejected it because {ballot.reason}"
            return [f"{named}: for role {terms.role} that is a veto, and the terms then ask for a person"]
        case "wait":
            return ["a holder waited for longer than it had said it would: a person has to look at it"]
        case _:
            passed = found.passed()
            return [*passed, NO_RUNG if passed else ONLY_A_PERSON]


def _tiers(found: Situation, what: CaseOpened) -> str:
    queue = f"persons of queue {what.queue}" if what.queue else "nobody, for the terms name no queue,"
    if what.due is None:
        return f"{queue} may rule on it; it has no time to be ruled by"
    return f"{queue} may rule on it; if nobody has by {found.clock(what.due)}, it goes up to its next tier"


def _changed(found: Situation, what: CaseChanged) -> list[str]:
    before = found.resource.case
    if before is None:
        return ["the case has a new edition"]
    return [_change(found, before, what), _edition(before, what)]


def _change(found: Situation, before: Case, what: CaseChanged) -> str:
    person = name_of(what.person or "")
    if what.person and what.person != before.person:
        until = f"{person} reserved it until {_end(found, what)}: nobody else rules until then"
        return f"{until}; {name_of(before.person)} had it, and may no longer rule" if before.person else until
    if what.person and found.entry.type == RESERVE:
        return f"{person} said again that it is reserved, which prolongs nothing: it is until {_end(found, what)}"
    if before.person and not what.person:
        over = "the reservation was over" if found.entry.verdict == "tick" else "the reservation was given back"
        return f"{over}: {name_of(before.person)} had it"
    if what.overdue and not before.is_overdue:
        return "nobody ruled within its last tier: it is overdue, and stays frozen"
    if what.tier != before.tier:
        due = f", due at {found.clock(what.due)}" if what.due else ""
        return f"nobody ruled within tier {before.tier + 1}: it is in tier {what.tier + 1} now{due}"
    if what.rev == before.rev:
        return "a ballot came in that a person should see"
    return "what a ruling would cover is not what it was: a claim, a held action or the holder is gone, or is new"


def _end(found: Situation, what: CaseChanged) -> str:
    return found.clock(what.reserved_until or 0)


def _edition(before: Case, what: CaseChanged) -> str:
    if what.rev == before.rev:
        return f"a ruling on revision {what.rev} still counts"
    return f"its revision is {what.rev} now: a ruling on an older one is refused"


def _closed(found: Situation, what: CaseClosed) -> list[str]:
    if what.state == "obsolete":
        return [why_without_ruling(found.lookup, found.decision)]
    contest, case = found.contest, found.resource.case
    person = name_of(what.person or "")
    to = f": {candidate_name(contest, what.candidate)}" if contest and what.candidate else ""
    since = f" after {lasting(max(0, found.entry.time_ms - case.opened))}" if case else ""
    asked = f"{person} may rule on it, owns none of its agents, and named its revision {what.rev}"
    reason = reason_given(found.lookup, found.decision)
    gave = [f"the reason that {person} gave{quoted(reason)}"] if reason else []
    return [asked, f"{person} ruled {what.ruling}{to}{since}: {RULED.get(what.ruling or '', '')}", *gave]


def why_wait(found: Situation, what: Waiting | WaitEnded) -> list[str]:
    """The sentences on a wait that begins or ends."""
    match what:
        case Waiting():
            longest = f"the terms allow {lasting(found.terms.wait_max_ms)}" if found.terms else "the terms allow it"
            return [f"{name_of(what.agent)} holds it and says until when it waits: {longest}"]
        case WaitEnded():
            return [WAIT_OVER.get(what.reason, f"it ended: {what.reason}")]
