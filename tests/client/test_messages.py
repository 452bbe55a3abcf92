"""Saying things: facts, messages, what is answered in silence, the same id twice, and a clock that is wrong."""

import json
import logging
import time
from dataclasses import dataclass

import pytest

from bus.client import Bus, Invalid, Misuse, NotAllowed, Unanswered, Unreachable
from tests.client.conftest import NOTE, SILENT, STAGE, Company, eventually


@dataclass(frozen=True, slots=True)
class Note:
    """A body as a class."""

    lead_id: str
    text: str


def test_a_fact_is_known_when_the_call_returns(company: Company) -> None:
    """The verdict of a fact says that it is known."""
    subject = company.lead()
    with company.bus("crm-1") as crm:
        verdict = crm.send(STAGE, {"lead_id": subject.partition("/")[2], "stage": "qualified"}, subject=subject)
    assert verdict.kind == "fact"
    assert verdict.events[0].fields["value"] == "qualified"


def test_a_message_with_a_topic_is_on_it(company: Company, sales: Bus) -> None:
    """A dataclass as body, headers of one's own, and the topic in the verdict."""
    verdict = sales.send(NOTE, Note("L-1", "prefers mornings"), headers={"ce_correlationid": "talk-7", "mood": "good"})
    assert (verdict.kind, verdict.topic) == ("action_admitted", "leads")
    record = company.world.topic("leads").find(
        lambda one: one.header("bus-decision") == verdict.decision, "the note arrives"
    )
    assert json.loads(record.value) == {"lead_id": "L-1", "text": "prefers mornings"}
    assert (record.header("ce_correlationid"), record.header("mood")) == ("talk-7", "good")


def test_a_message_that_is_never_answered_is_known_to_have_passed(company: Company, sales: Bus) -> None:
    """What has no topic and states no fact gets no answer; the gate tells at least that it has let it pass."""
    verdict = sales.send(SILENT, {"lead_id": "L-1", "text": "remember me"}, until="forwarded")
    assert (verdict.kind, verdict.is_admitted) == ("forwarded", False)
    with pytest.raises(Invalid):
        sales.send(SILENT, {"lead_id": "L-1"}, until="forwarded")


def test_who_waits_for_a_verdict_that_never_comes_hears_so_in_the_end(sales: Bus) -> None:
    """The gate's pass is no verdict: it may still be refused, so the client claims nothing, and says what it knows."""
    with pytest.raises(Unanswered, match=r"gate has let it pass .* until=\"forwarded\""):
        sales.send(SILENT, {"lead_id": "L-1", "text": "remember me, too"}, timeout_s=2)


def test_a_refused_message_has_every_violation(sales: Bus) -> None:
    """A message that breaks its contract is refused with all that is wrong."""
    with pytest.raises(Invalid) as caught:
        sales.send(NOTE, {"kind": "song", "colour": "red"})
    assert {violation.path for violation in caught.value.violations} == {"/lead_id", "/text", "/kind", "/colour"}


def test_who_lacks_the_role_is_told_so(company: Company, sales: Bus) -> None:
    """A fact stated by a role that does not own it is not allowed."""
    subject = company.lead()
    with pytest.raises(NotAllowed, match="steward"):
        sales.send(STAGE, {"lead_id": subject.partition("/")[2], "stage": "new"}, subject=subject)


def test_an_unregistered_agent_is_told_so(company: Company) -> None:
    """A sender the bus does not know hears it by name, though such an answer goes to the whole lane."""
    with company.bus("nobody") as nobody, pytest.raises(NotAllowed, match="unknown_sender"):
        nobody.send(NOTE, Note("L-1", "hello"))


def test_the_same_id_again_gets_the_first_answer(company: Company, sales: Bus) -> None:
    """Sent again by another process under its id, a message has the verdict it had, and is on its topic once."""
    note = Note("L-1", "only once")
    first = sales.send(NOTE, note, id="note-1")
    with company.bus() as again:
        second = again.send(NOTE, note, id="note-1")
    third = sales.send(NOTE, note, id="note-1")
    assert first.decision == second.decision == third.decision
    records = company.world.topic("leads").all(lambda one: one.header("ce_id") == "note-1")
    assert len(records) == 1


def test_a_refusal_is_also_found_again(company: Company, sales: Bus) -> None:
    """A message that was refused and is sent again is refused with the same violations."""
    found = []
    for bus in (sales, company.bus()):
        with bus, pytest.raises(Invalid) as caught:
            bus.send(NOTE, {"lead_id": "L-1"}, id="broken-1")
        found.append((caught.value.violations, caught.value.decision))
    assert found[0] == found[1]


def test_another_message_under_a_used_id_is_refused(sales: Bus) -> None:
    """An id stands for one message."""
    sales.send(NOTE, Note("L-1", "one"), id="note-2")
    with pytest.raises(Exception, match="id_reuse"):
        sales.send(NOTE, Note("L-1", "another"), id="note-2")


@pytest.mark.parametrize("minutes", [-60, 10])
def test_a_wrong_clock_is_told_and_not_suffered(
    company: Company, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, minutes: int
) -> None:
    """An hour behind or ten minutes ahead, the message is sent with the right time, and the skew is told."""
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + minutes * 60)
    with caplog.at_level(logging.WARNING, "agentbus.client"), company.bus() as bus:
        assert bus.clock_skew_ms is None
        assert bus.send(NOTE, Note("L-1", "what time is it?")).is_admitted
        assert bus.clock_skew_ms == pytest.approx(minutes * 60_000, abs=5_000)
        with bus.claim(company.lead()) as lead:
            assert lead.is_held
    assert [record for record in caplog.records if "clock of this machine" in record.message]


def test_the_envelope_is_the_clients(sales: Bus) -> None:
    """A header that the client writes cannot be given: nobody sends yesterday's time by accident."""
    with pytest.raises(Misuse, match="ce_time"):
        sales.send(NOTE, Note("L-1", "x"), headers={"ce_time": "2020-01-01T00:00:00Z"})


@pytest.mark.parametrize("identifier", ["order 17", "ö", "x" * 65])
def test_an_id_that_can_never_be_one_is_said_at_once(sales: Bus, identifier: str) -> None:
    """The gate could not even say to whom it refuses such a message."""
    with pytest.raises(Misuse, match="visible ASCII"):
        sales.send(NOTE, Note("L-1", "x"), id=identifier)


def test_a_header_that_is_no_text_is_said_at_once(sales: Bus) -> None:
    """A number among the headers is named, before anything is sent."""
    with pytest.raises(Misuse, match="'mood' is no text"):
        sales.send(NOTE, Note("L-1", "x"), headers={"mood": 5})  # type: ignore[dict-item]


@pytest.mark.parametrize("body", [float("nan"), {"at": object()}, {1, 2}])
def test_a_body_json_cannot_say_is_said_at_once(sales: Bus, body: object) -> None:
    """What is no JSON never leaves the process."""
    with pytest.raises(Misuse, match="no JSON"):
        sales.send(NOTE, body)


def test_bytes_are_sent_as_they_are(sales: Bus) -> None:
    """Avro where the contract says JSON is the bus's to refuse."""
    with pytest.raises(Invalid, match="schema_mismatch"):
        sales.send(NOTE, b"\x00\x01", content_type="application/avro")


def test_what_has_expired_is_refused(sales: Bus) -> None:
    """An expiry counts from now by the broker's clock."""
    assert sales.send(NOTE, Note("L-1", "soon"), expires_in_s=60).is_admitted
    with pytest.raises(Exception, match="expired"):
        sales.send(NOTE, Note("L-1", "too late"), expires_in_s=-1)


def test_no_kafka_is_one_sentence() -> None:
    """Where nothing listens, the error names the address and what to set."""
    bus = Bus(agent="spiffe://acme/agent/sales-1", lane="sales", bootstrap="127.0.0.1:1")
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1.*AGENTBUS_BOOTSTRAP"):
        bus.open()


def test_no_such_lane_is_one_sentence(company: Company) -> None:
    """A lane without topics is named, with the command that makes them."""
    with pytest.raises(Exception, match=r"no lane nowhere .*agentbus lanes set"):
        company.bus(lane="nowhere").open()


def test_events_tell_what_nobody_asked_for(company: Company, sales: Bus) -> None:
    """A revocation reaches whoever listens, once, and answers to questions do not."""
    heard: list[str] = []
    sales.on_event(lambda event: heard.append(event.kind))
    lead = sales.claim(company.lead())
    company.revoke(lead.subject)
    (event,) = list(sales.events(timeout_s=1))
    assert (event.kind, event.reason, event.token, event.subject) == ("ended", "revoked", lead.token, lead.subject)
    assert eventually(lambda: heard == ["ended"])
