"""The agent of support: works on leads like sales, and does not take no for an answer when it updates a customer."""

from __future__ import annotations

import contextlib
import time

from bus.client import Bus, NotAllowed, Suspended
from bus.dev.demo.leads import LeadAgent
from bus.dev.demo.tasks import Json, my_bus, work

UPDATE = "customer.record.update.v1"
RESUME = "bus.control.resume.v1"
TRY_AGAIN_S = 0.15
TRIES_MAX = 200  # of a loop nobody stops


class Support:
    """A lead agent with a second task, at which it runs in a loop, as agents sometimes do."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._leads = LeadAgent(bus)
        self.watch = self._leads.watch

    def obey(self, task: Json) -> None:
        """Customers' records are its own work; leads are the other agent's."""
        if task["do"] == "update_customer":
            self._update(task["customer"])
        else:
            self._leads.obey(task)

    def _update(self, customer: str) -> None:
        changes = {"billing_email": "accounts@example.com"}
        body = {"customer_id": customer, "changes": changes, "reason": "The customer asked on the phone."}
        for _ in range(TRIES_MAX):
            try:
                self._bus.send(UPDATE, body, subject=f"customer/{customer}")
            except NotAllowed:
                time.sleep(TRY_AGAIN_S)  # `no.advice` says to leave it to others, or to ask for the role
            except Suspended:
                self._help_itself()
                return

    def _help_itself(self) -> None:
        with contextlib.suppress(Suspended):
            select = {"agent": self._bus.agent}
            self._bus.send(RESUME, {"select": select, "reason": "I was only trying to help"})


if __name__ == "__main__":
    with my_bus() as bus:
        agent = Support(bus)
        work(agent.obey, agent.watch)
