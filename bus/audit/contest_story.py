"""Puts the story of a contest together: everything from its opening to its end, and what its case did in between.

    contest_opened .. joined .. rung, turn, voted, offered .. [case_opened .. case_closed] .. settled .. what followed

What is sealed stays sealed: before the close it counts ballots and names no choice and no offer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bus.audit.case_end import quoted, reason_given, undone, why_without_ruling, words_of
from bus.audit.contest_parts import candidates_told, case_told, held_told, rules_told, seats_told
from bus.audit.contest_sentences import claimant, no_result, why_won
from bus.audit.contest_told import ContestTold, HeldTold, PassedTold, State
from bus.audit.decisions import ArbiterDecision, Link
from bus.audit.lookup import Lookup, decision_at
from bus.audit.plain import Clock
from bus.audit.right_before import contest_before, passed_before, resource_before, with_suspended
from bus.core.contest.contest import Candidate, Contest
from bus.core.decision.contest_events import CaseClosed, CaseOpened, ContestOpened, RungReached, Settled
from bus.core.decision.events import What

TOLD_MAX = 120  # decisions that are told one by one: 64 claims, their seats and a case; more nobody reads
FOLLOWED_MAX = 5
CONTESTS_MAX = 5  # of a subject: the last ones
NO_END = 1 << 62
PARTIES_MAX = 2  # of a wait: who waited, and for whom
# Of an open contest, what its voters and parties alone have said so far.
_SEALED = {"voted": ("choice", "reason", "confidence", "reasoning_hash"), "offered": ("outcome", "move")}


@dataclass(frozen=True, slots=True)
class _Ends:
    """The decisions that open and end a contest and its case, as far as there are any."""

    opening: ArbiterDecision
    contest: Contest | None
    settled: ArbiterDecision | None
    case_opened: ArbiterDecision | None
    case_closed: ArbiterDecision | None

    @property
    def last(self) -> ArbiterDecision | None:
        """The decision that ended all of it; None while it goes on."""
        ends = [one for one in (self.settled, self.case_closed) if one]
        if not ends or (self.contest and not self.settled) or (self.case_opened and not self.case_closed):
            return None
        return max(ends, key=lambda one: (one.entry.o, one.event.n if one.event else 0))


def contest_of(lookup: Lookup, found: ArbiterDecision) -> str:
    """The contest that a decision belongs to, else its case; "" for neither."""
    event = found.event
    if event is None or not event.subject:
        return ""
    if isinstance(event.what, ContestOpened):
        return found.id
    if named := getattr(event.what, "contest", None):
        return str(named)
    for one in found.entry.events:
        if isinstance(one.what, Settled) and one.subject == event.subject:
            return one.what.contest
    case = getattr(event.what, "case", None)
    if case is None and event.what.kind in ("denied", "refused"):
        return ""
    opened = decision_at(lookup, str(case)) if case else None
    before = resource_before(lookup, opened or found)
    if before.contest is not None:
        return before.contest.id
    return str(case or (before.case.id if before.case else ""))


def told_contest(lookup: Lookup, identifier: str, clock: Clock) -> ContestTold | None:
    """The story of the contest, or of the case that no contest came before; None if the journals have no such id."""
    opening = decision_at(lookup, identifier)
    if opening is None or opening.event is None or not isinstance(opening.event.what, ContestOpened | CaseOpened):
        return None
    ends = _ends(lookup, opening)
    contest, subject = ends.contest, opening.subject
    links, left_out = _links(lookup, ends)
    settled = ends.settled.event.what if ends.settled and ends.settled.event else None
    names = _names(lookup, ends)
    what = opening.event.what
    case = case_told(lookup, ends.case_opened, ends.case_closed, names, clock)
    held = held_told(lookup, subject, opening, ends.last)
    is_settled = isinstance(settled, Settled)
    return ContestTold(
        contest=contest.id if contest else "",
        subject=subject,
        over=what.over,
        state=_state(ends),
        terms=contest.terms.ref if contest else "",
        ladder=contest.ladder if contest else (),
        rung=contest.rung_name if contest else "human",
        opened=opening.entry.time_ms,
        deadline=contest.deadline if contest and not contest.case and not is_settled else None,
        bound=what.bound if isinstance(what, ContestOpened) else None,
        rules=rules_told(contest, what, clock),
        candidates=candidates_told(contest, links, names) if contest else (),
        seats=seats_told(contest) if contest else (),
        received=sum(1 for seat in seats_told(contest) if seat.has_voted) if contest else 0,
        ballots=settled.ballots if isinstance(settled, Settled) else (),
        passed=_passed(lookup, links, is_sealed=not is_settled),
        winner=settled.winner if isinstance(settled, Settled) else "",
        by=settled.by if isinstance(settled, Settled) else "",
        tally=dict(settled.tally) if isinstance(settled, Settled) else {},
        why=_why(lookup, ends, settled, held),
        case=case,
        held=held,
        told=links if is_settled else [unsealed(link) for link in links],
        told_left_out=left_out,
        followed=_followed(lookup, ends),
        names=names,
        question=words_of(lookup, opening, "question") if what.over == "question" else "",
    )


def unsealed(link: Link) -> Link:
    """The event without what is sealed until the close."""
    hidden = _SEALED.get(str(link.event.get("kind")), ())
    return replace(link, event={name: value for name, value in link.event.items() if name not in hidden})


def seal_open(lookup: Lookup, subject: str, links: Sequence[Link]) -> list[Link]:
    """Links on a subject, those of a contest that is still open without what is sealed."""
    contest = lookup.present(subject).resource.contest
    return [unsealed(link) if contest and link.event.get("contest") == contest.id else link for link in links]


def contests_on(lookup: Lookup, subject: str) -> list[str]:
    """The last contests on a subject, and the cases that no contest came before; the newest last."""
    where = "subject = ? AND kind IN ('contest_opened', 'case_opened')"
    links = lookup.linked(where, (subject,), limit=CONTESTS_MAX, newest_first=True)
    found = [decision_at(lookup, link.decision) for link in reversed(links)]
    return list(dict.fromkeys(contest_of(lookup, one) for one in found if one))


def _ends(lookup: Lookup, opening: ArbiterDecision) -> _Ends:
    assert opening.event is not None
    subject = opening.subject
    if isinstance(opening.event.what, CaseOpened):
        return _Ends(opening, None, None, opening, _first(lookup, subject, "case_closed", opening.id))
    settled = _first(lookup, subject, "settled", opening.id)
    contest = contest_before(lookup, settled) if settled else lookup.present(subject).resource.contest
    if contest is not None and settled is None:
        contest = with_suspended(contest, lookup.index.present_registry())
    case = _case_within(lookup, opening, settled)
    return _Ends(opening, contest, settled, case, _first(lookup, subject, "case_closed", case.id) if case else None)


def _case_within(lookup: Lookup, opening: ArbiterDecision, settled: ArbiterDecision | None) -> ArbiterDecision | None:
    """The case that a contest became: the one that opened between its own two ends."""
    assert opening.event is not None
    until = settled.entry.o if settled else NO_END
    place = (opening.subject, opening.entry.o, opening.entry.o, opening.event.n, until)
    where = "subject = ? AND kind = 'case_opened' AND (o > ? OR (o = ? AND n > ?)) AND o <= ?"
    found = lookup.linked(where, place, limit=1)
    opened = decision_at(lookup, found[0].decision) if found else None
    if opened is None or (settled and _place(opened) > _place(settled)):
        return None
    return opened


def _place(found: ArbiterDecision) -> tuple[int, int]:
    return found.entry.o, found.event.n if found.event else 0


def _first(lookup: Lookup, subject: str, kind: str, ref: str) -> ArbiterDecision | None:
    found = lookup.linked("subject = ? AND kind = ? AND ref = ?", (subject, kind, ref), limit=1)
    return decision_at(lookup, found[0].decision) if found else None


def _links(lookup: Lookup, ends: _Ends) -> tuple[list[Link], int]:
    """Every decision on the subject from the opening to the record that ended it, and how many are left out."""
    assert ends.opening.event is not None
    opening, last = ends.opening, ends.last
    first_n = 0 if isinstance(ends.opening.event.what, CaseOpened) else ends.opening.event.n
    place = (opening.subject, opening.entry.o, opening.entry.o, first_n, last.entry.o if last else NO_END)
    where = "subject = ? AND (o > ? OR (o = ? AND n >= ?)) AND o <= ?"
    count = lookup.count(where, place)
    begun = lookup.linked(where, place, limit=TOLD_MAX // 2)
    ended = lookup.linked(where, place, limit=TOLD_MAX // 2, newest_first=True)
    known = {link.decision for link in begun}
    links = [*begun, *(link for link in reversed(ended) if link.decision not in known)]
    return links, count - len(links)


def _passed(lookup: Lookup, links: Sequence[Link], *, is_sealed: bool) -> list[PassedTold]:
    """The rungs that had no result, each found by walking the contest on from how it stood."""
    found: list[PassedTold] = []
    for link in links:
        if link.event["kind"] not in (RungReached.kind, Settled.kind):
            continue
        decision = decision_at(lookup, link.decision)
        contest = contest_before(lookup, decision) if decision else None
        if decision is None or contest is None:
            continue
        found += [
            PassedTold(
                one.rung,
                link.at,
                one.why,
                {} if is_sealed else dict(one.tally),
                no_result(contest, one, is_sealed=is_sealed),
            )
            for one in passed_before(lookup, decision)
        ]
    return found


def _why(lookup: Lookup, ends: _Ends, settled: What | None, held: Sequence[HeldTold]) -> list[str]:
    """By which rule it was settled; of what a person ruled, why, and what did not come of it."""
    contest, closed = ends.contest, ends.case_closed
    ruled = closed.event.what.ruling if closed and closed.event and isinstance(closed.event.what, CaseClosed) else ""
    but = undone(held, ruled or "")
    if contest is None or not isinstance(settled, Settled):
        return [but] if but else []
    if closed is not None and (without := why_without_ruling(lookup, closed)):
        return [without]
    told = why_won(contest, settled.winner, settled.by, dict(settled.tally), settled.outcome)
    if settled.by != "ruling":
        return [told]
    return [f"{told}{quoted(reason_given(lookup, closed))}", *([but] if but else [])]


def _names(lookup: Lookup, ends: _Ends) -> dict[str, str]:
    """Whom the ids of the candidates stand for; of a case without a contest, those who joined it."""
    if ends.contest:
        return {one.id: claimant(one) for one in ends.contest.candidates if one.agent}
    where, of = "subject = ? AND kind = 'joined' AND o = ?", ends.opening
    joined = lookup.linked(where, (of.subject, of.entry.o), limit=PARTIES_MAX)
    named = [(link.decision, str(link.event["agent"]), str(link.event["claim"])) for link in joined]
    return {identifier: claimant(Candidate(identifier, agent, claim)) for identifier, agent, claim in named}


def _state(ends: _Ends) -> State:
    if ends.last is not None:
        closed = ends.case_closed.event.what if ends.case_closed and ends.case_closed.event else None
        return "closed" if isinstance(closed, CaseClosed) else "settled"
    return "case" if ends.case_opened else "open"


def _followed(lookup: Lookup, ends: _Ends) -> list[Link]:
    """What came next on the subject, after the record that ended it."""
    if ends.last is None:
        return []
    where = "subject = ? AND o > ? AND kind IN ('ended', 'granted', 'contest_opened', 'case_opened', 'action_admitted')"
    return lookup.linked(where, (ends.last.subject, ends.last.entry.o), limit=FOLLOWED_MAX)
