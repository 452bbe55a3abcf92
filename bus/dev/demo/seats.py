"""The agents that judge: pricing, compliance and risk look at what is held, each by a rule of its own, and vote."""

from __future__ import annotations

import contextlib

from bus.client import Bus, ClientError, Duty, Verdict
from bus.dev.demo.tasks import Json, my_bus, work

LIFETIME_VALUE_CENTS = 100_000_000
DISCOUNT_RISKY_BP = 3_000
SANCTIONED = "S-7"  # a name on a list of yesterday, as it will turn out
REASONS = {
    "ltv": "The customer is worth it over the whole term.",
    "regulatory.asc606": "Revenue under these deviations cannot be recognised as booked.",
    "credit_deterioration": "Payment in 60 days at 38 % off, while their rating falls.",
    "sanctions.match": "The owner's name is on a sanctions list.",
    "in_order": "Nothing speaks against it.",
}


def opinion(role: str, body: Json) -> tuple[str, str]:
    """What a role thinks of a deal or an order: its choice, and the code of its reason."""
    if "supplier_id" in body:
        return ("reject", "sanctions.match") if body["supplier_id"] == SANCTIONED else ("approve", "in_order")
    if role == "pricing":
        return ("approve", "ltv") if body["amount_cents"] > LIFETIME_VALUE_CENTS else ("approve", "in_order")
    if role == "compliance":
        return ("approve", "in_order") if body["standard_terms"] else ("reject", "regulatory.asc606")
    return ("reject", "credit_deterioration") if body["discount_bp"] > DISCOUNT_RISKY_BP else ("approve", "in_order")


def judge(bus: Bus) -> None:
    """Whatever comes up for judgement."""
    role = bus.agent.rpartition("/")[2].rpartition("-")[0]
    for duty in bus.duties():
        _vote(role, duty)


def _vote(role: str, duty: Duty[Verdict]) -> None:
    if duty.kind != "review" or duty.record is None:
        return
    choice, reason = opinion(role, duty.record.body)
    with contextlib.suppress(ClientError):  # too late: a person has it already
        duty.vote(choice, reason, confidence_bp=9_000, reasoning=REASONS[reason])


if __name__ == "__main__":
    with my_bus() as own:
        work(lambda _: None, lambda: judge(own))
