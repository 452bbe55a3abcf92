"""What happened: the closed list of events the arbiter writes, and their form in journals and answers."""

from dataclasses import MISSING, fields
from typing import Any, ClassVar, Literal

from bus.core.decision.contest_events import (
    ActionHeld,
    ActionRefused,
    CaseChanged,
    CaseClosed,
    CaseOpened,
    ContestOpened,
    ContestWhat,
    Frozen,
    Joined,
    Offered,
    RungReached,
    Settled,
    TurnBegun,
    Unfrozen,
    Voted,
    WaitEnded,
    Waiting,
    Withdrawn,
)
from bus.core.decision.wants import WantedFact, WantedRoles, Wants, wants_from_json, wants_to_json
from bus.core.frozen import dataclass
from bus.core.policy.contracts import JsonObject

Recipients = tuple[tuple[str, str], ...]  # (lane, agent), whom an event concerns


@dataclass(frozen=True, slots=True)
class Granted:
    """A claim won: the agent holds the subject until ``until`` (ms) under ``token``."""

    kind: ClassVar[str] = "granted"
    agent: str
    claim: str
    token: int
    until: int
    by: str = "first"  # the rung that settled it, or one of first, uncontested, preempt, ruling


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The holder claimed again, or was told that its holding stands: same token, same ``until``.

    ``lease_ms`` was pinned at the grant; ``case`` is what freezes the subject, absent while nothing does. Whoever has
    forgotten its grant knows from them how long it holds: while it is frozen the lease clock stands still, and the thaw
    gives it a whole lease. Entries of older engines have neither.
    """

    kind: ClassVar[str] = "confirmed"
    agent: str
    claim: str
    token: int
    until: int
    lease_ms: int | None = None
    case: str | None = None


@dataclass(frozen=True, slots=True)
class Renewed:
    """The lease goes on until ``until`` (ms)."""

    kind: ClassVar[str] = "renewed"
    agent: str
    token: int
    until: int


@dataclass(frozen=True, slots=True)
class Handover:
    """A released resource is kept for one agent until ``until`` (ms)."""

    agent: str
    until: int


@dataclass(frozen=True, slots=True)
class Ended:
    """A holding ended. ``cause`` is the decision that ended it, "" where the event speaks for itself."""

    kind: ClassVar[str] = "ended"
    agent: str
    token: int
    reason: Literal["released", "expired", "revoked", "superseded", "ruled"]
    cause: str = ""
    handover: Handover | None = None


@dataclass(frozen=True, slots=True)
class Denied:
    """A claim failed; ``retry_after`` (ms) says when it may be worth another try, None if the bus cannot know.

    Of a contest that was lost: which, by what, and to whom (the winner's id as a candidate).
    ``wants`` is what it lacked: for ``stage`` the fact and its values, for ``not_allowed`` the roles that may claim.
    """

    kind: ClassVar[str] = "denied"
    agent: str
    claim: str
    reason: str
    retry_after: int | None = None
    contest: str | None = None
    by: str | None = None
    winner: str | None = None
    wants: Wants | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Anything but a claim failed. ``current`` is the subject's current token, 0 if it is free."""

    kind: ClassVar[str] = "refused"
    agent: str
    type: str
    reason: str
    detail: str = ""
    token: int | None = None
    current: int | None = None
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class ActionAdmitted:
    """The record at ``o`` is released to the governed topic ``topic``."""

    kind: ClassVar[str] = "action_admitted"
    o: int
    agent: str
    type: str
    topic: str
    held: str = ""
    token: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class FactStated:
    """A fact about the subject, stated by the role that owns it."""

    kind: ClassVar[str] = "fact"
    name: str
    value: str | int | bool


@dataclass(frozen=True, slots=True)
class Reported:
    """An executor says how the action with decision ``action`` went."""

    kind: ClassVar[str] = "reported"
    action: str
    agent: str
    result: str


@dataclass(frozen=True, slots=True)
class AgentStatus:
    """A suspension is in force from here on, or is lifted."""

    kind: ClassVar[str] = "agent_status"
    select: JsonObject
    status: Literal["suspended", "active"]


@dataclass(frozen=True, slots=True)
class ControlSet:
    """Control number ``control`` is in force from here on; ``value`` None deletes (contracts: without schema text)."""

    kind: ClassVar[str] = "control_set"
    control: int
    kind_of: str
    name: str
    rev: int
    value_hash: str
    value: JsonObject | None


What = (
    Granted
    | Confirmed
    | Renewed
    | Ended
    | Denied
    | Refused
    | ActionAdmitted
    | FactStated
    | Reported
    | AgentStatus
    | ControlSet
    | ContestWhat
)
_KINDS: dict[str, type[Any]] = {  # Any: the classes of the union above
    kind.kind: kind
    for kind in (
        *(Granted, Confirmed, Renewed, Ended, Denied, Refused),
        *(ActionAdmitted, FactStated, Reported, AgentStatus, ControlSet),
        *(ContestOpened, Joined, Withdrawn, RungReached, TurnBegun, Voted, Offered, Settled),
        *(ActionHeld, ActionRefused, Frozen, Unfrozen, CaseOpened, CaseChanged, CaseClosed, Waiting, WaitEnded),
    )
}
NULLABLE = frozenset({("denied", "retry_after"), ("control_set", "value")})
# (name here, name on the wire, may it be null there): a trailing underscore keeps a name off Python's own words.
_WRITTEN = {
    name: tuple((one.name, one.name.rstrip("_"), (name, one.name) in NULLABLE) for one in fields(kind))
    for name, kind in _KINDS.items()
}
# The same for reading, and whether the name has to be there: a restore reads millions of events.
_READ = {
    name: tuple(
        (one.name, one.name.rstrip("_"), one.default is MISSING and one.default_factory is MISSING)
        for one in fields(kind)
    )
    for name, kind in _KINDS.items()
}
KINDS = tuple(_KINDS)


@dataclass(frozen=True, slots=True)
class Event:
    """Event ``n`` of an entry: its subject ("" for none), whom it concerns, and what happened."""

    n: int
    subject: str
    to: Recipients
    what: What


def event_to_json(event: Event) -> dict[str, Any]:  # Any: JSON
    """The event as journals write it; absent fields are left out."""
    what = event.what
    out: dict[str, Any] = {"n": event.n, "kind": what.kind, "to": [list(pair) for pair in event.to]}
    if event.subject:
        out["subject"] = event.subject
    for name, on_the_wire, is_nullable in _WRITTEN[what.kind]:
        value = getattr(what, name)
        if value.__class__ is str or value.__class__ is int:  # nearly all are
            out[on_the_wire] = value
        elif value is not None or is_nullable:
            out[on_the_wire] = _composed(value)
    return out


def event_from_json(value: JsonObject) -> Event:
    """Read an event of a valid segment; raises KeyError on a kind this engine does not know."""
    kind = _KINDS[value["kind"]]
    given = {}
    for name, on_the_wire, is_required in _READ[kind.kind]:
        if on_the_wire in value:
            item = value[on_the_wire]
            given[name] = _tupled(item) if item.__class__ is list else item
        elif is_required:
            raise KeyError(on_the_wire)
    if given.get("handover") is not None:
        given["handover"] = Handover(**given["handover"])
    if "wants" in given:
        given["wants"] = wants_from_json(given["wants"])
    to = tuple((lane, agent) for lane, agent in value["to"])
    return Event(value["n"], value.get("subject", ""), to, kind(**given))


def _composed(value: Any) -> Any:  # Any: what fields hold, and JSON
    match value:
        case Handover():
            return {"agent": value.agent, "until": value.until}
        case WantedFact() | WantedRoles():
            return wants_to_json(value)
        case _:
            return _listed(value)


def _listed(value: Any) -> Any:  # Any: JSON
    return [_listed(item) for item in value] if isinstance(value, tuple) else value


def _tupled(value: Any) -> Any:  # Any: JSON
    return tuple(_tupled(item) for item in value) if isinstance(value, list) else value
