"""What the bus made of a message, for whoever sent it."""

from dataclasses import dataclass, field

from bus.client.errors import Withdrawn, refusal_of
from bus.client.event import Event
from bus.client.message import Draft
from bus.core.policy.contracts import JsonObject

FORWARDED = "forwarded"
NOBODY = "none"  # what stands for the winner where nobody won
_NO = frozenset({"refused", "denied", "action_refused"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """The bus said yes; ``kind`` is what came of it.

    ``action_admitted`` it is on ``topic`` · ``action_held`` others decide, it is a `Held` · ``fact`` it is known ·
    ``renewed`` ``ended`` ``reported`` … as the bus names its events · ``forwarded`` the gate let it pass, and a type
    without a topic gets no other answer. ``decision`` is its id in the journal, ``token`` and ``until_ms`` (epoch, at
    the broker) those of a guarded action.
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
    def ruled_by(self) -> str:
        """The person whose ruling it follows from, "" if nobody ruled."""
        return self.events[-1].ruled_by if self.events else ""

    @property
    def ruling_reason(self) -> str:
        """The reason that person gave; "" if nobody ruled."""
        return self.events[-1].ruling_reason if self.events else ""

    @property
    def is_admitted(self) -> bool:
        """Is it on a governed topic, where others may act on it?"""
        return self.kind == "action_admitted"

    @property
    def is_held(self) -> bool:
        """Does it wait for a review or a person? Then it is a `Held`."""
        return self.kind == "action_held"


@dataclass(frozen=True, slots=True)
class Held(Verdict):
    """Neither yes nor no: others decide whether the action may be done. Do not send it anew.

    ``contest`` is its review, ``case`` what a person has to rule on, "" if it waits behind others on its subject.
    By ``until_ms`` (epoch, at the broker) it is decided, or refused as ``hold_expired``. ``Bus.decision_on`` waits.
    """

    contest: str = ""
    case: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a contest ended: ``winner`` is the option, "" if there is none; ``by`` is what settled it.

    ``tally`` says how many ballots each option had, if a vote settled it; ``ballots`` are what each seat chose. If a
    person did, ``ruled_by`` is that person and ``ruling_reason`` what they gave as their reason.
    """

    subject: str
    contest: str
    winner: str
    by: str
    tally: dict[str, int] = field(default_factory=dict)
    ballots: tuple[JsonObject, ...] = field(default=(), repr=False)
    ruled_by: str = ""
    ruling_reason: str = ""


def outcome_of(draft: Draft, events: tuple[Event, ...], *, now_ms: int) -> Outcome:
    """What a question's last event says; raises `Refused`."""
    verdict_of(draft, events, now_ms=now_ms)
    event = events[-1]
    winner, tally = event.text("winner"), event.fields.get("tally")
    return Outcome(
        subject=event.subject,
        contest=event.text("contest"),
        winner="" if winner == NOBODY else winner,
        by=event.text("by"),
        tally=dict(tally) if isinstance(tally, dict) else {},
        ballots=tuple(event.listed("ballots")),
        ruled_by=event.ruled_by,
        ruling_reason=event.ruling_reason,
    )


def verdict_of(draft: Draft, events: tuple[Event, ...], *, now_ms: int) -> Verdict:
    """What the events say; raises `Refused` or `Denied` if it is a no. ``now_ms`` is the broker's time."""
    last = events[-1]
    if last.kind in _NO:
        raise refusal_of(last, draft.in_words, now_ms=now_ms)
    if last.kind == "withdrawn" and last.text("claim") == draft.id:
        raise Withdrawn(draft.subject, draft.id)
    is_silent = last.kind == "duplicate"
    more = {"contest": last.text("contest"), "case": last.text("case")} if last.kind == "action_held" else {}
    return (Held if more else Verdict)(
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
        **more,
    )
