"""Claims and what takes them back: the first reason that applies, in the closed order; else a grant or a contest.

    nobody holds   window 0 -> granted (first);  a window -> contest_opened, joined
    another holds  deny -> held;  preempt_if_higher -> ended, granted;  contest -> a challenge: the holder joins first
    a contest over claims is open -> joined, until its window ends
"""

from bus.core.bound import bound_ms
from bus.core.candidates import check_join, check_withdraw, has_everybody_claimed
from bus.core.contest import CANDIDATES_MAX, Contest
from bus.core.contest_events import ContestOpened, Joined, Withdrawn
from bus.core.events import Denied, Ended
from bus.core.fold import opened
from bus.core.granting import confirm, grant
from bus.core.reasons import ArbiterReason as Why
from bus.core.resource import Claim, is_open_to, lacks, stage_gap
from bus.core.settling import after_holding, after_leaving, proceed
from bus.core.terms import Terms
from bus.core.unfolding import Unfolding


def claim(u: Unfolding, claim: Claim, terms: Terms) -> None:
    """A claim on the subject, whoever holds it."""
    resource = u.resource
    holding, contest = resource.holding, resource.contest
    if holding and holding.agent == claim.agent:
        # While the subject is frozen the lease clock stands still.
        if resource.case is None and u.moment.at >= holding.until:
            u.deny(Why.LATE)
        else:
            u.say(confirmed(u), claim.agent)
        return
    if denied := _denied(u, claim, terms):
        u.say(denied, claim.agent)
    elif contest and contest.over == "claims":
        _join(u, claim)
    elif holding and terms.on_held == "preempt_if_higher":
        _preempt(u, claim, terms)
    elif holding is None and terms.window_ms == 0:
        grant(u, claim.agent, claim.id, claim.lease_ms, terms, "first")
    else:
        open_contest(u, terms, over="claims", candidates=())
        if holding:
            u.say(Joined(u.contest.id, holding.agent, holding.claim), holding.agent)
        _join(u, claim)
