"""Ballots and offers: what a seat or a party says while a contest is open, and what follows from it at once."""

from bus.core.contest.ballots import check_ballot, read_choice, seat_of
from bus.core.contest.contest import Contest, MoveKind
from bus.core.contest.negotiation import check_move
from bus.core.decision.contest_events import Offered, Voted
from bus.core.decision.reasons import ArbiterReason as Why
from bus.core.frozen import replace
from bus.core.log.records import digest
from bus.core.message.arrivals import Message
from bus.core.steps.freezing import change_case
from bus.core.steps.settling import is_decided, proceed
from bus.core.steps.unfolding import Unfolding

MOVES: dict[str, MoveKind] = {
    "bus.contest.offer.v1": "offer",
    "bus.contest.accept.v1": "accept",
    "bus.contest.quit.v1": "quit",
}


def vote(u: Unfolding, message: Message) -> None:
    """A ballot, or a veto; the last one still missing closes the vote."""
    contest = _named(u, message)
    if contest is None:
        return
    body, choice = message.body, read_choice(message.body["choice"])
    if refusal := check_ballot(contest, u.source, choice, body["reason"], at=u.moment.at):
        u.refuse(refusal.reason, refusal.detail)
        return
    seat, reasoning = seat_of(contest, u.source), body.get("reasoning")
    assert seat is not None
    said = tuple(body["choice"]) if isinstance(body["choice"], list) else body["choice"]
    confidence = body.get("confidence")
    voted = Voted(
        *(contest.id, seat.name, u.source, said, body["reason"]),
        int(confidence) if confidence is not None else None,
        None if reasoning is None else digest(reasoning.encode()),
    )
    u.say(voted, u.source)
    if case := u.resource.case:
        change_case(u, case, does_move=False)
    else:
        proceed(u)


def move(u: Unfolding, message: Message) -> None:
    """The party on turn offers, accepts or quits."""
    contest = _named(u, message)
    if contest is None:
        return
    kind, turn, outcome = MOVES[u.type], int(message.body["turn"]), message.body.get("outcome", "")
    if refusal := check_move(contest, u.source, kind, turn=turn, at=u.moment.at, outcome=outcome):
        u.refuse(refusal.reason, refusal.detail)
        return
    match kind:
        case "offer":
            offered = Offered(contest.id, turn, u.source, outcome)
        case "accept":
            offered = Offered(contest.id, turn, u.source, contest.turn.standing, "accept")
        case _:
            offered = Offered(contest.id, turn, u.source, None, "quit")
    u.say(offered, u.source)
    proceed(u, since=contest)


def _named(u: Unfolding, message: Message) -> Contest | None:
    """The open contest that the message names; None, and a refusal, if it names another."""
    contest, named = u.resource.contest, message.body["contest"]
    if contest is not None and contest.id == named:
        return replace(u.contest, hears="nothing") if is_decided(u) else u.contest
    last, deadline = u.resource.last_contest
    if last == named and u.moment.at >= deadline:
        u.refuse(Why.LATE, f"the contest closed; what counted came before {deadline}")
    else:
        u.refuse(Why.CONTEST_CLOSED, "no such contest is open on this subject")
    return None
