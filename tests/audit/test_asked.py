"""What is asked for is found by every name it has; and what is not there is answered with the reason and a near one."""

import pytest

from bus.audit.asked import Choice, Missing, Subject, find
from bus.audit.decisions import ArbiterDecision, GateDecision
from bus.audit.lookup import Lookup
from bus.core.log import topics
from bus.core.log.records import Record
from tests.audit.eventful import eventful_bus
from tests.audit.explained import eventful, index_of, lookup
from tests.audit.test_index import _with


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("1.1.6.0", "1.1.6.0"),
        ("1.1.6", "1.1.6.0"),
        ("sales.0", "sales.0"),
        ("bus.in.sales/0/0", "sales.0"),
        ("note-1", "1.1.17.0"),
    ],
)
def test_a_decision_is_found_by_each_of_its_names(asked: str, found: str) -> None:
    """By its id, by the record it is about, and by the id of the message."""
    answer = find(lookup(), asked)
    assert isinstance(answer, ArbiterDecision | GateDecision)
    assert answer.id == found


def test_a_forwarded_message_is_the_arbiters_decision_on_it() -> None:
    """What became of a message is what the arbiter said, if it got there."""
    answer = find(lookup(), "ping-1", "sales-1")
    assert isinstance(answer, ArbiterDecision)
    assert answer.entry.source.endswith("sales-1")


def test_an_id_of_several_senders_is_a_choice() -> None:
    """Ids are unique per sender: whose is meant has to be said."""
    answer = find(lookup(), "ping-1")
    assert isinstance(answer, Choice)
    assert [source.rpartition("/")[2] for source in answer.senders] == ["crm-1", "sales-1"]


def test_a_subject_is_a_subject() -> None:
    """Also one about which there were only refusals."""
    assert find(lookup(), "lead/L-1") == Subject("lead/L-1")


@pytest.mark.parametrize(
    ("asked", "sentence", "step"),
    [
        ("lead/L-11", "nothing was ever decided on lead/L-11", "perhaps lead/L-1"),
        ("plane/P-1", "nothing was ever decided on plane/P-1 (partition", "agentbus resources ls"),
        ("note-2", "no gate has judged a message with id note-2", "perhaps note-1 is meant"),
        ("2.0.1.0", "this bus is of generation 1, and 2.0.1 of 2", "the bus it came from"),
        ("1.7.1.0", "this bus has partitions 0 to 1, and no 7", "generation.partition.offset.event"),
        ("1.1.6.3", "the decision on offset 6 of partition 1 has 1 event", "ask for 1.1.6.0"),
        ("1.1.9999.0", "there is no such record yet: partition 1 ends at offset", "look at the number again"),
        ("sales.9999", "there is no such record yet: lane sales ends at offset", "look at the number again"),
        ("", "an empty text is the id of nothing", "name a decision"),
        ("atlantis.1", "there is no lane atlantis", "agentbus lanes ls"),
    ],
)
def test_what_is_not_there_is_said_with_what_is_near(asked: str, sentence: str, step: str) -> None:
    """The sentence names the cause, and the step the nearest thing that helps."""
    answer = find(lookup(), asked)
    assert isinstance(answer, Missing)
    assert answer.sentence.startswith(sentence)
    assert step in answer.step
    assert not answer.step.endswith(("?", "."))  # the sentence gets its full stop where it is shown


def test_an_unknown_sender_of_a_known_id_is_told() -> None:
    """The id is there, but not from that one."""
    answer = find(lookup(), "ping-1", "support-1")
    assert answer == Missing("support-1 has sent no message with id ping-1", "leave --from out to see who has")


def test_a_message_the_gate_has_not_judged_is_told_with_its_lag() -> None:
    """It is in the lane: the gate is so many records behind."""
    place = (topics.incoming("sales"), 0)
    log = eventful().logs[place].records
    waiting = tuple(Record(*place, len(log) + n, log[-1].timestamp_ms, None, b"{}", ()) for n in range(3))
    behind = Lookup(index_of(_with(eventful(), place, (*log, *waiting))))
    answer = find(behind, f"sales.{len(log)}")
    assert isinstance(answer, Missing)
    assert answer.sentence == "the gate has not judged it yet: lane sales is 3 records behind"
    by_id = find(behind, "somebody's-message")
    assert isinstance(by_id, Missing)
    assert by_id.sentence.endswith("not judged yet are, by lane: sales 3")


def test_a_record_the_arbiter_has_not_decided_is_told_with_its_lag() -> None:
    """It is in the partition: the arbiter is one record behind."""
    bus = eventful_bus()
    last = bus.records[topics.ARBITER, 1][-1]
    bus.records[topics.ARBITER, 1].append(Record(topics.ARBITER, 1, last.offset + 1, bus.now_ms, None, b"{}", ()))
    answer = find(Lookup(index_of(bus.evidence())), f"1.1.{last.offset + 1}.0")
    assert isinstance(answer, Missing)
    assert answer.sentence == "the arbiter has not judged it yet: partition 1 is 1 record behind"


def test_what_retention_took_is_told_as_not_known() -> None:
    """A journal without its beginning cannot answer, and says so."""
    place = (topics.JOURNAL, 1)
    log = eventful().logs[place].records
    answer = find(Lookup(index_of(_with(eventful(), place, log[5:], first=5))), "1.1.3.0")
    assert isinstance(answer, Missing)
    assert answer.sentence.startswith("that is not known: bus.journal/1: its beginning is gone")
