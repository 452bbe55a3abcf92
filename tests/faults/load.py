"""One process of agents on the bench: a fixed rate of messages through everything, and a note of each that was taken.

60 in 100 messages are plain, 30 are claims, renewals and releases (one in four of them over races, which are settled by
priority after a window), 10 are guarded actions; a few are broken, repeated or by an agent that holds nothing.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from confluent_kafka import Producer

from tests.acceptance.behaviour import RELEASE, RENEW, Actor, Held
from tests.acceptance.outgoing import Outgoing
from tests.acceptance.setting import LEADS
from tests.acceptance.traffic import Crowd, Plan

RACES = tuple(f"race/R-{n}" for n in range(16))
PLAIN, CLAIMS = 0.60, 0.90  # of all messages; what is above are actions
NOTES = 0.15  # of the plain ones: they go to a governed topic
BROKEN = 0.02
TOKENS_OF_OTHERS = 0.05  # of the actions
LOOKED_MAX = 30  # agents asked whether they hold something, before the action becomes a claim
ID_HEADER = "ce_id"


@dataclass(slots=True)
class BenchActor(Actor):
    """An agent that is asked for one kind of message at a time."""

    def plain(self) -> Outgoing:
        """A message that contends for nothing."""
        return self._note() if self.chance.random() < NOTES else self._jot()

    def about_claims(self) -> Outgoing:
        """A claim, a renewal or a release."""
        if self.invited:
            return self._claim(self.invited.pop())
        if self.held and self.chance.random() < 0.6:
            subject, known = self.chance.choice(list(self.held.items()))
            if self.chance.random() < 0.5:
                return self.author.message(RENEW, {"token": known.token}, subject=subject)
            return self._released(subject, known)
        return self._claim(self.chance.choice(RACES if self.chance.random() < 0.4 else LEADS))

    def action(self) -> Outgoing | None:
        """A guarded action with a token it was given; None if it holds no lead."""
        leads = [(subject, known) for subject, known in self.held.items() if subject.startswith("lead/")]
        if not leads:
            return None
        subject, known = self.chance.choice(leads)
        return self._email(subject, known.token)

    def of_another(self) -> Outgoing:
        """An act on what it does not hold."""
        return self._stranger()

    def _released(self, subject: str, known: Held) -> Outgoing:
        if subject.startswith("lead/"):
            return self._release(subject, known)
        del self.held[subject]
        return self.author.message(RELEASE, {"token": known.token}, subject=subject)


@dataclass(slots=True)
class BenchCrowd(Crowd):
    """The crowd of the acceptance run with another mix, and with a note of what the broker took."""

    taken: TextIO | None = field(default=None)

    def people(self) -> None:
        """The same agents, who behave by the bench's mix."""
        Crowd.people(self)
        for name, actor in list(self.actors.items()):
            bench = BenchActor(actor.agent, actor.author, self.chance, actor.lease_ms, actor.renew_every_ms)
            bench.colleagues = actor.colleagues
            self.actors[name] = bench

    def _turn(self, producer: Producer) -> None:
        if self.chance.random() < BROKEN:
            self.broken += 1
            self._send(producer, self._broken(self._someone()))
            return
        message = self._next()
        self._invite(message)
        self._send(producer, message)

    def _someone(self) -> BenchActor:
        actor = self.chance.choice(list(self.actors.values()))
        assert isinstance(actor, BenchActor)
        return actor

    def _next(self) -> Outgoing:
        draw = self.chance.random()
        if draw < PLAIN:
            return self._someone().plain()
        if draw >= CLAIMS:
            if self.chance.random() < TOKENS_OF_OTHERS:
                return self._someone().of_another()
            for _ in range(LOOKED_MAX):
                message = self._someone().action()
                if message is not None:
                    return message
        return self._someone().about_claims()

    def _send(self, producer: Producer, message: Outgoing) -> None:
        self.sent += 1
        self.recent = [*self.recent[-60:], message]
        identifier = dict(message.headers).get(ID_HEADER) or b""

        def on_delivery(error: object, record: object) -> None:
            assert self.taken is not None, "the file was opened first"
            if error is not None:
                self.failed.append(str(error))
            else:
                offset = record.offset()  # type: ignore[attr-defined]  # the client's own type
                self.taken.write(f"{message.lane} {offset} {identifier.hex()}\n")

        producer.produce(
            f"bus.in.{message.lane}",
            value=message.value,
            key=message.key,
            headers=list(message.headers),
            partition=0,
            on_delivery=on_delivery,
        )


def main() -> None:
    """Run one plan; print its report as one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plan")
    parser.add_argument("taken", type=Path, help="where to note what was taken")
    options = parser.parse_args()
    plan = Plan.read(options.plan)
    with options.taken.open("w") as taken:
        crowd = BenchCrowd(plan, random.Random(plan.seed * 1_000 + plan.process), taken=taken)
        crowd.people()
        report = crowd.run()
    sys.stdout.write(json.dumps(report) + "\n")


if __name__ == "__main__":
    main()
