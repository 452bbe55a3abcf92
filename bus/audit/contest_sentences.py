"""The plain sentences of contests: who competes, why a rung had no result, by which rule a winner won."""

from collections.abc import Mapping, Sequence

from bus.audit.plain import lasting, listed, name_of
from bus.core.contest.ballots import ABSTAIN
from bus.core.contest.contest import APPROVE, REJECT, Candidate, Contest
from bus.core.contest.ladder import Passed
from bus.core.policy.contracts import JsonObject
from bus.core.policy.terms import BASIS_POINTS, Terms, VoteTerms

NO_RESULT = {
    "tie": "it was a tie",
    "no_quorum": "too few seats voted for it to count",
    "nobody_chose": "no ballot chose any of them",
    "no_majority": "none of them had enough ballots",
    "no_candidate": "no candidate was left",
    "quit": "a party quit",
    "left": "a party was gone",
    "turns_over": "every turn was used and the parties did not agree",
    "outcomes_over": "everything had been offered and the parties did not agree",
    "missed_turn": "a party let its turn pass",
    "unknown_rung": "this bus has no such rung",
    "over_limit": "the costs are over the limit of the terms, so only a person settles it",
    "bound": "it took as long as a rung may",
    "no_such_candidate": "it named a winner that cannot win",
    "no_answer": "it gave no answer",
}
METHODS = {
    "plurality": "most ballots win",
    "majority": "more than half of the ballots that choose win",
    "supermajority": "{share} of the ballots that choose win",
    "weighted": "more than half of the weight that chooses wins",
    "approval": "whom most ballots approve wins",
    "schulze": "the ranking that beats all others in pairs wins",
}
OVER = {"claims": "claims", "review": "an action under review", "question": "a question"}


def candidate_name(contest: Contest, identifier: str) -> str:
    """A candidate as people know it: the agent and its claim; anything else as it is."""
    found = next((one for one in contest.candidates if one.id == identifier), None)
    return claimant(found) if found is not None else identifier


def claimant(one: Candidate) -> str:
    """``sales-1 (claim c1)``; an option or approve and reject as they are."""
    if not one.agent:
        return one.id
    return f"{name_of(one.agent)} (claim {one.claim})" if one.claim else name_of(one.agent)


def place_of(terms: Terms, one: Candidate) -> str:
    """The roles of a candidate, and where they stand in the terms' priority."""
    roles = f"role {listed(sorted(one.roles))}" if one.roles else "no role"
    if not terms.priority:
        return roles
    rank = terms.rank(one.roles)
    return f"{roles}, priority {rank + 1}" if rank < len(terms.priority) else f"{roles}, last in priority"


def ladder_in_words(contest: Contest) -> str:
    """The rungs in their order, and what is at the end."""
    end = {"human": "a person", "deny": "nobody wins"}
    return ", then ".join(end.get(rung, rung) for rung in contest.ladder)


def method_in_words(vote: VoteTerms) -> str:
    """How ballots are counted, and how many are needed."""
    return f"{_method(vote)}; {_share(vote.quorum_bp)} of the seats must vote within {lasting(vote.ballot_ms)}"


def no_result(contest: Contest, passed: Passed, *, is_sealed: bool) -> str:
    """Why a rung was left behind; as long as ballots are sealed, without their counts."""
    why = NO_RESULT.get(passed.why, passed.why)
    counted = "" if is_sealed else tally_in_words(contest, passed.rung, dict(passed.tally))
    return f"rung {passed.rung} had no result: {why}{f' ({counted})' if counted else ''}"


def tally_in_words(contest: Contest, rung: str, tally: "dict[str, int]") -> str:
    """What was counted, candidate by candidate; "" where nothing was."""
    names = {name: candidate_name(contest, name) for name in tally}
    match rung:
        case "priority":
            return ", ".join(f"{names[name]} is number {place + 1}" for name, place in tally.items())
        case "vote":
            unit = {"weighted": " in weight", "schulze": " as first"}.get(contest.terms.vote.method, "")
            return ", ".join(f"{count} for {names[name]}{unit}" for name, count in tally.items())
        case _:
            return ""


def why_won(contest: Contest, winner: str, by: str, tally: "dict[str, int]", outcome: str | None) -> str:
    """By which rule it was settled: the sentence a loser may be shown."""
    name = candidate_name(contest, winner)
    counted = tally_in_words(contest, "vote", tally)
    match by:
        case "uncontested":
            return f"{name} was the only candidate left, so it won without a rung"
        case "first_come":
            return f"rung first_come: the claim of {name} was the first of them in the log"
        case "priority":
            best = next((one for one in contest.candidates if one.id == winner), None)
            place = f" ({place_of(contest.terms, best)})" if best else ""
            return f"rung priority: {name} has a role before those of all others in the terms{place}"
        case "vote":
            won = "was chosen" if contest.over == "question" else "won"
            return f"rung vote: {name} {won} with {counted or 'its ballots'}; {_method(contest.terms.vote)}"
        case "negotiate" if winner == "none":
            return f"rung negotiate: all parties agreed on {outcome}, which gives it to no candidate"
        case "negotiate":
            return f"rung negotiate: all parties agreed that {name} gets it"
        case "ruling":
            return f"a person ruled: {_ruled(contest, winner)}"
        case "veto":
            return f"a veto stood at once, because {outcome}" if outcome else "a veto stood at once"
        case "deny":
            return "no rung settled it, and its ladder ends with nobody"
        case _:
            return _nobody(contest)


def ballots_told(ballots: Sequence[JsonObject], names: Mapping[str, str]) -> list[str]:
    """Every ballot that counted, as the close opened it; ``names`` by a candidate's id."""
    return [_ballot(one, names) for one in ballots]


def _ballot(one: JsonObject, names: Mapping[str, str]) -> str:
    choice = one["choice"] if isinstance(one["choice"], list | tuple) else [one["choice"]]
    named = ", then ".join(names.get(name, name) for name in choice) or ABSTAIN
    sure = f", {one['confidence'] / 100:g} % sure" if "confidence" in one else ""
    return f"seat {name_of(one['seat'])}: {name_of(one['agent'])} chose {named}, because {one['reason']}{sure}"


def _ruled(contest: Contest, winner: str) -> str:
    if winner in (APPROVE, REJECT):
        return "the action is approved" if winner == APPROVE else "the action is rejected"
    if contest.over == "question":
        return "the question stays without an answer" if winner == "none" else f"the answer is {winner}"
    return "nobody gets it" if winner == "none" else f"{candidate_name(contest, winner)} gets it"


def _nobody(contest: Contest) -> str:
    if contest.over == "review":
        return "the action under review was gone before anybody had decided on it"
    return "no candidate was left" if contest.over == "claims" else "it ended without a decision"


def _method(vote: VoteTerms) -> str:
    return f"{METHODS[vote.method].format(share=_share(vote.threshold_bp))} ({vote.method})"


def _share(bp: int) -> str:
    return f"{bp * 100 / BASIS_POINTS:g} %"
