"""The agent of support: works on leads like sales, and does not take no for an answer when it updates a customer."""

from __future__ import annotations

import time

from bus.dev.demo.leads import LeadAgent
from bus.dev.demo.talk import Heard, Talk, start_talking

UPDATE = "customer.record.update.v1"
RESUME = "bus.control.resume.v1"
TRY_AGAIN_S = 0.15
TRIES_MAX = 200  # of a loop nobody stops


class Support:
    """A lead agent with a second task, at which it runs in a loop, as agents sometimes do."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._leads = LeadAgent(talk)
        self._customer = ""
        self._tries = 0

    def hear(self, heard: Heard) -> None:
        """React to whatever concerns the customer's record; leads are the other agent's work."""
        is_refused = heard.kind == "refused" and heard.topic == f"bus.out.{self._talk.lane}"
        if heard.kind == "update_customer":
            self._customer = heard.body["customer"]
            self._update()
        elif is_refused and heard.body["reason"] == "not_allowed" and heard.body["type"] == UPDATE:
            time.sleep(TRY_AGAIN_S)
            self._update()
        elif is_refused and heard.body["reason"] == "suspended" and self._customer:
            self._customer = ""
            self._talk.say(RESUME, {"select": {"agent": self._talk.agent}, "reason": "I was only trying to help"})
        else:
            self._leads.hear(heard)

    def _update(self) -> None:
        self._tries += 1
        if self._tries <= TRIES_MAX:
            changes = {"billing_email": "accounts@example.com"}
            body = {"customer_id": self._customer, "changes": changes, "reason": "The customer asked on the phone."}
            self._talk.say(UPDATE, body, subject=f"customer/{self._customer}")


if __name__ == "__main__":
    me = start_talking("bus.outcomes")
    agent = Support(me)
    for something in me.listen():
        agent.hear(something)
