"""The entry under way for one record: its events in order, numbered, each with whom it concerns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.contests.oracle.log import Json, Said
from tests.contests.oracle.registry import Registry
from tests.contests.oracle.subject import Subject


@dataclass(slots=True)
class Entry:
    """`start` is the s of the specification of contests, section 2: max(at, now) of a message, `now` of a tick.

    `now` is the time the partition has by its ticks.
    """

    gen: int
    partition: int
    o: int
    start: int
    now: int
    registry: Registry
    said: Said | None = None
    verdict: str = "applied"
    reason: str = ""
    events: list[Json] = field(default_factory=list)

    def id_of_event(self, ahead: int = 0) -> str:
        """The decision id of the next event, or of one further ahead."""
        return f"{self.gen}.{self.partition}.{self.o}.{len(self.events) + ahead}"

    def next_token(self) -> int:
        """The fencing token the next event would give."""
        return (self.gen << 44) + (self.o << 8) + len(self.events)

    def tell(self, kind: str, subject: Subject | None, whom: Iterable[str], **fields: Json) -> str:
        """Add an event and return its decision id; a field that is None is left out unless it may be null."""
        decision = self.id_of_event()
        told = {name: value for name, value in fields.items() if value is not None or name == "retry_after"}
        event = {"n": len(self.events), "kind": kind, "to": self._lanes(whom), **told}
        if subject is not None and subject.name:
            event["subject"] = subject.name
        self.events.append(event)
        return decision

    def sender(self) -> list[str]:
        """Who sent the record; nobody sent a tick."""
        return [] if self.said is None else [self.said.source]

    def refuse(self, subject: Subject | None, reason: str, **more: Json) -> None:
        """The record fails."""
        assert self.said is not None
        self.verdict, self.reason = "refused", reason
        self.tell(
            "refused",
            subject,
            self.sender(),
            agent=self.said.source,
            type=self.said.type,
            reason=reason,
            detail=...,
            **more,
        )

    def deny(self, subject: Subject, reason: str, retry_after: int | None = None) -> None:
        """The claim fails."""
        assert self.said is not None
        claim = {"agent": self.said.source, "claim": self.said.id}
        self.tell("denied", subject, self.sender(), **claim, reason=reason, retry_after=retry_after)

    def done(self) -> Json:
        """The entry as the journal would have it, less basis and what names the record."""
        return {"o": self.o, "verdict": self.verdict, "reason": self.reason, "events": self.events}

    def _lanes(self, whom: Iterable[str]) -> list[list[str]]:
        found = []
        for name in sorted(set(whom)):
            lane = self.registry.lane(name)
            if "/person/" in name:
                is_sender = self.said is not None and self.said.source == name
                lane = self.said.lane if is_sender and self.said is not None else "desk"
            if lane is not None:
                found.append([lane, name])
        return found
