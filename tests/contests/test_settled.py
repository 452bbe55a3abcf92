"""What `settled` tells: whose ballots counted, the tally that decided, what was agreed, why it was vetoed."""

from tests.contests.game import new_game
from tests.contests.oracle.log import Json

CLAIMS = ("1 sales claims lead/L-1 as c1", "2 support claims lead/L-1 as c2", "11 tick")


def _settled(given: str, *lines: str) -> tuple[Json, dict[str, str]]:
    """The event that settled these claims, and the name each candidate has in the lines."""
    game = new_game((given,))
    for line in (*CLAIMS, *lines):
        game.play.line(line)
    events = [event for entry in game.play.entries for event in entry["events"]]
    return next(event for event in events if event["kind"] == "settled"), game.play.names.candidates


def _tally(settled: Json, names: dict[str, str]) -> dict[str, int]:
    return {names[one]: votes for one, votes in settled["tally"].items()}


def test_a_ballot_that_decided_has_a_tally() -> None:
    """Votes for every candidate that could win stand there, also none; in `weighted` they are weights."""
    given = "terms lead window=10 ladder=vote,deny seats=triage,crm method=weighted weights=crm:3"
    assert _tally(*_settled(given, "12 triage votes lead/L-1 c2", "13 crm votes lead/L-1 c2")) == {"c1": 0, "c2": 4}


def test_only_a_ballot_that_decided_has_a_tally() -> None:
    """A tie that priority decided has no tally, but everybody can read the ballots."""
    given = "terms lead window=10 ladder=vote,priority,deny seats=triage,crm priority=sales"
    settled, _ = _settled(given, "12 triage votes lead/L-1 c2", "13 crm votes lead/L-1 c1")
    assert (settled["by"], settled["tally"], len(settled["ballots"])) == ("priority", {}, 2)


def test_the_ballot_of_an_empty_seat_counts_again() -> None:
    """Who spoke last for a seat is suspended at the close: what its colleague said before stands again."""
    given = "terms lead window=10 ladder=vote,deny seats=lead-triage,crm ballot=20 quorum=1"
    game = new_game((given, "agent a-1 roles=lead-triage", "agent a-2 roles=lead-triage"))
    for line in (*CLAIMS, "12 a-1 votes lead/L-1 c1", "13 a-2 votes lead/L-1 c2", "14 ana suspends a-2", "31 tick"):
        game.play.line(line)
    settled, names = game.play.entries[-1]["events"][0], game.play.names.candidates
    assert [one["agent"].rpartition("/")[2] for one in settled["ballots"]] == ["a-1"]
    assert names[settled["winner"]] == "c1"


def test_what_was_agreed_and_why_it_was_vetoed_is_told() -> None:
    """A negotiation names the outcome all accepted, a veto the reason it was for; nothing else has one."""
    given = "terms lead window=10 ladder=negotiate,deny"
    settled, _ = _settled(given, "12 sales offers lead/L-1 c2 turn 1", "13 support accepts lead/L-1 turn 2")
    assert settled["outcome"] == settled["winner"]
    given = "terms lead window=10 ladder=vote,deny seats=triage veto=compliance:bad.*:deny"
    settled, _ = _settled(given, "12 compliance votes lead/L-1 reject because bad.name")
    assert (settled["by"], settled["outcome"]) == ("veto", "bad.name")
    # A veto that decides is readable afterwards, also from a seat that has no vote.
    assert [one["seat"] for one in settled["ballots"]] == ["compliance"]
    settled, _ = _settled("terms lead window=10 ladder=first_come,deny")
    assert "outcome" not in settled
