"""Faults that somebody could make in the arbiter, planted one at a time: the contests' tests must notice every one.

A fault replaces lines of a function by others. The function keeps its identity and gets other code, so that everybody
who imported it gets the fault as well; afterwards it has its own code again.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bus.core.contest import ballots
from bus.core.outputs import sealed
from bus.core.policy.terms import VetoTerms
from bus.core.state import fold, obstacles, resource
from bus.core.steps import balloting, deadlines, freezing, granting, ruling, settling
from resolvers import priority, vote

Function = Callable[..., Any]  # Any: whatever the function takes and gives


@dataclass(frozen=True, slots=True)
class Change:
    """Lines of a function, and what stands there instead."""

    of: Function
    was: str
    instead: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake, in the words of whoever would suffer from it; `shown_by` is a script that comes out wrong."""

    name: str
    shown_by: str
    changes: tuple[Change, ...]


def _fault(name: str, shown_by: str, *changes: tuple[Function, str, str]) -> Fault:
    return Fault(name, shown_by, tuple(Change(*change) for change in changes))


RELEASE_ALL = "from bus.core.steps.granting import release_held; [release_held(u, one) for one in u.resource.held]"


FAULTS = (
    _fault(
        "a quorum is measured against the ballots, not the seats",
        "vote-quorum",
        (vote.has_quorum, "quorum_bp * len(view.seats)", "quorum_bp * len(view.ballots)"),
    ),
    _fault(
        "a tied vote is broken by the order of names",
        "vote-tie",
        (vote.Vote.resolve, "if len(winners) == 1:", "if winners := sorted(winners):"),
    ),
    _fault(
        "a tied priority is broken by the order of the log",
        "priority-tie",
        (priority.Priority.resolve, "if len(first) == 1 else", "if first else"),
    ),
    _fault(
        "a ballot is late by the last tick, not by its own time",
        "question",
        (balloting.vote, "at=u.moment.at", "at=u.moment.now"),
    ),
    _fault(
        "a renewal is late by the last tick, not by its own time",
        "lease-ends-in-review",
        (resource.check_holder, "moment.at >= holding.until", "moment.now >= holding.until"),
    ),
    _fault(
        "a held action is released although a person rejected it",
        "sanctions-rejected",
        (ruling._decide_actions, "if ruling == APPROVE:", "if ruling:"),
    ),
    _fault(
        "a held action is released although the vote rejected it",
        "review-by-vote",
        (settling._settle_by_vote, 'if result.winner == "approve":', "if result.by == BY_VOTE:"),
    ),
    _fault(
        "a suspended winner is granted the subject",
        "suspended-claimant",
        (obstacles.why_not_granted, "if registry.suspension_of(agent):", "if not agent:"),
    ),
    _fault(
        "a ruling is taken whatever revision it speaks of",
        "case-stale",
        (ruling._case_for, 'elif case.rev != int(message.body["rev"]):', "elif case.rev < 1:"),
    ),
    _fault(
        "two ballots of one seat count twice",
        "vote-replicas",
        (
            ballots.counted_ballots,
            "(standing_ballot(contest, seat) for seat in voting_seats(contest))",
            "(one for one in contest.ballots if _is_valid(contest, one))",
        ),
    ),
    _fault(
        "an agent's second ballot counts beside its first",
        "vote-deadline",
        (
            ballots.counted_ballots,
            "(standing_ballot(contest, seat) for seat in voting_seats(contest))",
            "(one for one in contest.ballots if _is_valid(contest, one))",
        ),
        (ballots.cast, "if one.agent != ballot.agent", "if one.agent"),
    ),
    _fault(
        "the lease clock runs on while the subject is frozen",
        "case-of-a-challenge",
        (resource.dues_of, "elif not resource.case:", "else:"),
    ),
    _fault(
        "a thaw gives no time back",
        "case-expiry-deny",
        (granting.thaw, "max(holding.until, u.moment.later + holding.lease_ms)", "holding.until"),
    ),
    _fault(
        "a case that nobody ruled on approves by itself",
        "sanctions-approved",
        (
            deadlines._pass_tier,
            "change_case(u, replace(case, due=None), does_move=False)",
            f"change_case(u, replace(case, due=None), does_move=False); {RELEASE_ALL}",
        ),
    ),
    _fault(
        "a held action goes when its time has passed",
        "hold-without-decision",
        (
            deadlines._pass_hold,
            "refuse_held(u, action, Why.HOLD_EXPIRED)",
            "from bus.core.steps.granting import release_held; release_held(u, action)",
        ),
    ),
    _fault(
        "priority is read from the claim, not from the terms",
        "challenge-challenger-wins",
        (priority.Priority.resolve, "view.terms.rank(one.roles)", "-(one.lease_ms or 0)"),
    ),
    _fault(
        "a veto stands for any reason",
        "veto-deny",
        (VetoTerms.covers, "return ", "return bool(reason) or "),
    ),
    _fault(
        "a veto cannot be taken back",
        "veto-changed",
        (ballots.cast, "if one.agent != ballot.agent", "if one.agent"),
        (ballots.standing_ballot, "reversed(contest.ballots)", "contest.ballots"),
    ),
    _fault(
        "a suspended voter's ballot counts",
        "vote-suspended",
        (ballots._is_valid, "ballot.agent not in contest.suspended and ", ""),
    ),
    _fault(
        "who challenged in vain may challenge again at once",
        "challenge-holder-wins",
        (fold._settled, "if contest.holder and contest.terms.cooldown_ms:", "if not contest.id:"),
    ),
    _fault(
        "a change of a frozen subject leaves the case's revision",
        "case-challenger-left",
        (freezing.change_case, "case.rev + does_move", "case.rev"),
    ),
)

# These change no decision: what is wrong is what the bus lets out of one.
LEAKS = (
    _fault(
        "a ballot can be read before the close",
        "vote-majority",
        (sealed.told_to_lanes, 'SEALED.get(event["kind"], _NONE)', "_NONE"),
    ),
    _fault(
        "everybody reads which offer stands",
        "negotiate-two",
        (sealed.told_to_all, 'PRIVATE.get(event["kind"], _NONE)', "_NONE"),
    ),
)


@contextmanager
def planted(fault: Fault) -> Iterator[None]:
    """The arbiter has this fault; ValueError if the lines it replaces are not there any more."""
    before = [change.of.__code__ for change in fault.changes]
    changed = [_code_of(change) for change in fault.changes]
    try:
        for change, code in zip(fault.changes, changed, strict=True):
            change.of.__code__ = code
        yield
    finally:
        for change, code in zip(fault.changes, before, strict=True):
            change.of.__code__ = code


def _code_of(change: Change) -> Any:
    source = textwrap.dedent(inspect.getsource(change.of))
    if source.count(change.was) != 1:
        raise ValueError(f"{change.of.__qualname__} does not have {change.was!r} once: say the fault in today's words")
    names = dict(change.of.__globals__)
    exec(compile(source.replace(change.was, change.instead), "<planted>", "exec"), names)
    return names[change.of.__name__].__code__
