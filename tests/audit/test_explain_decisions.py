"""Every kind of decision is explained, and what is said agrees with what stock clients received and can read."""

import json

import pytest

from bus.audit.explain import UNDECIDED, Explaining
from bus.audit.explanation import Explanation
from bus.audit.lookup import Lookup
from bus.audit.story import story_of
from bus.core.decision.events import KINDS
from bus.core.decision.reasons import ArbiterReason, GateReason
from bus.core.log import topics
from bus.core.log.journal import parse_segment
from bus.core.log.records import digest
from tests.audit.eventful import eventful_bus
from tests.audit.explained import (
    answers,
    clock,
    eventful,
    explanations,
    held_after,
    held_before,
    index_of,
    kinds,
    lookup,
    public_events,
    undecided,
    worn,
)
from tests.audit.handmade import PARTITIONS, SALES, SUPPORT

SORTS = sorted(kinds())
ANSWERS = sorted(answers())
WITH_SUBJECT = sorted(name for name, one in explanations().items() if one.before is not None)
SAME_FIELDS = ("agent", "subject", "token", "until", "current", "name", "value", "topic", "result", "control", "of")


def _about(stage: str, kind: str, reason: str = "") -> Explanation:
    return kinds()[stage, kind, reason]


def test_there_is_one_of_every_kind() -> None:
    """All reasons of both stages and all kinds of events are among the decisions that are explained."""
    reasons = {(one.stage, one.reason) for one in explanations().values()}
    assert {("gate", reason.value) for reason in GateReason} <= reasons
    full = {ArbiterReason.CONTEST_FULL}  # takes 65 agents: see the test of contests
    assert {("arbiter", reason.value) for reason in set(ArbiterReason) - full} <= reasons
    assert set(KINDS) <= {str(one.event["kind"]) for one in explanations().values()}


@pytest.mark.parametrize("sort", SORTS, ids="-".join)
def test_every_sort_of_decision_is_complete(sort: tuple[str, str, str]) -> None:
    """Who, verified how, why, under what, and where it is proven: nothing of it is ever missing."""
    found = kinds()[sort]
    assert found.who.sentence
    assert found.why
    assert all(found.why)
    assert found.rests_on or found.verdict in ("refused", "duplicate")
    assert found.proof
    assert found.around


@pytest.mark.parametrize("decision", ANSWERS)
def test_an_answer_is_explained_as_it_was_given(decision: str) -> None:
    """Message, time, reason and every field of the answer that a client got stand in its explanation."""
    answer, found = answers()[decision], explanations()[decision]
    assert found.reason == answer.get("reason", found.reason if answer["kind"] != "refused" else None)
    assert found.at == answer["at"]
    assert (found.message.id if found.message else "") == answer["id"]
    assert (found.message.src if found.message else "") == answer["src"]
    said = {name: answer[name] for name in SAME_FIELDS if name in answer and name in found.event}
    assert said == {name: found.event[name] for name in said}
    assert [dict(one) for one in found.violations] == (answer.get("violations", []) if found.stage == "gate" else [])


@pytest.mark.parametrize("decision", WITH_SUBJECT)
def test_before_and_after_are_what_the_public_events_say(decision: str) -> None:
    """Folded by hand from what everybody can read, the holder, token and lease are the ones explained."""
    found = explanations()[decision]
    for standing, held in (
        (found.before, held_before(found.subject, decision)),
        (found.after, held_after(found.subject, decision)),
    ):
        assert standing is not None
        shown = standing.to_json()
        assert (shown["holder"], shown["token"], shown["until"]) == (held.holder, held.token, held.until)
        assert shown["facts"] == held.facts


@pytest.mark.parametrize("decision", sorted(explanations()))
def test_the_proof_leads_to_the_decision(decision: str) -> None:
    """The segment it names has the hash it says, and the decision is in it."""
    found = explanations()[decision]
    last = found.proof[-1]
    record = eventful().logs[last.topic, last.partition].by_offset[last.offset]
    segment = parse_segment(record.value)
    assert segment is not None
    assert (digest(record.value or b""), segment["prev"]) == (last.hash, last.prev)
    numbers = [int(part) for part in decision.split(".")[1:]]
    if found.stage == "gate":
        assert numbers[0] in [row[0] for row in segment["rows"]]
    else:
        assert numbers[1] in [entry["o"] for entry in segment["entries"]]


def test_a_claim_denied_as_held_names_the_holder_its_token_and_its_end() -> None:
    """The numbers in the sentence are those of the public events before it."""
    denied = [one for one in explanations().values() if (one.event["kind"], one.reason) == ("denied", "held")]
    for found in denied:
        held = held_before(found.subject, found.decision)
        assert held.holder is not None
        assert held.until is not None
        start = (
            f"{held.holder.rpartition('/')[2]} held {found.subject} under token {held.token} until {clock(held.until)}"
        )
        assert found.why[0].startswith(start)
    assert len(denied) >= 3


def test_a_fenced_message_names_both_tokens() -> None:
    """The one it carried, and the current one with its holder, or that there was none."""
    fenced = [one for one in explanations().values() if one.reason == "fenced" and one.event.get("token") is not None]
    for found in fenced:
        held = held_before(found.subject, found.decision)
        assert f"the message named token {found.event['token']}, but" in found.why[0]
        assert (str(held.token) if held.holder else f"nobody held {found.subject}") in found.why[0]
    assert len(fenced) >= 3


def test_a_grant_says_which_role_the_terms_let_claim() -> None:
    """Who may claim stands in the terms that are named, with the person who set them."""
    found = _about("arbiter", "granted")
    terms = next(rest for rest in found.rests_on if rest.what == "terms")
    assert terms.set is not None
    assert (terms.ref, terms.set.kind, terms.set.source.rpartition("/")[2]) == ("lead@1", "terms", "ana")
    assert any("the terms let sales and support claim it" in sentence for sentence in found.why)


def test_a_missing_stage_is_told_from_a_wrong_one() -> None:
    """Unknown is not true: the sentence says which of the two it was."""
    stages = [one.why[0] for one in explanations().values() if one.reason == "stage"]
    assert any(sentence.endswith("it was not known") for sentence in stages)
    assert any(sentence.endswith('it was "lost"') for sentence in stages)


def test_a_claim_without_the_role_is_told_which_roles_may() -> None:
    """The roles are those of the denial, the sender's own those of its registration."""
    found = _about("arbiter", "denied", "not_allowed")
    assert found.event["wants"] == {"roles": ["sales", "support"]}
    assert found.why == ["the terms let only roles sales and support claim lead/L-4; legal-1 has role legal"]


def test_a_denial_of_an_older_engine_is_explained_as_well() -> None:
    """Where the journal does not say what was wanted, terms and facts of that moment do, in the same sentences."""
    bus = eventful_bus()
    events = [
        event
        for p in range(PARTITIONS)
        for body in bus.bodies[topics.JOURNAL, p]
        for entry in body.get("entries", ())
        for event in entry["events"]
    ]
    assert sum(event.pop("wants", None) is not None for event in events) >= 3
    asked = Lookup(index_of(bus.evidence()))
    explaining = Explaining(asked.index, asked, clock)
    for one in explanations().values():
        if "wants" in one.event:
            p, o, n = map(int, one.decision.split(".")[1:])
            old = asked.arbiter(p, o, n)
            assert old is not None
            assert explaining.arbiter(old).why == one.why


def test_an_admitted_action_leads_to_its_record_and_its_report() -> None:
    """The record on the governed topic is the one with this decision, and what its executor said follows."""
    admitted = [one for one in explanations().values() if one.event["kind"] == "action_admitted"]
    for found in admitted:
        assert found.released is not None
        place = (found.released.topic, found.released.partition)
        record = eventful().logs[place].by_offset[found.released.offset]
        assert dict(record.headers)["bus-decision"] == found.decision.encode()
    assert any([link.event["kind"] for link in one.followed] == ["reported"] for one in admitted)


def test_a_grant_is_followed_to_its_end_and_to_the_next_holder() -> None:
    """What was done under it, how it ended, and who got the resource then."""
    grants = [one for one in explanations().values() if (one.event["kind"], one.subject) == ("granted", "lead/L-1")]
    followed = [[str(link.event["kind"]) for link in one.followed] for one in grants]
    assert followed == [["renewed", "action_admitted", "ended", "granted"], ["ended"]]
    assert [one.event["agent"] for one in grants] == [SALES, SUPPORT]


def test_a_change_says_what_it_changes() -> None:
    """The revision before it with who set it, and each value that is another one now."""
    changes = [one for one in explanations().values() if one.event["kind"] == "control_set"]
    terms = [one for one in changes if (one.event["name"], one.event["rev"]) == ("truck", 2)]
    assert len(terms) == PARTITIONS
    assert terms[0].why[1].startswith("before it, terms truck revision 1 was in force, set by ana at ")
    assert "lease_ms from 3000 to 1000" in terms[0].why[2]
    assert "lock_delay_ms from 20000 to nothing" in terms[0].why[2]
    first = next(one for one in changes if (one.event["name"], one.event["rev"]) == ("truck", 1))
    assert "no terms truck was in force before" in first.why


def test_a_fact_with_a_topic_names_its_release() -> None:
    """Both events of one message are told with either of them."""
    score = next(one for one in explanations().values() if one.event.get("name") == "score")
    assert score.followed[0].event["kind"] == "action_admitted"


def test_a_story_is_in_the_order_of_the_log() -> None:
    """The time a tick states may lie behind a message before it; the story follows the log all the same."""
    for subject in ("lead/L-1", "lead/L-6"):
        told = [link.decision for link in story_of(lookup(), subject, 100).told if link.decision.startswith("1.")]
        assert told == [event["decision"] for event in public_events(subject)]


def test_a_suspension_is_followed_by_what_it_ended_and_by_its_end() -> None:
    """The holdings it took, and the change that lifted it."""
    stopped = [
        one
        for one in explanations().values()
        if one.event["kind"] == "agent_status" and one.event["status"] == "suspended"
    ]
    kinds_after = {str(link.event["kind"]) for one in stopped for link in one.followed}
    assert kinds_after == {"ended", "agent_status"}


def test_a_message_without_a_known_sender_is_verified_as_nobody() -> None:
    """What names itself is told from what is known."""
    assert _about("gate", "refused", "unknown_sender").who.sentence.startswith("not at all: the message calls itself")
    assert _about("gate", "refused", "wrong_lane").who.sentence.startswith("not at all: ")
    assert (
        "lane sales belongs to the Kafka principal User:sales; whether Kafka lets nobody else write there is not"
        in (_about("gate", "refused", "schema_violation").who.sentence)
    )


def test_a_message_is_shown_as_it_was_sent() -> None:
    """The bytes come from the lane, and their hash is the journal's."""
    found = _about("gate", "refused", "rule_violation")
    assert found.message is not None
    assert (found.message.kept, json.loads(found.message.excerpt)) == ("there", {"lead_id": "L-1", "words": 101})


def test_what_retention_took_is_said_and_the_rest_is_known() -> None:
    """Without the messages the journals still say who, when, why and by which hash."""
    refused, admitted = worn()
    whole = explanations()[refused.decision], explanations()[admitted.decision]
    for found, known in zip((refused, admitted), whole, strict=True):
        assert found.message is not None
        assert known.message is not None
        assert (found.message.kept, found.message.excerpt) == ("gone", "")
        assert (found.message.hash, found.reason, found.who) == (known.message.hash, known.reason, known.who)
    assert (refused.violations, admitted.released) == ((), None)


def test_a_forwarded_message_that_waits_is_told_as_such() -> None:
    """The gate has passed it on; that the arbiter has not decided yet is said."""
    assert undecided().notes == [UNDECIDED]
    assert undecided().verdict == "forwarded"


def test_a_duplicate_leads_to_the_first_decision() -> None:
    """It says what stands, and the first one says that it came again."""
    found = _about("gate", "duplicate", "duplicate")
    first = explanations()[found.followed[0].decision]
    assert first.verdict == "forwarded"
    assert found.decision in [link.decision for link in first.again]


def test_free_text_is_in_no_table_of_the_index() -> None:
    """Bodies and reasons of people are read where they stand, never kept: they can be erased there."""
    database = lookup().index.database
    tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()]
    kept = " ".join(str(row) for table in tables for row in database.execute(f'SELECT * FROM "{table}"').fetchall())
    everything = b" ".join(record.value or b"" for record in eventful().logs[topics.incoming("sales"), 0].records)
    assert b"d@example.com" in everything
    assert "d@example.com" not in kept
    assert "it loops" not in kept
