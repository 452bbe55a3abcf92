"""Says what is under way on a resource: its contest or case, held actions, who waits, who may not challenge yet."""

import time
from collections.abc import Iterator

from bus.audit.plain import lasting, name_of
from bus.cli.contest_words import CASES_WHY
from bus.cli.words import clock
from bus.core.contest.bound import bound_ms
from bus.core.contest.contest import Contest
from bus.core.state.cases import Case, Wait
from bus.core.state.resource import Resource
from resolvers import RESOLVERS

OVER = {"claims": "contest", "review": "review of a held action", "question": "question"}


def until_text(until_ms: int) -> str:
    """How long until then, by this machine's clock."""
    left_ms = until_ms - int(time.time() * 1000)
    return f"in {lasting(left_ms)}" if left_ms >= 0 else f"over since {lasting(-left_ms)}"


def lease_text(resource: Resource) -> str:
    """How long the lease still runs; while a person decides it stands still."""
    return "stands still" if resource.case or not resource.holding else until_text(resource.holding.until)


def under_way(resource: Resource) -> list[str]:
    """A sentence for each thing that is under way."""
    contest, case, held = resource.contest, resource.case, resource.held
    sentences = [_case(case)] if case else [_contest(contest)] if contest else []
    if held:
        many = "1 action is held" if len(held) == 1 else f"{len(held)} actions are held"
        first = min(held, key=lambda one: one.until)
        sentences.append(f"{many}, the first of them until {_when(first.until)}")
    if resource.wait:
        sentences.append(_wait(resource.wait))
    for agent, until in sorted(resource.cooldowns.items()):
        sentences.append(f"{name_of(agent)} may not challenge again before {clock(until)}")
    return sentences


def in_short(resource: Resource) -> str:
    """The same in a cell of a table, the most pressing first."""
    return ", ".join(_short(resource)) or "–"


def _short(resource: Resource) -> Iterator[str]:
    contest, case = resource.contest, resource.case
    if case:
        due = "overdue" if case.due is None else f"due {clock(case.due)}"
        yield f"case of {case.escalate.queue or 'no queue'} {due}"
    elif contest:
        bound = contest.opened + bound_ms(contest.terms, contest.over, RESOLVERS)
        yield f"{contest.rung_name or 'window'} until {clock(contest.deadline)}, bound {clock(bound)}"
    if resource.held:
        yield f"{len(resource.held)} held"
    if resource.wait:
        yield f"waits for {_whom(resource.wait)}"
    if resource.cooldowns:
        yield f"{len(resource.cooldowns)} cooling"


def _when(at_ms: int) -> str:
    return f"{clock(at_ms)} ({until_text(at_ms)})"


def _contest(contest: Contest) -> str:
    bound = clock(contest.opened + bound_ms(contest.terms, contest.over, RESOLVERS))
    rung = f"on rung {contest.rung_name}" if contest.rung_name else "in its window"
    count = _counted(contest)
    until = f"until {_when(contest.deadline)}; a winner or a case by {bound} at the latest"
    return f"{OVER[contest.over]} {contest.id} is {rung}{count} {until}"


def _counted(contest: Contest) -> str:
    """How many compete; what they, or the seats, have said so far is sealed."""
    if contest.hears == "ballots":
        seats = [seat for seat in contest.electorate.seats if seat.has_vote]
        return f" (ballots from {len({one.seat for one in contest.ballots})} of {len(seats)} seats)"
    if contest.hears == "offers":
        return f" (turn {contest.turn.number} of {contest.turns_max})"
    count = "1 candidate" if len(contest.live) == 1 else f"{len(contest.live)} candidates"
    return f" ({count})" if contest.over == "claims" else ""


def _case(case: Case) -> str:
    why = CASES_WHY.get(case.why, case.why)
    due = "overdue" if case.due is None else f"tier {case.tier + 1}, due {_when(case.due)}"
    person = f"; reserved by {name_of(case.person)} until {clock(case.reserved_until)}" if case.person else ""
    queue = f"queue {case.escalate.queue}" if case.escalate.queue else "no queue"
    return f"frozen since {clock(case.opened)} by case {case.id} ({why}), {queue}, {due}{person}"


def _wait(wait: Wait) -> str:
    return f"{name_of(wait.agent)} waits for {_whom(wait)} until {_when(wait.until)}"


def _whom(wait: Wait) -> str:
    return name_of(wait.whom) if "/agent/" in wait.whom else wait.whom
