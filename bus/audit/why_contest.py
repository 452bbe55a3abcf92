"""Says in plain sentences why a contest opened, went on and was settled as it was, from how it stood right before."""

from bus.audit.contest_sentences import (
    candidate_name,
    claimant,
    ladder_in_words,
    method_in_words,
    place_of,
    why_won,
)
from bus.audit.plain import lasting, listed, name_of
from bus.audit.situation import Situation
from bus.audit.why_actions import over_limit, why_held, why_not_done
from bus.audit.why_cases import why_case, why_wait
from bus.core.contest.ballots import read_choice, seat_of, veto_by
from bus.core.contest.contest import Candidate, Contest
from bus.core.decision.contest_events import (
    ActionHeld,
    ActionRefused,
    CaseChanged,
    CaseClosed,
    CaseOpened,
    ContestOpened,
    ContestWhat,
    Frozen,
    Joined,
    Offered,
    RungReached,
    Settled,
    TurnBegun,
    Unfrozen,
    Voted,
    WaitEnded,
    Waiting,
    Withdrawn,
)
from bus.core.state.fold import is_over_limit


def why_contest(found: Situation, what: ContestWhat) -> list[str]:  # noqa: C901 one case per kind, closed
    """The sentences on one event of a contest, a case or a wait."""
    match what:
        case ContestOpened():
            return _opened(found, what)
        case Joined():
            return _joined(found, what)
        case Withdrawn():
            return [f"claim {what.claim} could still win, so {name_of(what.agent)} may take it back"]
        case RungReached():
            return _rung(found, what)
        case TurnBegun():
            return _turn(found, what)
        case Voted():
            return _voted(found, what)
        case Offered():
            return _offered(found, what)
        case Settled():
            return _settled(found, what)
        case ActionHeld():
            return why_held(found, what)
        case ActionRefused():
            return why_not_done(found, what)
        case Frozen() | Unfrozen() | CaseOpened() | CaseChanged() | CaseClosed():
            return why_case(found, what)
        case Waiting() | WaitEnded():
            return why_wait(found, what)


def _opened(found: Situation, what: ContestOpened) -> list[str]:
    after = found.after.resource.contest
    ladder = [f"its ladder: {ladder_in_words(after)}"] if after and after.id == found.decision.id else []
    match what.over:
        case "claims":
            return [*_over_claims(found, what), *ladder]
        case "review":
            return [*_over_review(found, what), *ladder]
        case _:
            asked = f"the terms let {listed(found.terms.ask)} ask" if found.terms else "the terms let it ask"
            return [f"{asked}, and {found.sender} has that role", *ladder]


def _over_claims(found: Situation, what: ContestOpened) -> list[str]:
    subject, holding, terms = found.before.subject, found.resource.holding, found.terms
    window = lasting(terms.window_ms) if terms else ""
    if holding is None:
        first = f"nobody held {subject}, and the terms collect claims for {window} before one of them wins"
    else:
        kept = f"{name_of(holding.agent)} holds {subject} and keeps it until that is settled"
        first = f"the terms let a claim challenge the holder; {kept}"
    return [first, f"a winner or a case by {found.clock(what.bound)} at the latest"]


def _over_review(found: Situation, what: ContestOpened) -> list[str]:
    held = next((one for one in found.resource.held if one.id == what.held), None)
    asks = f"the contract {held.type} asks for a review" if held else "the action is under review"
    seats = listed([name_of(seat) for seat, _ in what.seats])
    sentences = [f"{asks}: seats {seats} vote on it before it goes out"]
    if held and found.terms and is_over_limit(held.cost, found.terms):
        sentences.append(
            f"{over_limit(held.cost, found.terms)}: the ballots only tell that person what the seats think"
        )
    return sentences


def _joined(found: Situation, what: Joined) -> list[str]:
    contest = found.contest
    if contest is None:
        return [f"{name_of(what.agent)} is one of the two the wait is between: a person decides who gets it"]
    if contest.holder == what.agent:
        return [f"{name_of(what.agent)} holds it, so it is a candidate like the claims that challenge it"]
    end = found.clock(contest.opened + contest.terms.window_ms)
    roles = found.registry.roles(what.agent)
    place = place_of(contest.terms, Candidate("", what.agent, what.claim, roles))
    collected = f"claims are collected until {end}" if contest.terms.window_ms else "the terms collect no other claims"
    return [f"{collected}, and {name_of(what.agent)} has {place}"]


def _rung(found: Situation, what: RungReached) -> list[str]:
    contest = found.contest
    if contest is None:
        return ["its contest came to this rung"]
    sentences = found.passed()
    if not contest.rung_name and contest.over == "claims":
        sentences.insert(0, f"the window was over with {_count(contest)}")
    if what.rung == "vote":
        sentences.append(method_in_words(contest.terms.vote))
    if what.rung == "negotiate":
        turns = contest.terms.negotiate.turns_max(len(contest.live))
        turn = lasting(contest.terms.negotiate.turn_ms)
        sentences.append(f"the parties speak one after the other, {turns} turns at most, {turn} each")
    return sentences or ["a person decides from here on: see its case"]


def _count(contest: Contest) -> str:
    count = len(contest.live)
    return "one candidate" if count == 1 else f"{count} candidates"


def _turn(found: Situation, what: TurnBegun) -> list[str]:
    contest = found.contest
    if contest is None:
        return [f"it is the turn of {name_of(what.party)}"]
    order = listed([claimant(one) for one in contest.live])
    stands = f"what stands is {candidate_name(contest, what.standing)}" if what.standing else "no offer stands yet"
    return [f"the parties speak in the order of their claims: {order}", stands]


def _voted(found: Situation, what: Voted) -> list[str]:
    contest = found.contest
    if contest is None:
        return [f"{name_of(what.agent)} sits on seat {name_of(what.seat)}"]
    choice = read_choice(what.choice if isinstance(what.choice, str) else list(what.choice))
    again = any(one.agent == what.agent for one in contest.ballots)
    sits = f"{name_of(what.agent)} sits on seat {name_of(what.seat)}"
    sentences = [f"{sits}; this ballot takes the place of its earlier one" if again else sits]
    veto = None if contest.case else veto_by(contest, what.agent, choice, what.reason)
    if veto is not None:
        sentences.append(f"a reject because {what.reason} by role {veto.role} is a veto by the terms: it acts at once")
    elif contest.case:
        sentences.append("a person decides already: the ballot goes into the file of the case")
    elif seat_of(contest, what.agent):
        sentences.append("what it chose is sealed until the close")
    return sentences


def _offered(found: Situation, what: Offered) -> list[str]:
    contest = found.contest
    turn = f"it was turn {what.turn}, the turn of {name_of(what.agent)}"
    if contest is None or what.outcome is None:
        return [turn]
    stands = candidate_name(contest, what.outcome)
    return [turn, f"it agrees that {stands} gets it" if what.move == "accept" else f"it offers {stands}"]


def _settled(found: Situation, what: Settled) -> list[str]:
    contest = found.contest
    if contest is None:
        return ["its contest was settled"]
    return [*found.passed(), why_won(contest, what.winner, what.by, dict(what.tally), what.outcome)]
