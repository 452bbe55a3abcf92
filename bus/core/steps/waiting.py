"""A holder that waits for somebody says until when; when that passes, a person is told who waits for whom."""

from bus.core.decision.contest_events import Joined, Waiting
from bus.core.decision.reasons import ArbiterReason as Why
from bus.core.message.arrivals import Message
from bus.core.policy.terms import Terms
from bus.core.steps.freezing import case_of_contest, change_case, open_case
from bus.core.steps.granting import end_wait
from bus.core.steps.unfolding import Unfolding


def wait(u: Unfolding, message: Message, terms: Terms) -> None:
    """The holder waits, for no longer than the terms allow."""
    resource, until = u.resource, int(message.body["until"])
    holding = resource.holding
    if holding is None or holding.agent != u.source:
        u.refuse(Why.FENCED, "an agent waits on what it holds, and it does not hold this")
    elif resource.case is not None:
        u.refuse(Why.FROZEN, "a person decides on it now")
    elif resource.wait is not None:
        u.refuse(Why.ALREADY_CLAIMED, f"it waits already, until {resource.wait.until}: resume that wait first")
    elif u.moment.at >= holding.until:
        u.refuse(Why.LATE, f"the lease ended at {holding.until}")
    elif until > u.moment.at + terms.wait_max_ms:
        u.refuse(Why.WAIT_TOO_LONG, f"the terms allow {terms.wait_max_ms} ms")
    else:
        u.say(Waiting(u.ahead(), u.source, message.body["for"], until), u.source)


def resume(u: Unfolding, message: Message) -> None:
    """The waiter goes on."""
    waiting = u.resource.wait
    if waiting is None or waiting.agent != u.source or waiting.id != message.body["wait"]:
        u.refuse(Why.LATE, "no such wait is open")
    else:
        end_wait(u, "resumed")


def pass_wait(u: Unfolding) -> None:
    """It has waited long enough: a case that names both, or one more thing in the case there is."""
    waited, holding = u.resource.wait, u.resource.holding
    assert waited is not None
    assert holding is not None
    end_wait(u, "expired")
    if case := u.resource.case:
        change_case(u, case, does_move=True)
    elif u.resource.contest:
        case_of_contest(u, "wait")
    elif u.terms:
        # Who waits for itself is a party once.
        also = [waited.whom] if "/agent/" in waited.whom and waited.whom != waited.agent else []
        opened = open_case(u, "wait", "wait", u.terms, *also)
        u.say(Joined(opened, waited.agent, holding.claim), waited.agent)
        for agent in also:
            u.say(Joined(opened, agent, ""), agent)
