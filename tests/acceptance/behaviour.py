"""How one agent of the run behaves: it claims, renews, acts and releases, rightly by what it heard and wrongly too."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.acceptance.outgoing import Author, Outgoing, now_ms
from tests.acceptance.setting import EMAIL, JOT, LEADS, NEW, NOTE, NOTE_SCHEMA_ID, QUALIFIED, QUOTE, STAGE, Agent
from tests.acceptance.wire import Json, canonical

CLAIM, RENEW, RELEASE = "bus.resource.claim.v1", "bus.resource.renew.v1", "bus.resource.release.v1"
OLD_TOKENS_MAX = 20
TOKEN_MAX = 2**53 - 1
# How often an unemployed agent does what; the rest are claims.
SHARES = {"note": 0.22, "jot": 0.14, "quote": 0.06, "stranger": 0.08}


@dataclass(slots=True)
class Held:
    """What an agent believes of a lead it holds."""

    token: int
    until_ms: int
    renew_at_ms: int


@dataclass(slots=True)
class Actor:
    """One agent with its beliefs; `invited` are leads another agent released to it."""

    agent: Agent
    author: Author
    chance: random.Random
    lease_ms: int
    renew_every_ms: int
    held: dict[str, Held] = field(default_factory=dict)
    old_tokens: list[tuple[str, int]] = field(default_factory=list)
    invited: list[str] = field(default_factory=list)
    colleagues: list[str] = field(default_factory=list)
    is_loyal: bool = False
    is_wanting: bool = True

    def hear(self, answer: Json) -> None:
        """Take an answer of the bus into account."""
        subject, kind = answer.get("subject", ""), answer["kind"]
        if kind in ("granted", "confirmed", "renewed"):
            self.held[subject] = Held(answer["token"], answer["until"], now_ms() + self.renew_every_ms)
        elif kind == "ended" or (kind == "refused" and answer.get("reason") in ("fenced", "late")):
            known = self.held.get(subject)
            if known is not None and known.token == answer.get("token"):
                del self.held[subject]
                self.old_tokens = [*self.old_tokens[-OLD_TOKENS_MAX:], (subject, known.token)]

    def due_renewals(self, at_ms: int) -> Iterator[Outgoing]:
        """The renewals an agent that wants to keep its lead sends now."""
        for subject, known in self.held.items():
            if at_ms >= known.renew_at_ms:
                known.renew_at_ms = at_ms + self.renew_every_ms
                yield self.author.message(RENEW, {"token": known.token}, subject=subject)

    def farewell(self) -> Iterator[Outgoing]:
        """Release everything."""
        for subject, known in self.held.items():
            yield self.author.message(RELEASE, {"token": known.token}, subject=subject)

    def next(self) -> list[Outgoing]:
        """What the agent sends when it is its turn."""
        if self.invited and self.chance.random() < 0.8:
            return [self._claim(self.invited.pop())]
        if "crm" in self.agent.roles and self.chance.random() < 0.35:
            return [self._stage()]
        if self.held and self.chance.random() < 0.75:
            return self._as_holder(*self.chance.choice(list(self.held.items())))
        return [self._unemployed()]

    def _as_holder(self, subject: str, known: Held) -> list[Outgoing]:
        draw = self.chance.random()
        if draw < 0.50:
            return [self._email(subject, known.token)]
        if draw < 0.55:
            return [self._email(subject, known.token), self._email(subject, known.token)]
        if draw < 0.62:
            return [self.author.message(RENEW, {"token": known.token}, subject=subject)]
        if draw < 0.68:
            return [self._claim(subject)]
        if draw < 0.72:
            return [self._email(subject, known.token - 1 - self.chance.randrange(1 << 20))]
        if draw < 0.76:
            return [self._email(subject, self.chance.randrange(TOKEN_MAX))]
        if self.is_loyal:
            return [self._email(subject, known.token)]
        return [self._release(subject, known)]

    def _release(self, subject: str, known: Held) -> Outgoing:
        body: Json = {"token": known.token}
        if self.colleagues and self.chance.random() < 0.35:
            body["to"] = self.chance.choice(self.colleagues)
        elif self.chance.random() < 0.3:
            body["reason"] = "done with it ☺"
        del self.held[subject]
        self.old_tokens = [*self.old_tokens[-OLD_TOKENS_MAX:], (subject, known.token)]
        return self.author.message(RELEASE, body, subject=subject)

    def _unemployed(self) -> Outgoing:
        draw = self.chance.random()
        for kind, share in SHARES.items():
            if draw < share:
                return {"note": self._note, "jot": self._jot, "quote": self._quote, "stranger": self._stranger}[kind]()
            draw -= share
        return self._claim(self.chance.choice(LEADS)) if self.is_wanting else self._jot()

    def _claim(self, subject: str) -> Outgoing:
        body: Json = {}
        if self.chance.random() < 0.3:
            body["lease_ms"] = self.chance.choice([2_000, 4_000, self.lease_ms, 2 * self.lease_ms])
        if self.chance.random() < 0.2:
            body["reasoning"] = "it is my région"
        if self.chance.random() < 0.05:
            body["evidence"] = [{"uri": "https://crm.example/1", "sha256": "ab" * 32}]
        return self.author.message(CLAIM, body, subject=subject, key=b"own" if len(body) > 1 else None)

    def _stranger(self) -> Outgoing:
        """An act on what the agent does not hold: by an old token if it has one."""
        subject, token = self.chance.choice(self.old_tokens or [(self.chance.choice(LEADS), 1)])
        match self.chance.randrange(3):
            case 0:
                return self._email(subject, token)
            case 1:
                return self.author.message(RENEW, {"token": token}, subject=subject)
            case _:
                return self.author.message(RELEASE, {"token": token}, subject=subject)

    def _email(self, subject: str, token: int) -> Outgoing:
        name = subject.partition("/")[2]
        lead_id = int(name) if name.isdigit() and self.chance.random() < 0.5 else name
        body = {"lead_id": lead_id, "text": f"hello {self.author.count}", "discount_bp": self.chance.randrange(4900)}
        return self.author.message(EMAIL, body, subject=subject, token=token)

    def _stage(self) -> Outgoing:
        subject = self.chance.choice(LEADS)
        stage = NEW if self.chance.random() < 0.15 else QUALIFIED
        return self.author.message(STAGE, {"lead_id": subject.partition("/")[2], "stage": stage}, subject=subject)

    def _note(self) -> Outgoing:
        body = {"text": f"note {self.author.count}", "tags": ["a", "b"], "to": "you"}
        message = self.author.message(NOTE, body, key=b"k" if self.chance.random() < 0.1 else None)
        if self.chance.random() < 0.1:
            return message.saying(b"\x00" + NOTE_SCHEMA_ID.to_bytes(4, "big") + canonical(body))
        return message

    def _jot(self) -> Outgoing:
        return self.author.message(JOT, {"n": self.chance.randrange(10)})

    def _quote(self) -> Outgoing:
        start_ms = now_ms() + 60_000
        body = {"order": "PO-7", "window_start_ms": start_ms, "window_end_ms": start_ms + 5, "cost_centre": "c1"}
        return self.author.message(QUOTE, body)
