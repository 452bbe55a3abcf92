"""The agent of procurement: asks logistics for a quote, and repairs its request by what the bus says is wrong."""

from __future__ import annotations

import time

from bus.dev.demo.talk import Heard, Json, Talk, start_talking

REQUEST = "logistics.quote.request.v1"
OFFER = "logistics.quote.offer.v1"
HOUR_MS = 3_600_000
TRIES_MAX = 5  # an agent that does not get it right by then should ask a person


class Procurement:
    """Has a draft, and a purchasing system in which it can look up what the draft lacks."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._draft: Json = {}
        self._order = ""
        self._tries = 0

    def hear(self, heard: Heard) -> None:
        """React to a task, to a refusal, or to an offer."""
        match heard.kind:
            case "ask_for_a_quote":
                self._order, self._tries = heard.body["order"], 0
                self._draft = {"origin": ORIGIN, "destination": DESTINATION, "goods": GOODS}
                self._send()
            case "refused" if self._tries < TRIES_MAX:
                for violation in heard.body.get("violations", []):
                    self._repair(violation)
                self._send()
            case _:
                pass

    def _send(self) -> None:
        self._tries += 1
        self._talk.say(REQUEST, self._draft)

    def _repair(self, violation: Json) -> None:
        """Do what one violation asks for: look up a missing field, or choose a later window."""
        now_ms = time.time_ns() // 1_000_000
        if violation.get("rule") == "window-past":
            self._draft["delivery_window"] = _window(now_ms + 24 * HOUR_MS)
        elif violation["keyword"] == "required":
            # The purchasing system still has the window of the first, cancelled delivery.
            known = {
                "purchase_order": self._order,
                "cost_centre": "CC-4410",
                "delivery_window": _window(now_ms - 24 * HOUR_MS),
            }
            field = violation["path"].removeprefix("/")
            self._draft[field] = known[field]


def _window(begins_ms: int) -> Json:
    return {"from_ms": begins_ms, "to_ms": begins_ms + 4 * HOUR_MS}


ORIGIN = {"name": "Bearing Works", "postal_code": "97421", "city": "Schweinfurt", "country": "DE"}
DESTINATION = {"name": "Plant 2, Gate B", "postal_code": "4020", "city": "Linz", "country": "AT"}
GOODS = [{"description": "Ball bearings on pallets", "pallets": 4, "weight_kg": 1860}]


if __name__ == "__main__":
    me = start_talking("logistics")
    agent = Procurement(me)
    for something in me.listen():
        agent.hear(something)
