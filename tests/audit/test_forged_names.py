"""Whoever writes to a lane chooses ids and names in its messages: none of them hides what somebody else did."""

import pytest

from bus.audit.agent_report import AgentReport, has_spoken, report_of
from bus.audit.asked import Subject, find, find_message, find_subject, what_else
from bus.audit.decisions import ArbiterDecision
from bus.audit.explain import Explaining
from bus.audit.lookup import Lookup
from tests.audit.eventful import CLAIM, EventfulBus, eventful_bus
from tests.audit.explained import clock, index_of
from tests.audit.handmade import SALES
from tests.rules.cast import NOTE

GHOST = "spiffe://acme/agent/ghost"


def _forge(bus: EventfulBus) -> None:
    bus.say("sales", SALES, NOTE, {"text": "mine"}, id="true-1")
    bus.say("support", SALES, NOTE, {"text": "mine"}, id="true-1")  # the same bytes, on somebody else's lane
    bus.say("support", SALES, NOTE, {"text": "forged"}, id="true-1")
    bus.say("sales", SALES, NOTE, {"text": "another"}, id="true-1")  # id_reuse
    bus.say("sales", SALES, NOTE, {"text": "a subject's name"}, id="lead/L-1")
    bus.say("sales", SALES, NOTE, {"text": "a decision's name"}, id="1.1.6")
    bus.say("sales", GHOST, CLAIM, subject="lead/L-1")


@pytest.fixture(scope="module")
def lookup() -> Lookup:
    """The eventful bus, after somebody has used other names than their own."""
    bus = eventful_bus()
    _forge(bus)
    return Lookup(index_of(bus.evidence()))


@pytest.fixture(scope="module")
def reports(lookup: Lookup) -> tuple[AgentReport, AgentReport]:
    """On sales-1 without the forgeries, and with them."""
    plain = Lookup(index_of(eventful_bus().evidence()))
    before, after = (report_of(one, one.index.present_registry(), SALES, 100) for one in (plain, lookup))
    return before, after


def test_an_id_cannot_stand_in_for_a_subject(lookup: Lookup) -> None:
    """The subject is told, and that a message has its name as well."""
    found = find(lookup, "lead/L-1")
    assert found == find_subject(lookup, "lead/L-1") == Subject("lead/L-1")
    assert "agentbus explain lead/L-1 --id" in what_else(lookup, "lead/L-1", found)[0]


@pytest.mark.parametrize("identifier", ["lead/L-1", "1.1.6"])
def test_a_message_with_another_things_name_can_be_explained(lookup: Lookup, identifier: str) -> None:
    """Asked for as a message, or with its sender, it is the message."""
    for found in (find_message(lookup, identifier, ""), find(lookup, identifier, "sales-1")):
        assert isinstance(found, ArbiterDecision)
        assert found.entry.id == identifier


def test_a_decision_is_preferred_and_the_message_is_named(lookup: Lookup) -> None:
    """The id of a decision is that decision."""
    found = find(lookup, "1.1.6")
    assert isinstance(found, ArbiterDecision)
    assert found.id == "1.1.6.0"
    assert found.entry.id != "1.1.6"
    assert "agentbus explain 1.1.6 --id" in what_else(lookup, "1.1.6", found)[0]


def test_a_forged_record_is_not_the_message(lookup: Lookup) -> None:
    """Neither a copy on another lane nor a second use of the id hides what the sender said; both are named."""
    found = find(lookup, "true-1")
    assert isinstance(found, ArbiterDecision)
    assert (found.entry.source, found.entry.src.split("/")[0]) == (SALES, "bus.in.sales")
    (note,) = what_else(lookup, "true-1", found)
    assert note.startswith("somebody whom no gate knew used this id as well: support.")
    assert note.count("(wrong_lane)") == 2
    assert Explaining(lookup.index, lookup, clock).of(found).again == []


def test_a_forgery_is_not_counted_as_the_agents(reports: tuple[AgentReport, AgentReport]) -> None:
    """Its messages, counts and refusals have only what it sent itself; the rest is told apart."""
    before, after = reports
    assert after.counts["messages"] == before.counts["messages"] + 4
    assert "wrong_lane" not in after.refusals
    assert "wrong_lane" not in [one.decided.event.get("reason") for one in after.spoken]
    assert after.in_its_name["wrong_lane"] == before.in_its_name.get("wrong_lane", 0) + 2


def test_a_name_that_only_strangers_used_has_not_spoken(lookup: Lookup) -> None:
    """Nobody is made an agent by being named."""
    assert not has_spoken(lookup, GHOST)
    assert has_spoken(lookup, SALES)
