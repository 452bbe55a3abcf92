"""LocalBus: the real client over the real stages in virtual time; what a developer's own tests rely on."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from bus.client import Bus, Denied, Fenced, Held, LeaseLost, Refused, Undecided
from bus.sim import Control, LocalBus, sample
from bus.sim.errors import SimulationError

MAIL = "leads.email.send.v1"
BODY = {"lead_id": "L-1", "to": "ada@acme.com", "subject": "Hi", "text": "Shall we?"}
CLOSE = {"deal_id": "D-9", "customer": "Globex", "currency": "EUR", "discount_bp": 0, "standard_terms": True}


@pytest.fixture
def bus() -> Iterator[LocalBus]:
    """The sample company, with one lead that may be claimed."""
    with LocalBus() as made:
        made.agent("crm-1").send("leads.lead.stage.v1", {"lead_id": "L-1", "stage": "qualified"}, subject="lead/L-1")
        yield made


def test_one_agent_holds_and_the_other_is_denied(bus: LocalBus) -> None:
    """The exceptions are those of the client."""
    bus.agent("sales-1").claim("lead/L-1")
    with pytest.raises(Denied) as denied:
        bus.agent("support-1").claim("lead/L-1")
    assert denied.value.reason == "held"


def test_what_is_admitted_is_on_the_governed_topic(bus: LocalBus) -> None:
    """With the bytes that the agent sent, once."""
    with bus.agent("sales-1").claim("lead/L-1") as lead:
        lead.act(MAIL, BODY)
    assert [message.body for message in bus.on("leads")] == [BODY]


def test_a_message_that_breaks_its_contract_is_refused(bus: LocalBus) -> None:
    """With everything that is wrong with it."""
    lead = bus.agent("sales-1").claim("lead/L-1")
    with pytest.raises(Refused) as refused:
        lead.act(MAIL, {"lead_id": "L-1"})
    assert refused.value.violations


def test_a_lease_is_renewed_while_time_passes(bus: LocalBus) -> None:
    """As long as its agent lives it keeps what it holds."""
    lead = bus.agent("sales-1").claim("lead/L-1")
    bus.advance(minutes=30)
    assert lead.act(MAIL, BODY).token == lead.token


def test_an_agent_that_hangs_loses_its_lease(bus: LocalBus) -> None:
    """Others get it, and what it still believes is put right."""
    lead = bus.agent("sales-1").claim("lead/L-1")
    with bus.standing_still("sales-1"):
        bus.advance(minutes=3)
        second = bus.agent("support-1").claim("lead/L-1")
    assert second.token > lead.token
    with pytest.raises(LeaseLost):
        lead.act(MAIL, BODY)


def test_an_old_token_is_fenced(bus: LocalBus) -> None:
    """Whoever goes on with what it has given back is refused, and nothing goes out."""
    sales = bus.agent("sales-1")
    lead = sales.claim("lead/L-1")
    lead.release()
    with pytest.raises(Fenced):
        sales.send(MAIL, BODY, subject="lead/L-1", token=lead.token)
    assert bus.on("leads") == []


def test_a_contest_is_decided_while_the_claim_waits(bus: LocalBus) -> None:
    """What happens meanwhile is said beforehand; nobody needs a thread."""
    terms = {**dict(sample().terms["lead"]), "window_ms": 2000, "ladder": ["priority", "deny"]}
    bus.set("terms", "lead", terms)
    lost: list[str] = []

    def rival() -> None:
        try:
            bus.agent("support-1").claim("lead/L-1")
        except Denied as no:
            lost.append(no.reason)

    bus.after(1.0, rival)
    lead = bus.agent("sales-1").claim("lead/L-1")
    assert lost == ["lost"]
    assert bus.events("lead/L-1")[-1]["kind"] in ("granted", "denied")
    assert lead.is_held


def test_a_claim_that_nobody_decides_is_undecided(bus: LocalBus) -> None:
    """A wait ends in virtual time, at once for the test."""
    terms = {**dict(sample().terms["lead"]), "window_ms": 60_000}
    bus.set("terms", "lead", terms)
    began_s = time.monotonic()
    with pytest.raises(Undecided):
        bus.agent("sales-1").claim("lead/L-1", timeout_s=20)
    assert time.monotonic() - began_s < 15


def test_a_person_rules_on_what_is_held(bus: LocalBus) -> None:
    """An action above the limit waits for a person; approved, it goes out."""
    held, deal = _held(bus)
    (case,) = bus.cases()
    bus.rule(case["case"], "approve", reason="a good deal")
    assert bus.agent("sales-1").decision_on(held).topic == "deals"
    assert [message.subject for message in bus.on("deals")] == [deal]


def test_a_person_may_say_no(bus: LocalBus) -> None:
    """Then nothing goes out, and the agent hears why."""
    held, _ = _held(bus)
    (case,) = bus.cases()
    bus.rule(case["case"], "reject", reason="too cheap")
    with pytest.raises(Refused) as refused:
        bus.agent("sales-1").decision_on(held)
    assert refused.value.reason == "ruled_out"
    assert bus.on("deals") == []


def _held(bus: LocalBus) -> tuple[Held, str]:
    stage: dict[str, Any] = {"deal_id": "D-9", "stage": "negotiation"}
    bus.agent("crm-1").send("deals.deal.stage.v1", stage, subject="deal/D-9")
    deal = bus.agent("sales-1").claim("deal/D-9")
    held = deal.act("deals.deal.close.v1", {**CLOSE, "amount_cents": 200_000_000})
    assert isinstance(held, Held)
    bus.advance(seconds=30)
    return held, "deal/D-9"


def test_a_suspended_agent_loses_what_it_holds(bus: LocalBus) -> None:
    """And gets it again when that is over."""
    sales = bus.agent("sales-1")
    sales.claim("lead/L-1")
    bus.suspend("sales-1")
    bus.advance(seconds=5)
    assert "ended" in [event["kind"] for event in bus.events("lead/L-1")]
    bus.resume("sales-1")
    bus.advance(seconds=1)
    assert sales.claim("lead/L-1").is_held


def test_governed_topics_can_be_subscribed_to(bus: LocalBus) -> None:
    """By the client's own subscription, in a group."""
    with bus.agent("sales-1").claim("lead/L-1") as lead:
        lead.act(MAIL, BODY)
    subscription = bus.agent("sales-2").subscribe("leads", group="bus.sales.mailer", start="earliest", timeout_s=2)
    assert [message.type for message in subscription] == [MAIL]


def test_a_world_of_your_own() -> None:
    """Your agents, your contracts, your terms."""
    contract = {"type": "docks.crane.move.v1", "topic": "docks", "resource": "berth", "guard": True, "may": ["crane"]}
    value = {"contract": contract, "format": "json", "schema": '{"type":"object"}', "ids": [], "guids": []}
    terms = {"resource": "berth", "lease_ms": 60_000, "ladder": ["deny"], "wait_max_ms": 0}
    own = Control({"port": {"crane-1": ("crane",)}}, {}, {"docks.crane.move.v1": value}, {"berth": terms})
    with LocalBus(own) as bus, bus.agent("crane-1").claim("berth/B-1") as berth:
        berth.act("docks.crane.move.v1", {})
        assert len(bus.on("docks")) == 1


def test_every_test_begins_anew(bus: LocalBus) -> None:
    """What another test has held is free."""
    assert bus.events("lead/L-1")[0]["kind"] == "fact"
    assert bus.agent("sales-1").claim("lead/L-1").is_held


def test_one_at_a_time(bus: LocalBus) -> None:
    """All agents of a process live by one time."""
    del bus
    with pytest.raises(SimulationError, match="close it first"), LocalBus():
        pass


def test_who_is_not_there_is_named(bus: LocalBus) -> None:
    """With those who are."""
    with pytest.raises(SimulationError, match="sales-1"):
        bus.agent("nobody")


def test_the_agents_are_the_clients_own(bus: LocalBus) -> None:
    """What is tested is what runs against Kafka."""
    assert type(bus.agent("sales-1")) is Bus
