"""The agent of deals: holds one deal, and wants to close it, however large."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from bus.client import Bus, ClientError
from bus.dev.demo.tasks import Json, my_bus, work

if TYPE_CHECKING:
    from bus.client import Lease

CLOSE = "deals.deal.close.v1"
VOTE = "bus.contest.vote.v1"


class Deals:
    """Takes a deal and closes it; what others have to say about that is not its own to decide, though it tries."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._leases: dict[str, Lease] = {}

    def obey(self, task: Json) -> None:
        """What a person asked for."""
        subject = task["subject"]
        match task["do"]:
            case "take":
                self._leases[subject] = self._bus.claim(subject)
            case "close":
                with contextlib.suppress(ClientError):
                    self._leases[subject].act(CLOSE, deal(subject))
            case "vote_for_itself":
                body = {"contest": task["contest"], "choice": "approve", "reason": "good_deal"}
                with contextlib.suppress(ClientError):
                    self._bus.send(VOTE, body, subject=subject)
            case _:
                pass


def deal(subject: str) -> Json:
    """A large deal at an unusual price, on terms of its own."""
    return {
        "deal_id": subject.partition("/")[2],
        "customer": "Northwind Foods Ltd",
        "amount_cents": 240_000_000,
        "currency": "USD",
        "discount_bp": 3_800,
        "term_months": 36,
        "payment_days": 60,
        "standard_terms": False,
        "deviations": ["Termination for convenience after twelve months", "Uplift capped at 3 %"],
        "reasoning": "Closes the quarter; the competitor offers 35 %.",
    }


if __name__ == "__main__":
    with my_bus() as bus:
        work(Deals(bus).obey)
