"""Ballots and offers are sealed: until a contest closes, nobody but the journal's readers learns what was said."""

import json

import pytest

from tests.contests.game import new_game
from tests.contests.generate import generate
from tests.contests.oracle.log import Json
from tests.contests.oracle.sending import for_lanes, public

WINDOW = "terms lead window=10 ladder=human"
CLAIMS = ("1 sales claims lead/L-1 as c1", "2 legal claims lead/L-1 as c2", "11 tick")


def _events(given: str, *lines: str) -> list[Json]:
    """What the last of these lines brought."""
    game = new_game((given,))
    for line in lines:
        game.play.line(line)
    return list(game.play.entries[-1]["events"])


@pytest.mark.parametrize("seed", range(60))
def test_no_ballot_is_readable_before_the_close(seed: int) -> None:
    """What leaves the bus of a ballot or an offer is that it was received: neither choice, reason nor outcome."""
    script = generate(seed)
    game = new_game(script.given, lag_ms=script.lag_ms)
    for line in script.lines:
        game.line(line)
    sealed = [event for _, entry in game.timed for event in entry["events"] if event["kind"] in ("voted", "offered")]
    for event in sealed:
        copies = [public(event), *for_lanes(event).values()]
        assert all(not {"choice", "reason", "confidence", "outcome", "move"} & copy.keys() for copy in copies)
        assert [who for copy in copies[1:] for _, who in copy["to"]] == [event["agent"]]


def test_a_lane_hears_only_of_its_own() -> None:
    """Each lane's copy of an event names only that lane's agents."""
    settled = _events("terms lead window=10 ladder=priority,deny priority=sales", *CLAIMS)[0]
    assert {lane: len(copy["to"]) for lane, copy in for_lanes(settled).items()} == {"sales": 1, "legal": 1}
    assert "legal" not in json.dumps(for_lanes(settled)["sales"])


def test_an_offer_that_stands_is_for_the_party_on_turn() -> None:
    """Who is to answer reads what stands; for everybody else there is a turn and no more."""
    offer = "12 sales offers lead/L-1 c1 turn 1"
    turn = _events("terms lead window=10 ladder=negotiate,deny", *CLAIMS, offer)[-1]
    assert turn["kind"] == "turn"
    assert for_lanes(turn)["legal"]["standing"] == turn["standing"] != ""
    assert "standing" not in public(turn)


def test_a_case_is_public_by_its_state_alone() -> None:
    """Everybody may know that there is a case and its state; revision, ruling and person are for those concerned."""
    closed = _events(WINDOW, *CLAIMS, "12 bob rules lead/L-1 reject_all")[0]
    assert set(public(closed)) == {"n", "kind", "subject", "to", "case", "state"}


def test_a_person_hears_all_of_a_case() -> None:
    """The person who acted learns the new revision and edition from the answer itself."""
    changed = _events(WINDOW, *CLAIMS, "12 bob reserves lead/L-1")[0]
    assert for_lanes(changed)["desk"] == changed
    assert {"rev", "file_n", "person"} <= changed.keys()
