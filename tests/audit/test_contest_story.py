"""A contest is told as a whole: who competed, why rungs had no result, why the winner won, what the losers heard."""

import json
from dataclasses import replace
from functools import partial

import pytest

from bus.audit.contest_told import ContestTold
from bus.audit.explain import UNDECIDED, Explaining
from bus.audit.lookup import Lookup
from bus.audit.standing import resource_from_text, resource_to_text
from bus.audit.story import story_of
from bus.cli.contest_words import CANDIDATE_ID
from bus.cli.explain_text import as_text, contest_lines, notes_together, standing_text, story_lines
from bus.cli.words import in_words
from tests.audit.contested import full_contest
from tests.audit.eventful import EventfulBus
from tests.audit.explained import clock, eventful, explanations, index_of, lookup
from tests.audit.scripted import BY_NAME, evidence_of, script_explanations, script_lookup


def _told(asked: Lookup, subject: str) -> ContestTold:
    """The story of the last contest on a subject."""
    found = Explaining(asked.index, asked, clock).contest(story_of(asked, subject, 1).contests[-1])
    assert found is not None
    return found


def _cut(name: str, lines: int) -> Lookup:
    """A script that stops after so many lines."""
    return Lookup(index_of(evidence_of(replace(BY_NAME[name], lines=BY_NAME[name].lines[:lines]))))


def test_a_rung_without_a_result_says_why() -> None:
    """A tied vote, then priority: both are told, with the counts."""
    told = _told(script_lookup("vote-tie"), "lead/L-1")
    assert [(one.rung, one.why, sorted(one.tally.values())) for one in told.passed] == [("vote", "tie", [1, 1])]
    assert told.passed[0].sentence == (
        "rung vote had no result: it was a tie (1 for sales (claim c1), 1 for support (claim c2))"
    )
    assert (told.names[told.winner], told.by) == ("support (claim c2)", "priority")
    assert told.why[0].startswith("rung priority: support (claim c2) has a role before those of all others")


def test_winner_and_losers_are_told_what_they_heard() -> None:
    """One holds it, the other knows to whom it lost and by what."""
    told = _told(script_lookup("negotiate-two"), "lead/L-1")
    assert [(one.claim, one.heard) for one in told.candidates] == [("c1", "lost"), ("c2", "granted")]
    assert "it lost to support (claim c2) by negotiate" in told.candidates[0].sentence
    assert told.why == ["rung negotiate: all parties agreed that support (claim c2) gets it"]


def test_ballots_are_sealed_until_the_close() -> None:
    """How many were received is told, not what they chose; afterwards each of them is."""
    asked = _cut("vote-tie", 4)
    told = _told(asked, "lead/L-1")
    assert (told.state, told.received, list(told.ballots), list(told.passed)) == ("open", 1, [], [])
    lines = [*contest_lines(told, None), *story_lines(story_of(asked, "lead/L-1", 20), None)]
    assert not any("because fit" in line or "chose sales" in line for line in lines)
    assert "received from 1 of 2 seats; what they chose is sealed until the close" in "\n".join(lines)
    assert "choice" not in json.dumps([link.to_json() for link in told.told])
    assert [one["choice"] for one in _told(script_lookup("vote-tie"), "lead/L-1").ballots] == [
        candidate.id for candidate in told.candidates
    ]


def test_a_case_is_told_with_its_held_action() -> None:
    """Why it opened, how long it was frozen, who ruled what, and what became of the action."""
    told = _told(script_lookup("deal-rejected-by-person"), "deal/D-9")
    assert told.case is not None
    assert (told.state, told.case.why, told.case.ruling) == ("closed", "veto", "reject")
    assert told.case.person.endswith("/bob")
    assert told.case.frozen_until is not None
    assert told.case.frozen_until - told.case.frozen_since == 496_000
    assert [(one.type, one.became, one.reason) for one in told.held] == [
        ("deals.deal.close.v1", "refused", "ruled_out")
    ]


def test_the_reason_of_a_ruling_is_told_wherever_the_ruling_is() -> None:
    """In the story, behind the outcome, with the case and with the action: in the person's words, and in --json."""
    asked = script_lookup("deal-rejected-by-person")
    told = _told(asked, "deal/D-9")
    assert told.case is not None
    assert told.case.reason == "because"
    assert told.why == ["a person ruled: the action is rejected: “because”"]
    assert told.case.sentences[-1].endswith("bob ruled reject, on its revision 1: “because”")
    why = [one.why for one in script_explanations("deal-rejected-by-person").values() if one.event.get("held")]
    assert any("bob ruled reject" in sentence and "“because”" in sentence for one in why for sentence in one)


def test_what_is_not_known_of_many_journals_is_one_line() -> None:
    """A login of the desk sees no gate's journal: that is one thing to say, not seven."""
    hidden = "not there, or not for this login"
    notes = [UNDECIDED, *(f"bus.gate.{lane}: {hidden}" for lane in ("a", "b", "c", "d", "e")), "bus.journal/1: cut"]
    told = [UNDECIDED, f"bus.gate.a, bus.gate.b, bus.gate.c and 2 more: {hidden}", "bus.journal/1: cut"]
    assert notes_together(notes) == told


def test_the_same_decision_is_told_once() -> None:
    """What belongs to the contest that is told below stands there, not in the list of the subject as well."""
    asked = script_lookup("deal-rejected-by-person")
    told, story = _told(asked, "deal/D-9"), story_of(asked, "deal/D-9", 20)
    lines = story_lines(story, None, [told])
    assert not [link.decision for link in told.told if any(link.decision in line for line in lines[1:-1])]
    assert lines[-1].endswith(f"belong to {told.id}, which is told below")
    assert any(story.told[0].decision in line for line in lines)


def test_words_that_are_not_the_persons_are_not_told() -> None:
    """Nobody is quoted by a record that has another hash than the journal: the ruling is told without its reason."""
    evidence = evidence_of(BY_NAME["deal-rejected-by-person"])
    place = ("bus.arbiter", 0)
    forged = [
        one._replace(value=(one.value or b"").replace(b"because", b"forged!")) for one in evidence.logs[place].records
    ]
    log = replace(evidence.logs[place], records=tuple(forged))
    told = _told(Lookup(index_of(replace(evidence, logs={**evidence.logs, place: log}))), "deal/D-9")
    assert told.case is not None
    assert (told.case.reason, told.case.ruling) == ("", "reject")


def test_an_approval_that_came_too_late_is_told_as_not_done() -> None:
    """The person approved, and the action was not done: both stand in the outcome."""
    told = _told(script_lookup("case-holder-releases"), "supplier/S-1")
    assert told.why == [
        "a person ruled: the action is approved: “because”",
        "the held action was not done all the same: fenced",
    ]


def test_a_case_nobody_ruled_on_says_so() -> None:
    """Candidates were there to the end: what was missing is a ruling."""
    told = _told(script_lookup("case-expiry-deny"), "lead/L-1")
    assert told.why == ["nobody ruled in time, and the terms end such a case without a ruling"]
    assert told.case is not None
    assert "nobody ruled in time" in told.case.sentences[-1]


def test_a_case_of_a_wait_names_whom_it_went_to_and_why_they_waited() -> None:
    """No id of a candidate stands where an agent is meant."""
    told = _told(script_lookup("wait-passes"), "ship/T-1")
    assert told.case is not None
    text = " ".join(told.case.sentences)
    assert "“because”" in text
    assert not CANDIDATE_ID.search(text)


def test_a_question_is_told_with_its_words() -> None:
    """What was asked stands in the story, and the option is called an answer."""
    asked = script_lookup("question-ruled")
    told = next(one for one in map(partial(_told, asked), _subjects(asked)) if one.over == "question")
    assert told.question
    assert told.question in "\n".join(contest_lines(told, None))
    assert "gets it" not in " ".join(told.why)


def _subjects(asked: Lookup) -> list[str]:
    return [row[0] for row in asked.index.database.execute("SELECT subject FROM resources").fetchall()]


def test_an_open_case_says_since_when_and_by_when() -> None:
    """What stands still, whose queue it is in, and when it is due."""
    asked = _cut("deal-rejected-by-person", 8)
    text = standing_text(asked.present("deal/D-9"), ago=True)
    assert "(stands still)" in text
    assert "(a veto asked for it), queue desk, tier 1, due" in text
    assert "1 action is held" in text


@pytest.mark.parametrize("name", sorted(BY_NAME)[::8])
def test_every_sort_of_contest_can_be_told(name: str) -> None:
    """Each contest and each case of a script has a story with a state, and its page speaks of its subject."""
    asked = script_lookup(name)
    subjects = [row[0] for row in asked.index.database.execute("SELECT subject FROM resources").fetchall()]
    for subject in subjects:
        for identifier in story_of(asked, subject, 1).contests:
            told = Explaining(asked.index, asked, clock).contest(identifier)
            assert told is not None
            assert told.id == identifier
            assert subject in contest_lines(told, 80)[0]
            json.dumps(told.to_json())


def test_a_decision_of_a_contest_comes_with_its_story() -> None:
    """Whichever of its decisions is asked for, the whole contest follows."""
    lost = next(one for one in explanations().values() if one.reason == "lost")
    assert lost.contest is not None
    assert f"{lost.contest.id}  contest over {lost.subject}" in "\n".join(as_text(lost, None))


def test_what_the_index_keeps_of_a_resource_is_what_it_was() -> None:
    """Contests, cases, held actions and waits come back from the file as they went in."""
    bodies = lookup().index.database.execute("SELECT body FROM states").fetchall()
    kept = [resource_from_text(body) for (body,) in bodies]
    assert all(resource_to_text(one) == body for one, (body,) in zip(kept, bodies, strict=True))
    assert any(one.contest for one in kept)
    assert any(one.case and one.held for one in kept)
    assert any(one.wait for one in kept)


def test_every_public_event_has_words() -> None:
    """No line of `tail` or `send` shows an event as it came, or what is sealed."""
    events = []
    for place, log in eventful().logs.items():
        if place[0] == "bus.outcomes" or place[0].startswith("bus.out."):
            events += [json.loads(record.value or b"{}") for record in log.records]
    for event in events:
        line = in_words(event)
        assert "{" not in line, line
        assert event["kind"] != "voted" or line.endswith("sealed until the close")


def test_a_claim_too_many_is_explained() -> None:
    """The 65th claimant hears that the contest is full, and why."""
    bus = EventfulBus()
    bus.open_lane("sales")
    bus.set("lane", "sales", {"principal": "User:sales"})
    full_contest(bus)
    asked = Lookup(index_of(bus.evidence()))
    links = asked.linked("subject = ? AND kind = 'denied'", ("open/O-1",), limit=2)
    assert [link.event["reason"] for link in links] == ["contest_full"]
    p, o, n = (int(part) for part in links[0].decision.split(".")[1:])
    denied = asked.arbiter(p, o, n)
    assert denied is not None
    found = Explaining(asked.index, asked, clock).arbiter(denied)
    assert found.why == ["the contest has as many claims as it can take"]
