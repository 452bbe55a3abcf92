"""Ballots and offers are sealed: until a contest closes, nobody but the journal's readers learns what was said."""

import json

import pytest

from tests.contests.generate import generate, new_game
from tests.contests.oracle.sending import for_lanes, public


@pytest.mark.parametrize("seed", range(60))
def test_no_ballot_is_readable_before_the_close(seed: int) -> None:
    """What leaves the bus of a ballot or an offer is that it was received: neither choice, reason nor outcome."""
    script = generate(seed)
    game = new_game(script.given)
    for line in script.lines:
        game.line(line)
    sealed = [event for _, entry in game.timed for event in entry["events"] if event["kind"] in ("voted", "offered")]
    for event in sealed:
        copies = [public(event), *for_lanes(event).values()]
        assert all(not {"choice", "reason", "confidence", "outcome"} & copy.keys() for copy in copies)
        assert [who for copy in copies[1:] for _, who in copy["to"]] == [event["agent"]]


def test_a_lane_hears_only_of_its_own() -> None:
    """Each lane's copy of an event names only that lane's agents."""
    game = new_game(("terms lead window=10 ladder=priority,deny priority=sales",))
    for line in ("1 sales claims lead/L-1 as c1", "2 support claims lead/L-1 as c2", "11 tick"):
        game.play.line(line)
    settled = game.play.entries[-1]["events"][0]
    assert {lane: len(copy["to"]) for lane, copy in for_lanes(settled).items()} == {"sales": 1, "support": 1}
    assert "support" not in json.dumps(for_lanes(settled)["sales"])


def test_a_case_is_public_by_its_state_alone() -> None:
    """Everybody may know that there is a case and its state; revision, ruling and person are for those concerned."""
    game = new_game(("terms lead window=10 ladder=human",))
    for line in ("1 sales claims lead/L-1 as c1", "2 legal claims lead/L-1 as c2", "11 tick"):
        game.play.line(line)
    game.play.line("12 bob rules lead/L-1 reject_all")
    closed = game.play.entries[-1]["events"][0]
    assert set(public(closed)) == {"n", "kind", "subject", "to", "case", "state"}
