"""A case opens, changes and closes: in between nothing moves on its subject but what the case allows."""

from bus.core.contest.contest import HUMAN
from bus.core.decision.contest_events import (
    CaseChanged,
    CaseClosed,
    CaseKind,
    CaseOpened,
    CaseWhy,
    Frozen,
    RungReached,
)
from bus.core.log.records import digest
from bus.core.policy.terms import Terms
from bus.core.state.cases import Case
from bus.core.steps.unfolding import Unfolding, agents_of

KIND_OF: dict[str, CaseKind] = {"claims": "claims", "review": "approval", "question": "question"}


def concerned(u: Unfolding) -> list[str]:
    """Whom a freeze and its end concern: the holder, and who can still win."""
    holding = u.resource.holding
    return [*(one.agent for one in u.resource.parties), *([holding.agent] if holding else [])]


def open_case(u: Unfolding, over: CaseKind, why: CaseWhy, terms: Terms, *also: str) -> str:
    """A person decides from here on, and the subject is frozen. Returns the case's id; ``also`` are told of it."""
    tiers = terms.escalate.tiers_ms
    due = u.moment.later + tiers[0] if tiers else None
    if u.resource.contest:
        reached = RungReached(u.contest.id, HUMAN, due or u.moment.later)
        u.say(reached, *agents_of(u.contest))
    case = u.ahead()
    u.say(CaseOpened(case, over, why, terms.escalate.queue, due), *_sender(u))
    u.say(Frozen(case), *concerned(u), *also)
    return case


def case_of_contest(u: Unfolding, why: CaseWhy) -> None:
    """The open contest becomes a case."""
    contest = u.contest
    open_case(u, KIND_OF[contest.over], why, contest.terms)


def change_case(u: Unfolding, case: Case, *, does_move: bool) -> None:
    """A new edition of the case file; ``does_move``: what a ruling covers is not what it was, so ``rev`` rises."""
    changed = CaseChanged(
        case.id,
        case.file_n + 1,
        case.rev + does_move,
        case.state,
        case.tier,
        case.due,
        case.is_overdue or None,
        case.person or None,
        case.reserved_until or None,
    )
    u.say(changed, *_sender(u))


def close_case(u: Unfolding, *, ruling: str = "", reason: str = "", candidate: str = "") -> Case:
    """The case is over: a person (the sender) ruled, or nothing is left to rule on. The thaw is another event."""
    case = u.resource.case
    assert case is not None
    if ruling:
        hashed = digest(reason.encode())
        u.say(
            CaseClosed(
                *(case.id, case.file_n + 1, case.rev, "closed"),
                *(ruling, u.source, hashed, candidate or None),
            ),
            *_sender(u),
        )
    else:
        u.say(CaseClosed(case.id, case.file_n + 1, case.rev, "obsolete"), *_sender(u))
    return case


def _sender(u: Unfolding) -> tuple[str, ...]:
    return (u.source,) if u.source else ()
