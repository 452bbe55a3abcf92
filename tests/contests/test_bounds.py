"""Nothing in a contest is unbounded: candidates, held actions, the events of one entry, the time a contest may take."""

from __future__ import annotations

import pytest

from tests.contests.crowd import claim, enlist, new_play
from tests.contests.oracle.ladder import bound_ms
from tests.contests.oracle.log import Json
from tests.contests.terms_words import terms_of


def test_the_65th_candidate_is_turned_away() -> None:
    """Sixty-four claims compete, the next is denied, and the entry that closes the contest stays within its bound."""
    play = new_play("terms lead window=10 ladder=first_come,deny")
    for number in range(65):
        enlist(play, f"crowd-{number}")
    answers = [claim(play, f"crowd-{number}", "lead/L-1")["events"][-1] for number in range(65)]
    assert [event["kind"] for event in answers] == ["joined"] * 64 + ["denied"]
    assert answers[-1]["reason"] == "contest_full"
    play.line("11 tick")
    kinds = [event["kind"] for event in play.entries[-1]["events"]]
    assert kinds == ["settled", "granted"] + ["denied"] * 63


def test_the_33rd_held_action_is_refused() -> None:
    """Thirty-two actions wait for one review; the next is refused as an overflow."""
    play = new_play("terms supplier lease=600")
    play.line("1 sales claims supplier/S-1 as c1")
    told = [play.line(f"2 sales issues supplier/S-1 with #1 as a{number}") for number in range(33)]
    assert [words.startswith("held") for words in told] == [True] * 32 + [False]
    assert told[-1] == "refused hold_overflow"


def test_an_agent_with_many_holdings_is_drained_by_ticks() -> None:
    """Suspending an agent with 600 holdings takes three ticks of at most 256 events, and ends each of them once."""
    play = new_play("terms lead lease=6000")
    play.line("0 tick")
    enlist(play, "busy")
    tokens = {claim(play, "busy", f"lead/L-{number}")["events"][0]["token"] for number in range(600)}
    play.line("2 ana suspends busy")
    ended: list[Json] = []
    sizes = []
    for second in (3, 4, 5, 6):
        play.line(f"{second} tick")
        sizes.append(len(play.entries[-1]["events"]))
        ended += [event["token"] for event in play.entries[-1]["events"]]
    assert sizes == [256, 256, 88, 0]
    assert len(ended) == 600
    assert set(ended) == tokens


def test_what_does_not_fit_into_a_tick_waits_whole() -> None:
    """A contest whose end would pass 256 events is settled in the next tick, in one piece."""
    play = new_play("terms lead window=10 ladder=first_come,deny")
    for number in range(64):
        enlist(play, f"crowd-{number}")
    for subject in range(4):
        for number in range(64):
            claim(play, f"crowd-{number}", f"lead/L-{subject}")
    sizes = []
    for second in (11, 12, 13):
        play.line(f"{second} tick")
        sizes.append(len(play.entries[-1]["events"]))
    assert sizes == [3 * 65, 65, 0]


@pytest.mark.parametrize(
    ("words", "bound"),
    [
        ("window=10 ladder=priority,human", 10_000),
        ("window=10 ladder=priority,vote,human ballot=20", 30_000),
        ("ladder=vote,negotiate,human ballot=20 turn=30 turns=4", 140_000),
        ("window=0.5 ladder=negotiate,deny turn=30", 960_500),
    ],
)
def test_the_bound_is_the_sum_of_its_rungs(words: str, bound: int) -> None:
    """The longest time is the window, the ballot if there is one, and all turns if there are any."""
    assert bound_ms(terms_of("lead", words.split())) == bound
