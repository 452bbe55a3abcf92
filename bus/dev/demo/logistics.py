"""The agent of logistics: answers every quote request that arrives with an offer; it never has to doubt a request."""

from __future__ import annotations

import contextlib

from bus.client import Bus, Denied
from bus.dev.demo.tasks import Json, my_bus, work

REQUEST = "logistics.quote.request.v1"
OFFER = "logistics.quote.offer.v1"
CENTS_PER_KG = 26


def offer(bus: Bus, identifier: str, wanted: Json) -> None:
    """Offer a transport for a request. What arrives has passed its contract: no field needs to be checked again."""
    weight_kg = sum(goods["weight_kg"] for goods in wanted["goods"])
    bus.send(
        OFFER,
        {
            "request": identifier,
            "purchase_order": wanted["purchase_order"],
            "carrier": "Danube Freight",
            "price_cents": weight_kg * CENTS_PER_KG,
            "currency": "EUR",
            "delivery_window": wanted["delivery_window"],
            "valid_until_ms": wanted["delivery_window"]["from_ms"],
        },
    )


def answer_requests(bus: Bus) -> None:
    """As they are admitted."""
    for request in bus.subscribe("logistics", group="bus.logistics.quotes", types={REQUEST: Json}, start="earliest"):
        offer(bus, request.id, request.body)


def claim(bus: Bus, task: Json) -> None:
    """It works with suppliers, too."""
    with contextlib.suppress(Denied):
        bus.claim(task["subject"])


if __name__ == "__main__":
    with my_bus() as own:
        work(lambda task: claim(own, task), lambda: answer_requests(own))
