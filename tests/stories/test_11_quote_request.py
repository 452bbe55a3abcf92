"""Story 11: procurement forgets half of a quote request, then asks for yesterday; logistics sees only the good one."""

import json
import time
from dataclasses import dataclass

import pytest

from tests.stories.client import Json, Sender
from tests.stories.world import SCHEMAS, World

REQUEST = "logistics.quote.request.v1"
HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Office:
    """Procurement asks; logistics reads the topic `logistics`."""

    world: World
    procurement: Sender

    def seen_by_logistics(self, order: str, *, after: Json) -> list[Json]:
        """The requests for an order that reached logistics, once the one that was admitted last is there."""
        return self.world.governed("logistics", {"purchase_order": order}, after=after)


@pytest.fixture(scope="module")
def office(world: World) -> Office:
    """Procurement with a lane and a contract; the topic of logistics is governed."""
    world.set_contract(REQUEST)
    (procurement,) = world.hire("procurement", ("procurement-1", "procurement"))
    return Office(world, procurement)


def request(order: str, *, begins_in_ms: int) -> Json:
    """A complete request, for a window that begins so long from now."""
    example = SCHEMAS / "logistics/quote.request/v1/examples/valid/bearings.json"
    begins_ms = time.time_ns() // 1_000_000 + begins_in_ms
    window = {"from_ms": begins_ms, "to_ms": begins_ms + 4 * HOUR_MS}
    body: Json = json.loads(example.read_text(encoding="utf-8"))
    return body | {"purchase_order": order, "delivery_window": window}


def test_all_that_is_missing_is_named_at_once(office: Office) -> None:
    """Order, window and cost centre are missing: the refusal names all three by their paths, not only the first."""
    complete = request("PO-1", begins_in_ms=HOUR_MS)
    incomplete = {name: complete[name] for name in ("origin", "destination", "goods")}

    refused = office.procurement.ask(REQUEST, incomplete)

    assert (refused["kind"], refused["reason"]) == ("refused", "schema_violation")
    named = [(violation["path"], violation["keyword"]) for violation in refused["violations"]]
    assert named == [("/cost_centre", "required"), ("/delivery_window", "required"), ("/purchase_order", "required")]


def test_a_rule_across_fields_speaks_its_own_sentence(office: Office) -> None:
    """The window begins in the past: the refusal is the sentence that procurement's own contract gives for it."""
    refused = office.procurement.ask(REQUEST, request("PO-2", begins_in_ms=-HOUR_MS))

    assert (refused["kind"], refused["reason"]) == ("refused", "rule_violation")
    said = [(violation["rule"], violation["message"]) for violation in refused["violations"]]
    sentence = "the delivery window begins in the past: choose one that begins later than now"
    assert said == [("window-past", sentence)]


def test_logistics_never_sees_what_was_refused(office: Office) -> None:
    """Of three tries for one order logistics sees the third, corrected one."""
    past = request("PO-3", begins_in_ms=-HOUR_MS)
    good = request("PO-3", begins_in_ms=HOUR_MS)
    office.procurement.ask(REQUEST, {name: past[name] for name in past if name != "cost_centre"})
    office.procurement.ask(REQUEST, past)
    admitted = office.procurement.ask(REQUEST, good)

    assert (admitted["kind"], admitted["topic"]) == ("action_admitted", "logistics")
    assert office.seen_by_logistics("PO-3", after=admitted) == [good]


def test_what_arrives_is_what_was_sent_byte_for_byte(office: Office) -> None:
    """The admitted request has on the governed topic the bytes and the headers it was sent with, then the bus's own."""
    admitted = office.procurement.ask(REQUEST, request("PO-4", begins_in_ms=HOUR_MS))

    sent = office.world.topic("bus.in.procurement").find(
        lambda record: f"{record.topic}/{record.partition}/{record.offset}" == admitted["src"], "the request as sent"
    )
    arrived = office.world.topic("logistics").find(
        lambda record: record.header("bus-decision") == admitted["decision"], "the request as it arrived"
    )
    assert arrived.value == sent.value
    assert arrived.headers[: len(sent.headers)] == sent.headers
    ours = {name for name, _ in arrived.headers[len(sent.headers) :]}
    assert ours == {"bus-src", "bus-at", "bus-decision"}
