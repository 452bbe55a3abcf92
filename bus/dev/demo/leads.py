"""The agents of sales and support: who is granted a qualified lead writes to it, renews its lease, hands it over."""

from __future__ import annotations

import time
from dataclasses import dataclass

from bus.dev.demo.talk import Heard, Json, Talk, start_talking

CLAIM = "bus.resource.claim.v1"
RENEW = "bus.resource.renew.v1"
RELEASE = "bus.resource.release.v1"
EMAIL = "leads.email.send.v1"
RENEW_AT = 1 / 3  # of the lease: two renewals may be lost before it ends
NO_TOKEN = 0
NOTE_EVERY_S = 0.05


@dataclass(slots=True)
class Holding:
    """A lead that is ours until the lease ends, unless we renew it."""

    token: int
    lease_s: float
    renew_at_s: float


class LeadAgent:
    """Works on one lead at a time."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._holds: dict[str, Holding] = {}
        self._tokens: dict[str, int] = {}  # the last token it had for each lead, current or not

    def hear(self, heard: Heard) -> None:
        """React to what became public, to an answer of the bus, or to a task."""
        if heard.topic == "bus.outcomes":
            self._notice(heard)
        elif heard.topic:
            self._obey(heard.kind, heard.body)
        elif heard.kind == "pause":
            self._renew()
        else:
            self._work(heard.kind, heard.body)

    def _notice(self, heard: Heard) -> None:
        """A lead that has just been qualified is worth a claim."""
        body = heard.body
        is_qualified = heard.kind == "fact" and body["name"] == "stage" and body["value"] == "qualified"
        if is_qualified and not self._holds:
            self._claim(body["subject"])

    def _obey(self, kind: str, answer: Json) -> None:
        """What the bus answers."""
        subject = answer.get("subject", "")
        match kind:
            case "granted":
                self._take(answer)
                self._write(subject, "Your demo on Thursday")
            case "renewed":
                self._take(answer)
            case "ended" if answer["agent"] == self._talk.agent:
                self._holds.pop(subject, None)
            case "denied" if answer["reason"] == "held":
                # It had its email ready and does not listen. That is why the bus checks, and not the agent.
                self._write(subject, "Your demo on Thursday")
            case _:
                pass

    def _work(self, task: str, body: Json) -> None:
        """What a person asked for."""
        subject = body.get("subject", "")
        match task:
            case "claim":
                self._claim(subject)
            case "write":
                self._write(subject, body["about"])
            case "write_series":
                for number in range(1, body["notes"] + 1):
                    self._write(subject, f"Note {number} of {body['notes']}")
                    time.sleep(NOTE_EVERY_S)
            case "hand_over":
                release = {"token": self._tokens[subject], "to": body["to"], "reason": "asked for a colleague"}
                self._talk.say(RELEASE, release, subject=subject)
            case _:
                pass

    def _claim(self, subject: str) -> None:
        self._talk.say(CLAIM, {}, subject=subject)

    def _write(self, subject: str, about: str) -> None:
        """Send an email to a lead, with the token this agent believes in."""
        lead = subject.partition("/")[2]
        text = f"Hello Dana, this is {self._talk.agent.rpartition('/')[2]}. Does Thursday at ten suit you?"
        email = {"lead_id": lead, "to": "dana.ruiz@example.com", "subject": about, "text": text}
        self._talk.say(EMAIL, email, subject=subject, token=self._tokens.get(subject, NO_TOKEN))

    def _take(self, body: Json) -> None:
        lease_s = (body["until"] - body["at"]) / 1000
        self._tokens[body["subject"]] = body["token"]
        self._holds[body["subject"]] = Holding(body["token"], lease_s, time.monotonic() + lease_s * RENEW_AT)

    def _renew(self) -> None:
        for subject, holding in self._holds.items():
            if time.monotonic() > holding.renew_at_s:
                self._talk.say(RENEW, {"token": holding.token}, subject=subject)
                holding.renew_at_s += holding.lease_s * RENEW_AT


if __name__ == "__main__":
    me = start_talking("bus.outcomes")
    agent = LeadAgent(me)
    for something in me.listen():
        agent.hear(something)
