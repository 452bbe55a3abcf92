"""The agents of sales and support: who is granted a qualified lead writes to it, keeps it, and hands it over."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor

from bus.client import Bus, Denied, Lease, LeaseLost, Refused
from bus.dev.demo.tasks import Json, my_bus, work

EMAIL = "leads.email.send.v1"
NOTE_EVERY_S = 0.05
NO_TOKEN = 0


class LeadAgent:
    """Works on one lead at a time; its lease is renewed as long as it has it."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._leases: dict[str, Lease] = {}
        self._tokens: dict[str, int] = {}  # the last one it had for each lead, current or not

    def watch(self) -> None:
        """A lead that has just been qualified is worth a claim."""
        for fact in self._bus.subscribe(
            "bus.outcomes", group=f"bus.{self._bus.lane}.facts", types={"fact": Json}, start="earliest"
        ):
            is_qualified = (fact.body["name"], fact.body["value"]) == ("stage", "qualified")
            if is_qualified and not self._leases:
                self._claim(fact.subject)

    def obey(self, task: Json) -> None:
        """What a person asked for."""
        subject = task["subject"]
        match task["do"]:
            case "claim":
                self._claim(subject)
            case "write":
                self._write(subject, task["about"])
            case "write_series":
                self._write_series(subject, task["notes"])
            case "hand_over":
                self._leases.pop(subject).release(to=task["to"], reason="asked for a colleague")
            case _:
                pass

    def _claim(self, subject: str) -> None:
        try:
            lease = self._bus.claim(subject, on_lost=self._forget)
        except Denied as no:
            if no.reason == "held":
                # It had its email ready and does not listen. That is why the bus checks, and not the agent.
                self._write(subject, "Your demo on Thursday")
            return
        self._leases[subject], self._tokens[subject] = lease, lease.token
        lease.act(EMAIL, self._email(subject, "Your demo on Thursday"))

    def _write(self, subject: str, about: str) -> None:
        """Under the token this agent believes in, be it long over: a careful one would call `lease.act`."""
        with contextlib.suppress(Refused):
            token = self._tokens.get(subject, NO_TOKEN)
            self._bus.send(EMAIL, self._email(subject, about), subject=subject, token=token)

    def _write_series(self, subject: str, notes: int) -> None:
        """One after another, without waiting for the answers; a lease may be used from any thread."""
        lease = self._leases[subject]
        with ThreadPoolExecutor(notes) as pool:
            for number in range(1, notes + 1):
                pool.submit(lease.act, EMAIL, self._email(subject, f"Note {number} of {notes}"))
                time.sleep(NOTE_EVERY_S)

    def _email(self, subject: str, about: str) -> Json:
        lead, me = subject.partition("/")[2], self._bus.agent.rpartition("/")[2]
        text = f"Hello Dana, this is {me}. Does Thursday at ten suit you?"
        return {"lead_id": lead, "to": "dana.ruiz@example.com", "subject": about, "text": text}

    def _forget(self, loss: LeaseLost) -> None:
        self._leases.pop(loss.subject, None)


if __name__ == "__main__":
    with my_bus() as bus:
        agent = LeadAgent(bus)
        work(agent.obey, agent.watch)
