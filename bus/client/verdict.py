"""What the bus made of a message, for whoever sent it."""

from dataclasses import dataclass, field

from bus.client.errors import refusal_of
from bus.client.event import Event
from bus.client.message import Draft

FORWARDED = "forwarded"
_NO = frozenset({"refused", "denied", "action_refused"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """The bus said yes; ``kind`` is what came of it.

    ``action_admitted`` it is on ``topic`` · ``fact`` the fact is known · ``renewed`` ``ended`` ``reported`` … as the
    bus names its events · ``forwarded`` the gate let it pass, and a type without a topic gets no other answer.
    ``decision`` is its id in the journal, ``token`` and ``until_ms`` (epoch, at the broker) those of a guarded action.
    """

    kind: str
    decision: str
    id: str
    type: str
    subject: str
    at_ms: int
    topic: str = ""
    token: int | None = None
    until_ms: int | None = None
    events: tuple[Event, ...] = field(default=(), repr=False)

    @property
    def is_admitted(self) -> bool:
        """Is it on a governed topic, where others may act on it?"""
        return self.kind == "action_admitted"


def verdict_of(draft: Draft, events: tuple[Event, ...], *, now_ms: int) -> Verdict:
    """What the events say; raises `Refused` or `Denied` if it is a no. ``now_ms`` is the broker's time."""
    last = events[-1]
    if last.kind in _NO:
        raise refusal_of(last, draft.in_words, now_ms=now_ms)
    is_silent = last.kind == "duplicate"
    return Verdict(
        kind=FORWARDED if is_silent else last.kind,
        decision=str(last.fields.get("of", "")) if is_silent else last.decision,
        id=draft.id,
        type=draft.type,
        subject=draft.subject,
        at_ms=last.at_ms,
        topic=str(last.fields.get("topic", "")),
        token=last.token,
        until_ms=last.until_ms,
        events=events,
    )
