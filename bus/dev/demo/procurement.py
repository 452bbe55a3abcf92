"""The agent of procurement: asks logistics for a quote, and repairs its request by what the bus says is wrong."""

from __future__ import annotations

import contextlib
import time

from bus.client import Bus, ClientError, Invalid, Lease, Violation
from bus.dev.demo.tasks import Json, my_bus, work

REQUEST = "logistics.quote.request.v1"
ORDER = "orders.po.issue.v1"
HOUR_MS = 3_600_000
TRIES_MAX = 5  # an agent that does not get it right by then should ask a person


class Procurement:
    """Has a draft, and a purchasing system in which it can look up what the draft lacks."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._leases: dict[str, Lease] = {}

    def obey(self, task: Json) -> None:
        """What a person asked for."""
        match task["do"]:
            case "ask_for_a_quote":
                self.ask_for_a_quote(task)
            case "take_supplier":
                self._leases[task["subject"]] = self._bus.claim(task["subject"])
            case "order":
                with contextlib.suppress(ClientError):
                    self._leases[task["subject"]].act(ORDER, _order(task["subject"], task["number"]))
            case _:
                pass

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


def _order(subject: str, number: str) -> Json:
    lines = [{"sku": "BRG-6204", "quantity": 500, "unit_price_cents": 2_990}]
    return {
        "supplier_id": subject.partition("/")[2],
        "po_number": number,
        "currency": "EUR",
        "total_cents": 1_495_000,
        "lines": lines,
        "deliver_to": "Plant 2, Gate B, Linz",
        "delivery_by_ms": time.time_ns() // 1_000_000 + 30 * 24 * HOUR_MS,
        "cost_centre": "CC-4410",
    }


ORIGIN = {"name": "Bearing Works", "postal_code": "97421", "city": "Schweinfurt", "country": "DE"}
DESTINATION = {"name": "Plant 2, Gate B", "postal_code": "4020", "city": "Linz", "country": "AT"}
GOODS = [{"description": "Ball bearings on pallets", "pallets": 4, "weight_kg": 1860}]


if __name__ == "__main__":
    with my_bus() as bus:
        work(Procurement(bus).obey)
