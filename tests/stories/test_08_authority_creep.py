"""Story 8, first part: a support agent tries to change a customer's record, which only the crm may."""

from dataclasses import dataclass

import pytest

from tests.stories.client import Json, Sender
from tests.stories.world import World

UPDATE = "customer.record.update.v1"


@dataclass(frozen=True, slots=True)
class Office:
    """Somebody who may change customers' records, and somebody who may not."""

    world: World
    crm: Sender
    support: Sender


@pytest.fixture(scope="module")
def office(world: World) -> Office:
    """A crm and a support agent; no terms for customers: nobody has to hold one to update it."""
    world.set_contract(UPDATE)
    (crm,) = world.hire("records", ("records-1", "crm"))
    (support,) = world.hire("helpdesk", ("helpdesk-1", "support"))
    world.await_in_force("records")
    return Office(world, crm, support)


def update(customer: str) -> Json:
    """A new address for the bills."""
    changes = {"billing_email": "accounts@example.com"}
    return {"customer_id": customer, "changes": changes, "reason": "asked for on the phone"}


def test_who_may_not_is_refused(office: Office) -> None:
    """The support agent's update is refused as not allowed, at the gate, though its lane may write to Kafka."""
    refused = office.support.ask(UPDATE, update("C-1"), subject="customer/C-1")

    assert (refused["kind"], refused["reason"]) == ("refused", "not_allowed")
    assert refused["decision"].startswith("helpdesk."), "the gate of its lane answered"


def test_nothing_of_it_reaches_the_customers(office: Office) -> None:
    """The governed topic shows what the crm sent and nothing of what support sent before and after."""
    office.support.ask(UPDATE, update("C-2"), subject="customer/C-2")
    admitted = office.crm.ask(UPDATE, update("C-3"), subject="customer/C-3")
    office.support.ask(UPDATE, update("C-3"), subject="customer/C-3")

    assert (admitted["kind"], admitted["topic"]) == ("action_admitted", "customers")
    last = office.crm.ask(UPDATE, update("C-5"), subject="customer/C-5")
    seen = [body["customer_id"] for body in office.world.governed("customers", {}, after=last)]
    assert seen == ["C-3", "C-5"]


def test_the_refused_message_is_kept_with_its_bytes(office: Office) -> None:
    """Operators find the refused message on bus.refused: its very bytes, its headers, and why."""
    refused = office.support.ask(UPDATE, update("C-4"), subject="customer/C-4")

    letter = office.world.topic("bus.refused").find(
        lambda record: record.header("bus-src") == refused["src"], "the refused update is kept for the operators"
    )
    sent = office.world.topic("bus.in.helpdesk").find(
        lambda record: f"{record.topic}/{record.partition}/{record.offset}" == refused["src"], "the update as sent"
    )
    assert letter.value == sent.value
    assert letter.headers[: len(sent.headers)] == sent.headers
    assert letter.header("bus-reason") == "not_allowed"
