"""Negotiations: every course of a small one against a model, missed turns, and parties that leave the table."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.core.contest.candidates import drop
from bus.core.contest.contest import Contest, Escalate, MoveKind, Settle, Wait
from bus.core.contest.ladder import Walked, after_message
from bus.core.contest.negotiation import check_move, move, outcomes_of
from resolvers import RESOLVERS
from tests.resolvers.built import claims, moves, terms, tick
from tests.resolvers.table_model import Said, ended, may_say, speaker

OF = terms("negotiate", "human")


def _table(parties: int, outcomes: tuple[str, ...] = (), max_turns: int | None = None) -> Walked:
    of = terms("negotiate", "human", negotiate_outcomes=outcomes, negotiate_max_turns=max_turns)
    return claims(of, *(f"role{n}-1" for n in range(1, parties + 1)))


def _may(contest: Contest, said: Said, *, turn: int = 0, agent: str = "", at: int = 0) -> str:
    """The reason why this cannot be said, "" if it can; by default in time and by the party on turn."""
    agent = agent or next(one.agent for one in contest.candidates if one.id == contest.turn.party)
    kind: MoveKind = said[0]  # type: ignore[assignment] # one of the three
    at = at or contest.turn.started + 1
    refused = check_move(contest, agent, kind, turn=turn or contest.turn.number, at=at, outcome=said[1])
    return refused.reason if refused else ""


def _courses(walked: Walked, transcript: list[Said]) -> Iterator[tuple[Walked, list[Said]]]:
    """Every course a negotiation can take from here, with each of its points."""
    yield walked, transcript
    if not isinstance(walked.result, Wait):
        return
    contest = walked.contest
    for said in [("accept", ""), ("quit", ""), *(("offer", one) for one in outcomes_of(contest))]:
        if not _may(contest, said):
            yield from _courses(moves(contest, *said), [*transcript, said])


TABLES = [(2, (), None), (2, (), 3), (2, ("x", "y", "z"), 5), (3, (), None), (3, (), 4), (3, ("x", "y"), None)]


@pytest.mark.parametrize(("count", "outcomes", "max_turns"), TABLES)
def test_every_course_ends_as_the_model_says(count: int, outcomes: tuple[str, ...], max_turns: int | None) -> None:
    """Whatever the parties say, the agreement, the end and whose turn it is are those of the model."""
    parties = [f"c{n}" for n in range(1, count + 1)]
    for walked, transcript in _courses(_table(count, outcomes, max_turns), []):
        end = ended(parties, list(outcomes or parties), max_turns or 2 * count, transcript)
        match walked.result:
            case Settle():
                assert end == walked.result.outcome, transcript
            case Wait():
                assert (end, speaker(parties, transcript)) == ("", walked.contest.turn.party), transcript
            case Escalate():
                assert end == "no deal", transcript


@pytest.mark.parametrize(("count", "outcomes", "max_turns"), TABLES)
def test_at_every_point_the_same_may_be_said(count: int, outcomes: tuple[str, ...], max_turns: int | None) -> None:
    """What the party on turn may say is what the model allows: no offer twice, nothing to accept before an offer."""
    for walked, transcript in _courses(_table(count, outcomes, max_turns), []):
        if isinstance(walked.result, Wait):
            known = list(outcomes) or [f"c{n}" for n in range(1, count + 1)]
            tried = [("accept", ""), ("quit", ""), *(("offer", one) for one in [*known, "elsewhere"])]
            assert {one for one in tried if not _may(walked.contest, one)} == may_say(known, transcript), transcript


def test_the_model_sees_agreements_and_ends() -> None:
    """The courses compared above end in both ways."""
    results = {type(walked.result) for walked, _ in _courses(_table(3), [])}
    assert results == {Settle, Wait, Escalate}


@pytest.mark.parametrize(
    ("said", "turn", "agent", "late_ms", "reason"),
    [
        (("offer", "c1"), 1, "role2-1", -1, "not_your_turn"),
        (("offer", "c1"), 2, "role1-1", -1, "not_your_turn"),
        (("offer", "c1"), 1, "stranger-1", -1, "not_your_turn"),
        (("offer", "c9"), 1, "role1-1", -1, "not_allowed"),
        (("accept", ""), 1, "role1-1", -1, "not_allowed"),
        (("offer", "c1"), 1, "role1-1", 0, "late"),
        (("quit", ""), 1, "role1-1", 1, "late"),
        (("offer", "c1"), 1, "role1-1", -1, ""),
    ],
)
def test_a_move_is_refused(said: Said, turn: int, agent: str, late_ms: int, reason: str) -> None:
    """Out of turn, for another turn, of nothing that can be agreed, and by its own time from the turn's end on."""
    contest = _table(2).contest
    assert _may(contest, said, turn=turn, agent=agent, at=contest.deadline + late_ms) == reason


def test_a_missed_turn_ends_the_rung() -> None:
    """A party that says nothing for its turn, killed or slow, hands on to the next rung."""
    contest = moves(_table(2).contest, "offer", "c1").contest
    walked = tick(contest, contest.deadline)
    assert (walked.result, walked.passed[0].why) == (Escalate("ladder"), "missed_turn")


def test_each_turn_has_its_own_time() -> None:
    """The next turn begins when the last one was used."""
    walked = moves(_table(2).contest, "offer", "c1", at=1_020_000)
    assert walked.result == Wait(1_050_000)


def test_an_outcome_may_name_a_role() -> None:
    """An agreed role awards the subject to the candidate that has it."""
    contest = moves(_table(2, ("role2", "nobody")).contest, "offer", "role2").contest
    walked = moves(contest, "accept")
    assert walked.result == Settle("c2", "negotiate", (("turns", 2),), "role2")


def test_an_outcome_may_name_nobody() -> None:
    """The parties may agree that none of them gets it."""
    walked = moves(moves(_table(2, ("role2", "nobody")).contest, "offer", "nobody").contest, "accept")
    assert walked.result == Settle("none", "negotiate", (("turns", 2),), "nobody")


def _drops(contest: Contest, candidate: str) -> Walked:
    at = contest.turn.started + 2
    return after_message(drop(contest, candidate, "withdrawn"), RESOLVERS, at=at, now=0)


@pytest.mark.parametrize(
    ("parties", "said", "leaves"),
    [
        (3, [], "c1"),  # on turn, before anything was offered
        (3, ["c1"], "c2"),  # on turn
        (3, ["c3"], "c1"),  # its offer stands
        (4, ["c4"], "c4"),  # it is what stands
        (4, ["c1"], "c4"),  # neither on turn nor offered
        (3, ["c2", "accept"], "c3"),  # the last who had to agree: it did not
    ],
)
def test_a_party_that_leaves_ends_the_rung(parties: int, said: list[str], leaves: str) -> None:
    """Whoever leaves a table of three or more, at whatever point: the rung is over, as after a quit."""
    contest = _table(parties).contest
    for one in said:
        contest = (moves(contest, "accept") if one == "accept" else moves(contest, "offer", one)).contest
    walked = _drops(contest, leaves)
    assert (walked.result, walked.passed[0].why) == (Escalate("ladder"), "left")


def test_who_left_is_no_candidate_of_the_next_rung() -> None:
    """What comes after the broken table is decided among those who are left."""
    of = terms("negotiate", "first_come", "human")
    contest = claims(of, "role1-1", "role2-1", "role3-1").contest
    assert _drops(contest, "c1").result == Settle("c2", "first_come")


def test_the_last_party_wins() -> None:
    """When all others have left, nobody is left to agree with."""
    assert _drops(_table(2).contest, "c1").result == Settle("c2", "uncontested")


@given(
    st.integers(2, 5), st.lists(st.sampled_from(["offer", "accept", "quit", "drop", "again"]), max_size=30), st.data()
)
def test_a_table_stays_in_order(parties: int, happenings: list[str], data: st.DataObject) -> None:
    """Whatever happens, a live party is on turn, turns rise and stay within the bound, and no offer is repeated."""
    walked, number = _table(parties), 1
    for happening in happenings:
        contest = walked.contest
        if not isinstance(walked.result, Wait):
            return
        assert contest.turn.party in {one.id for one in contest.live}
        assert number <= contest.turn.number <= 2 * parties
        offers = [one.outcome for one in contest.moves if one.kind == "offer"]
        assert len(set(offers)) == len(offers)
        number = contest.turn.number
        if happening == "drop":
            walked = _drops(contest, data.draw(st.sampled_from([one.id for one in contest.live])))
        elif happening != "again":
            said = (happening, data.draw(st.sampled_from(outcomes_of(contest))) if happening == "offer" else "")
            if not _may(contest, said):
                kind: MoveKind = said[0]  # type: ignore[assignment] # one of the three
                at = contest.turn.started + 1
                walked = after_message(move(contest, kind, start=at, outcome=said[1]), RESOLVERS, at=at, now=0)
