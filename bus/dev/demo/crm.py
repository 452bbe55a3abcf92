"""The agent of the crm: states how far a lead has come, and picks up leads that nobody holds any more."""

from __future__ import annotations

import contextlib

from bus.client import Bus, Denied, Lease
from bus.dev.demo.tasks import Json, my_bus, work

STAGE = "leads.lead.stage.v1"


class Crm:
    """Knows the leads."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._leases: list[Lease] = []

    def state_stage(self, task: Json) -> None:
        """What a person asked for: a fact, which everybody hears."""
        lead, stage = task["lead"], task["stage"]
        self._bus.send(STAGE, {"lead_id": lead, "stage": stage}, subject=f"lead/{lead}")

    def pick_up(self) -> None:
        """Claim what becomes free; it may be kept for somebody."""
        for ended in self._bus.subscribe(
            "bus.outcomes", group="bus.crm.watch", types={"ended": Json}, start="earliest"
        ):
            with contextlib.suppress(Denied):
                self._leases.append(self._bus.claim(ended.subject))


if __name__ == "__main__":
    with my_bus() as bus:
        agent = Crm(bus)
        work(agent.state_stage, agent.pick_up)
