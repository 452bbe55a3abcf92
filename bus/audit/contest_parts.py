"""The parts of a contest's story: its rules, its candidates, its seats, its case, the actions that were held."""

from collections.abc import Mapping, Sequence

from bus.audit.case_end import quoted, reason_given, why_without_ruling, words_of
from bus.audit.contest_sentences import ladder_in_words, method_in_words, place_of
from bus.audit.contest_told import CandidateTold, CaseTold, HeldTold, SeatTold
from bus.audit.decisions import ArbiterDecision, Link
from bus.audit.lookup import Lookup, decision_at
from bus.audit.plain import Clock, lasting, name_of
from bus.core.contest.ballots import standing_ballot
from bus.core.contest.contest import Candidate, Contest
from bus.core.decision.contest_events import CaseClosed, CaseOpened, ContestOpened, WaitEnded, Waiting
from bus.core.policy.terms import Terms

HELD_TOLD_MAX = 32  # no more are held at once
NO_END = 1 << 62
HEARD = {
    "granted": "it won, and was given it",
    "confirmed": "it kept what it held",
    "withdrawn": "its agent took it back",
    "lost": "it lost",
    "unresolved": "nobody won",
    "vetoed": "a veto ended it for all",
    "ruled_out": "a person ruled for nobody",
    "suspended": "its agent was suspended",
    "not_allowed": "its agent may not claim any more",
    "ended": "its agent no longer held",
    "superseded": "it held, and lost",
    "ruled": "it held, and a person gave it to another agent",
}


def rules_told(contest: Contest | None, opened: ContestOpened | CaseOpened, clock: Clock) -> list[str]:
    """By what it was to be settled, and by when."""
    if contest is None or isinstance(opened, CaseOpened):
        return []
    terms = contest.terms
    # No longer than it takes every role that may claim: then nobody is left to wait for.
    sooner = " at most, less if every role that may claim had claimed" if terms.claimants and terms.window_ms else ""
    window = f"claims were collected for {lasting(terms.window_ms)}{sooner}; " if opened.over == "claims" else ""
    rules = [f"{window}then {ladder_in_words(contest)}" if window else ladder_in_words(contest)]
    rules[0] = f"terms {terms.resource} revision {terms.revision}: {rules[0]}"
    rules.append(f"a winner or a case by {clock(opened.bound)} at the latest")
    if "vote" in contest.ladder and contest.electorate.seats:
        rules.append(f"vote: {method_in_words(terms.vote)}")
    for veto in terms.veto:
        then = "a person then decides" if veto.then == "human" else "nobody then gets it"
        rules.append(f"veto: role {veto.role} may reject because of {', '.join(veto.reasons)}; {then}")
    return rules


def candidates_told(contest: Contest, links: Sequence[Link], names: Mapping[str, str]) -> list[CandidateTold]:
    """Everybody and everything that could win, in the order of the log, with what each heard."""
    return [_candidate(contest.terms, one, links, names) for one in contest.candidates]


def _candidate(terms: Terms, one: Candidate, links: Sequence[Link], names: Mapping[str, str]) -> CandidateTold:
    heard, sentence = _heard(one, links, names) if one.agent else ("", "")
    rank = terms.rank(one.roles)
    priority = rank + 1 if one.agent and rank < len(terms.priority) else None
    place = place_of(terms, one) if one.agent else ""
    told = "; ".join(part for part in (place, sentence) if part)
    return CandidateTold(one.id, one.agent, one.claim, tuple(sorted(one.roles)), priority, heard, told)


def _heard(one: Candidate, links: Sequence[Link], names: Mapping[str, str]) -> tuple[str, str]:
    """What the agent of a claim was told in the end: the last event that speaks of it."""
    for link in reversed(links):
        event = link.event
        if event.get("agent") != one.agent or event.get("claim", one.claim) != one.claim:
            continue
        kind = str(event["kind"])
        if kind in ("granted", "confirmed", "withdrawn"):
            return kind, HEARD[kind]
        if kind in ("denied", "ended"):
            reason = str(event["reason"])
            sentence = HEARD.get(reason, f"it heard {reason}")
            to = names.get(str(event.get("winner", "")), "")
            return reason, f"{sentence} to {to} by {event['by']}" if to else sentence
    return one.dropped, HEARD.get(one.dropped, "")


def seats_told(contest: Contest) -> list[SeatTold]:
    """Who could vote or veto, and from which seats a ballot stands."""
    return [
        SeatTold(seat.name, seat.agents, seat.weight, seat.has_vote, standing_ballot(contest, seat) is not None)
        for seat in contest.electorate.seats
    ]


def case_told(
    lookup: Lookup,
    opened: ArbiterDecision | None,
    closed: ArbiterDecision | None,
    names: Mapping[str, str],
    clock: Clock,
) -> CaseTold | None:
    """The case, as it stands or as it was closed."""
    what = opened.event.what if opened and opened.event else None
    if opened is None or not isinstance(what, CaseOpened):
        return None
    end = closed.event.what if closed and closed.event else None
    ended = end if isinstance(end, CaseClosed) else None
    now = lookup.present(opened.subject).resource.case
    case = now if now and now.id == what.case and not ended else None
    until = closed.entry.time_ms if closed else None
    return CaseTold(
        id=what.case,
        kind=what.over,
        why=what.why,
        queue=what.queue,
        state=ended.state if ended else case.state if case else what.state,
        rev=ended.rev if ended else case.rev if case else what.rev,
        tier=case.tier if case else what.tier,
        due=case.due if case else None if ended else what.due,
        is_overdue=case.is_overdue if case else False,
        frozen_since=opened.entry.time_ms,
        frozen_until=until,
        reserved_by=case.person if case else "",
        reserved_until=case.reserved_until or None if case else None,
        ruling=(ended.ruling or "") if ended else "",
        person=(ended.person or "") if ended else "",
        candidate=(ended.candidate or "") if ended else "",
        reason=reason_given(lookup, closed),
        sentences=[*_waited(lookup, opened, clock), *_sentences(lookup, opened, closed, names, clock)],
    )


def _waited(lookup: Lookup, opened: ArbiterDecision, clock: Clock) -> list[str]:
    """Of a case that a wait brought about: who waited for whom, and what it had said why."""
    for earlier in opened.entry.events[: opened.event.n if opened.event else 0]:
        if isinstance(earlier.what, WaitEnded) and earlier.subject == opened.subject:
            found = decision_at(lookup, earlier.what.wait)
            what = found.event.what if found and found.event else None
            if found is None or not isinstance(what, Waiting):
                return []
            whom = name_of(what.for_) if "://" in what.for_ else what.for_
            said = quoted(words_of(lookup, found, "reason"))
            return [f"{name_of(what.agent)} waited for {whom} until {clock(what.until)}{said}"]
    return []


def _sentences(
    lookup: Lookup, opened: ArbiterDecision, closed: ArbiterDecision | None, names: Mapping[str, str], clock: Clock
) -> list[str]:
    since, what = opened.entry.time_ms, opened.event.what if opened.event else None
    ended = closed.event.what if closed and closed.event else None
    if closed is None or not isinstance(ended, CaseClosed):
        queue = what.queue if isinstance(what, CaseOpened) and what.queue else "(none)"
        return [f"frozen since {clock(since)}; persons of queue {queue} may rule on it"]
    until = closed.entry.time_ms
    frozen = f"frozen from {clock(since)} to {clock(until)} ({lasting(until - since)})"
    if not ended.ruling:
        return [frozen, f"it ended without a ruling: {why_without_ruling(lookup, closed)}"]
    to = f" to {names.get(ended.candidate, ended.candidate)}" if ended.candidate else ""
    said = quoted(reason_given(lookup, closed))
    return [frozen, f"{name_of(ended.person or '')} ruled {ended.ruling}{to}, on its revision {ended.rev}{said}"]


def held_told(lookup: Lookup, subject: str, opening: ArbiterDecision, last: ArbiterDecision | None) -> list[HeldTold]:
    """The actions that were held meanwhile, and what became of each."""
    place = (subject, opening.entry.o, last.entry.o if last else NO_END)
    where = "subject = ? AND kind = 'action_held' AND o >= ? AND o <= ?"
    held = lookup.linked(where, place, limit=HELD_TOLD_MAX)
    return [_held(lookup, subject, link) for link in held]


def _held(lookup: Lookup, subject: str, link: Link) -> HeldTold:
    event = link.event
    where = "subject = ? AND ref = ? AND kind IN ('action_admitted', 'action_refused')"
    end = next(iter(lookup.linked(where, (subject, link.decision), limit=1)), None)
    about = (link.decision, str(event["type"]), str(event["agent"]), event.get("cost"))
    if end is None:
        return HeldTold(*about, "", "", "")
    if end.event["kind"] == "action_admitted":
        return HeldTold(*about, "admitted", "", end.decision)
    return HeldTold(*about, "refused", str(end.event["reason"]), end.decision)
