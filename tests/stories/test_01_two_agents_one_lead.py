"""Story 1: support and sales want the same lead; one of them gets it, and nobody writes to the lead but the holder."""

from dataclasses import dataclass

import pytest

from tests.stories.client import Json, Sender
from tests.stories.world import World

EMAIL = "leads.email.send.v1"
STAGE = "leads.lead.stage.v1"
CLAIM = "bus.resource.claim.v1"
RELEASE = "bus.resource.release.v1"
LEASE_MS = 60_000
HANDOVER_MS = 30_000


@dataclass(frozen=True, slots=True)
class Office:
    """Who works on leads."""

    world: World
    support: Sender
    sales: Sender
    sales_colleague: Sender
    crm: Sender

    def qualify(self, lead: str) -> None:
        """The crm states that a lead is qualified, and the bus knows it."""
        self.state(lead, "qualified")

    def state(self, lead: str, stage: str) -> None:
        """The crm states the stage of a lead."""
        fact = self.crm.ask(STAGE, {"lead_id": lead, "stage": stage}, subject=f"lead/{lead}")
        assert (fact["kind"], fact["name"], fact["value"]) == ("fact", "stage", stage)

    def texts_to(self, lead: str, *, after: Json) -> list[str]:
        """The emails that reached the governed topic, once the one that was admitted last is there."""
        emails = self.world.governed("leads", {"lead_id": lead, "subject": "Your demo"}, after=after)
        return [str(email["text"]) for email in emails]


def email(lead: str, text: str) -> Json:
    """An email to a lead."""
    return {"lead_id": lead, "to": "dana.ruiz@example.com", "subject": "Your demo", "text": text}


@pytest.fixture(scope="module")
def office(world: World) -> Office:
    """Two lanes that compete for leads, and the crm that knows which are qualified."""
    for contract in (EMAIL, STAGE):
        world.set_contract(contract)
    world.set_terms("leads", "lead", lease_ms=LEASE_MS, handover_ms=HANDOVER_MS)
    (support,) = world.hire("support", ("support-1", "support"))
    sales, colleague = world.hire("sales", ("sales-1", "sales"), ("sales-2", "sales"))
    (crm,) = world.hire("crm", ("crm-1", "crm"))
    for lane in ("support", "sales"):
        world.await_in_force(lane)
    return Office(world, support, sales, colleague, crm)


def test_the_first_claim_in_the_log_wins(office: Office) -> None:
    """(a) Support and sales claim one lead at once: one is granted it, the other hears who may try again when."""
    office.qualify("L-1")

    of_support = office.support.say(CLAIM, {}, subject="lead/L-1")
    of_sales = office.sales.say(CLAIM, {}, subject="lead/L-1")
    answers = [office.support.hear(of_support), office.sales.hear(of_sales)]

    granted, denied = sorted(answers, key=lambda answer: str(answer["kind"]), reverse=True)
    assert (granted["kind"], granted["by"]) == ("granted", "first")
    assert (denied["kind"], denied["reason"]) == ("denied", "held")
    assert denied["retry_after"] == granted["until"]
    assert _numbers(granted) < _numbers(denied), "first is the order in the log"


def test_the_loser_cannot_write_to_the_lead(office: Office) -> None:
    """(a) The loser's email is refused as fenced, with both tokens; exactly one email reaches the lead."""
    office.qualify("L-2")
    granted = office.support.claim("lead/L-2")
    denied = office.sales.claim("lead/L-2")
    assert (granted["kind"], denied["kind"]) == ("granted", "denied")

    stale = int(granted["token"]) - 1
    refused = office.sales.ask(EMAIL, email("L-2", "from sales"), subject="lead/L-2", token=stale)
    admitted = office.support.ask(EMAIL, email("L-2", "from support"), subject="lead/L-2", token=granted["token"])

    assert (refused["kind"], refused["reason"]) == ("refused", "fenced")
    assert (refused["token"], refused["current"]) == (stale, granted["token"])
    assert (admitted["kind"], admitted["topic"]) == ("action_admitted", "leads")
    assert office.texts_to("L-2", after=admitted) == ["from support"]


def test_even_the_right_token_is_worth_nothing_in_other_hands(office: Office) -> None:
    """(a) A token is no password: an agent that got hold of the holder's token is fenced all the same."""
    office.qualify("L-3")
    granted = office.support.claim("lead/L-3")

    refused = office.sales.ask(EMAIL, email("L-3", "stolen"), subject="lead/L-3", token=granted["token"])

    assert (refused["kind"], refused["reason"]) == ("refused", "fenced")
    admitted = office.support.ask(EMAIL, email("L-3", "mine"), subject="lead/L-3", token=granted["token"])
    assert office.texts_to("L-3", after=admitted) == ["mine"]


def test_a_lead_is_handed_over_to_a_named_colleague(office: Office) -> None:
    """(d) Support releases the lead to sales: a third agent is kept waiting, sales gets it with a higher token."""
    office.qualify("L-4")
    granted = office.support.claim("lead/L-4")
    release = {"token": granted["token"], "to": office.sales.source, "reason": "asked for a quote"}
    ended = office.support.ask(RELEASE, release, subject="lead/L-4")

    third = office.sales_colleague.claim("lead/L-4")
    handed_over = office.sales.claim("lead/L-4")

    assert (ended["kind"], ended["reason"]) == ("ended", "released")
    assert (third["kind"], third["reason"]) == ("denied", "cooling")
    assert third["retry_after"] >= ended["at"] + HANDOVER_MS
    assert handed_over["kind"] == "granted"
    assert handed_over["token"] > granted["token"]


def test_after_a_hand_over_the_former_holder_is_fenced(office: Office) -> None:
    """(d) What support still sends under its old token is refused; what sales sends arrives."""
    office.qualify("L-5")
    before = office.support.claim("lead/L-5")
    office.support.ask(RELEASE, {"token": before["token"], "to": office.sales.source}, subject="lead/L-5")
    after = office.sales.claim("lead/L-5")

    late = office.support.ask(EMAIL, email("L-5", "one more thing"), subject="lead/L-5", token=before["token"])
    own = office.sales.ask(EMAIL, email("L-5", "from sales now"), subject="lead/L-5", token=after["token"])

    assert (late["reason"], late["token"], late["current"]) == ("fenced", before["token"], after["token"])
    assert office.texts_to("L-5", after=own) == ["from sales now"]


@pytest.mark.parametrize("lead", ["L-6", "L-7"])
def test_a_lead_that_is_not_qualified_cannot_be_claimed(office: Office, lead: str) -> None:
    """With stage new, and with no stage at all, a claim is denied for its stage: unknown is not true."""
    if lead == "L-6":
        office.state(lead, "new")

    denied = office.sales.claim(f"lead/{lead}")

    assert (denied["kind"], denied["reason"], denied["retry_after"]) == ("denied", "stage", None)


def _numbers(answer: Json) -> list[int]:
    return [int(part) for part in str(answer["decision"]).split(".")]
