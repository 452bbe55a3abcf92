"""The agent of logistics: answers every quote request that arrives with an offer; it never has to doubt a request."""

from __future__ import annotations

from bus.dev.demo.talk import Heard, Talk, start_talking

REQUEST = "logistics.quote.request.v1"
OFFER = "logistics.quote.offer.v1"
CENTS_PER_KG = 26


def offer(talk: Talk, request: Heard) -> None:
    """Offer a transport for a request. What arrives has passed its contract: no field needs to be checked again."""
    wanted = request.body
    weight_kg = sum(goods["weight_kg"] for goods in wanted["goods"])
    talk.say(
        OFFER,
        {
            "request": request.headers["ce_id"],
            "purchase_order": wanted["purchase_order"],
            "carrier": "Danube Freight",
            "price_cents": weight_kg * CENTS_PER_KG,
            "currency": "EUR",
            "delivery_window": wanted["delivery_window"],
            "valid_until_ms": wanted["delivery_window"]["from_ms"],
        },
    )


if __name__ == "__main__":
    me = start_talking("logistics")
    for something in me.listen():
        if something.topic == "logistics" and something.kind == REQUEST:
            offer(me, something)
