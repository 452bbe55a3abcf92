"""The agent of procurement: asks logistics for a quote, and repairs its request by what the bus says is wrong."""

from __future__ import annotations

import time

from bus.client import Bus, Invalid, Violation
from bus.dev.demo.tasks import Json, my_bus, work

REQUEST = "logistics.quote.request.v1"
HOUR_MS = 3_600_000
TRIES_MAX = 5  # an agent that does not get it right by then should ask a person


class Procurement:
    """Has a draft, and a purchasing system in which it can look up what the draft lacks."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def ask_for_a_quote(self, task: Json) -> None:
        """Send the draft, and repair it as long as the bus says what is wrong with it."""
        draft: Json = {"origin": ORIGIN, "destination": DESTINATION, "goods": GOODS}
        for _ in range(TRIES_MAX):
            try:
                self._bus.send(REQUEST, draft)
            except Invalid as no:
                draft |= dict(self._repair(violation, task["order"]) for violation in no.violations)
            else:
                return

    def _repair(self, violation: Violation, order: str) -> tuple[str, object]:
        """What one violation asks for: a missing field to be looked up, or a later window."""
        now_ms = time.time_ns() // 1_000_000
        if violation.rule == "window-past":
            return "delivery_window", _window(now_ms + 24 * HOUR_MS)
        # The purchasing system still has the window of the first, cancelled delivery.
        known = {
            "purchase_order": order,
            "cost_centre": "CC-4410",
            "delivery_window": _window(now_ms - 24 * HOUR_MS),
        }
        field = violation.path.removeprefix("/")
        return field, known[field]


def _window(begins_ms: int) -> Json:
    return {"from_ms": begins_ms, "to_ms": begins_ms + 4 * HOUR_MS}


ORIGIN = {"name": "Bearing Works", "postal_code": "97421", "city": "Schweinfurt", "country": "DE"}
DESTINATION = {"name": "Plant 2, Gate B", "postal_code": "4020", "city": "Linz", "country": "AT"}
GOODS = [{"description": "Ball bearings on pallets", "pallets": 4, "weight_kg": 1860}]


if __name__ == "__main__":
    with my_bus() as bus:
        work(Procurement(bus).ask_for_a_quote)
