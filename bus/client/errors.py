"""Every way in which the bus says no, and every way in which it cannot be asked: each with a sentence to act on.

ClientError
  Misuse        it was called in a way that can never work        Closed   … after it was closed
  NotTaken      Kafka did not take the message, and never will
  Unreachable   Kafka does not answer
  Unreadable    a topic cannot be read, or a message does not fit its class
  Unanswered    no answer came in time: the message may still take effect
  Undecided     it waits for a contest or a person, for longer than its caller wanted to
  Withdrawn     a claim was taken back while somebody waited for it
  LeaseLost     the lease is over while somebody still worked under it
  Refusal       the bus said no
    Denied      … to a claim
    Refused     … to anything else: Fenced, Late, Stale, Expired, Suspended, NotAllowed, Invalid
"""
# ruff: noqa: N818  # these names are what an agent's code reads best: `except Denied`

from bus.client.advice import advice_on
from bus.client.contest import Contest
from bus.client.event import Event
from bus.core.decision.reasons import ArbiterReason, GateReason
from bus.core.decision.wants import Wants
from bus.core.policy.contracts import Violation
from bus.shell.errors import BusError, UnreachableError

_INVALID = frozenset(
    {
        *(GateReason.TOO_LARGE, GateReason.BAD_ENVELOPE, GateReason.RESERVED_HEADER, GateReason.SCHEMA_MISMATCH),
        *(GateReason.BAD_PAYLOAD, GateReason.SCHEMA_VIOLATION, GateReason.RULE_VIOLATION),
        *(GateReason.SUBJECT_MISMATCH, GateReason.UNKNOWN_CONTRACT),
    }
)
VIOLATIONS_SHOWN_MAX = 5  # a sentence; all of them are in `violations`


class ClientError(BusError):
    """What the client raises. ``advice`` says what to do about it."""

    @property
    def advice(self) -> str:
        """What to do, in one sentence."""
        return self.next_step


class Misuse(ClientError):
    """It was called in a way that can never work."""


class Closed(ClientError):
    """The bus was closed, by ``close()`` or by leaving its ``with`` block."""


class NotTaken(ClientError):
    """Kafka did not take the message and never will: it has no effect."""


class Unreachable(ClientError, UnreachableError):
    """Kafka does not answer."""


class Unreadable(ClientError):
    """A topic may not be read or is not there, or a message does not fit the class that was given for it."""


class Unanswered(ClientError):
    """No answer in time. ``src`` is the message's place in the log, "" if it is not known whether it got there."""

    def __init__(self, message: str, next_step: str, *, identifier: str, src: str) -> None:
        super().__init__(message, next_step)
        self.id = identifier
        self.src = src


class Undecided(ClientError):
    """A contest or a person decides, and has not yet: the claim stands, the action is held, the question is open.

    ``contest`` says where it stands, ``id`` is the message's. Nothing is lost by it: wait again, or withdraw a claim.
    """

    def __init__(self, message: str, next_step: str, *, identifier: str, contest: Contest) -> None:
        super().__init__(message, next_step)
        self.id = identifier
        self.contest = contest
        self.subject = contest.subject


class Withdrawn(ClientError):
    """The claim was taken back, by another part of this agent, while somebody waited for it."""

    def __init__(self, subject: str, identifier: str) -> None:
        super().__init__(f"the claim on {subject} was withdrawn", "Claim it again if it is wanted after all")
        self.subject = subject
        self.id = identifier


class LeaseLost(ClientError):
    """The lease is over: ``reason`` is unanswered, expired, revoked, superseded, ruled, fenced, late, released, closed.

    ``superseded``: another agent took it over, by its priority or a contest. ``ruled``: a person gave it to another.
    """

    def __init__(self, subject: str, token: int, reason: str, detail: str = "") -> None:
        because = detail or f"it is {reason}"
        what = "given up" if reason == "closed" else "lost"  # its own program closed the bus
        text = f"the lease of {subject} under token {token} is {what} ({because})"
        super().__init__(text, "Stop acting on it, and claim it again before doing anything more")
        self.subject = subject
        self.token = token
        self.reason = reason
        self._because = because

    def again(self) -> "LeaseLost":
        """The same loss, to be raised at another place."""
        return LeaseLost(self.subject, self.token, self.reason, self._because)


class Refusal(ClientError):
    """The bus said no. ``retry_after_ms`` is a duration from the moment it was heard, None if nobody can know.

    ``reason`` is a code of the reference, ``violations`` are all that was found, ``decision`` leads to the journal,
    ``event`` has everything the bus said. If a person ruled so, ``ruled_by`` is that person and ``ruling_reason`` what
    they gave as their reason; else both are "".
    """

    verb = "refused"

    def __init__(self, event: Event, what: str, *, now_ms: int) -> None:
        retry_at_ms = event.retry_at_ms
        self.event = event
        self.reason = event.reason
        self.detail = event.detail
        self.ruled_by = event.ruled_by
        self.ruling_reason = event.ruling_reason
        self.violations: tuple[Violation, ...] = event.violations
        self.decision = event.decision
        self.subject = event.subject
        self.id = event.id
        self.retry_after_ms = None if retry_at_ms is None else max(0, retry_at_ms - now_ms)
        super().__init__(self._sentence(what), advice_on(self.reason, self.retry_after_ms, event.wants))

    def __str__(self) -> str:
        return f"{self.message}. {self.advice}."

    def _sentence(self, what: str) -> str:
        found = [_in_words(violation) for violation in self.violations]
        if len(found) > VIOLATIONS_SHOWN_MAX:
            more = len(found) - VIOLATIONS_SHOWN_MAX
            found = [*found[:VIOLATIONS_SHOWN_MAX], f"and {more} more"]
        said = "; ".join(found) or self.detail or self.event.ruling_in_words
        return f"{what} was {self.verb} as {self.reason}" + (f": {said.rstrip('.')}" if said else "")


class Denied(Refusal):
    """A claim failed: somebody else has it, or this agent may not have it now.

    ``wants`` is what it lacked, None if the reason is no such thing: a `WantedFact` (``fact``, ``values``, ``is_``)
    with reason ``stage``, `WantedRoles` (``roles``) with ``not_allowed``. Of a contest that was lost ``contest`` is its
    id, ``by`` the rung that settled it, ``winner`` the candidate that won; else "".
    """

    verb = "denied"

    def __init__(self, event: Event, what: str, *, now_ms: int) -> None:
        super().__init__(event, what, now_ms=now_ms)
        self.wants: Wants | None = event.wants
        self.contest = event.text("contest")
        self.by = event.text("by")
        self.winner = event.text("winner")


class Refused(Refusal):
    """Anything but a claim failed, or a claim was no valid message."""


class Fenced(Refused):
    """The token is not the current one; ``current`` is the one that is, 0 if nobody holds."""

    def __init__(self, event: Event, what: str, *, now_ms: int) -> None:
        super().__init__(event, what, now_ms=now_ms)
        self.current = int(event.fields.get("current", 0))


class Late(Refused):
    """It came at or after its deadline, or names what is over."""


class Stale(Refused):
    """``ce_time`` was too far from the broker's time, also after the client had corrected it once."""


class Expired(Refused):
    """Its expiry had passed."""


class Suspended(Refused):
    """An operator has suspended the agent, a role of it, or all agents."""


class NotAllowed(Refused):
    """The agent has none of the roles it takes, is not registered, or is registered for another lane."""


class Invalid(Refused):
    """The message does not keep its contract: ``violations`` has every place."""


_KINDS: dict[str, type[Refused]] = {
    ArbiterReason.FENCED: Fenced,
    ArbiterReason.LATE: Late,
    GateReason.STALE: Stale,
    GateReason.EXPIRED: Expired,
    GateReason.SUSPENDED: Suspended,
    GateReason.NOT_ALLOWED: NotAllowed,
    GateReason.UNKNOWN_SENDER: NotAllowed,
    GateReason.WRONG_LANE: NotAllowed,
    **dict.fromkeys(_INVALID, Invalid),
}


def refusal_of(event: Event, what: str, *, now_ms: int) -> Refusal:
    """The exception for an event that says no; ``what`` begins its sentence, ``now_ms`` is the broker's time."""
    if event.kind == "denied":
        return Denied(event, what, now_ms=now_ms)
    return _KINDS.get(event.reason, Refused)(event, what, now_ms=now_ms)


def _in_words(violation: Violation) -> str:
    place = violation.path or "the message"
    if violation.keyword == "more":
        return "and more"
    said = violation.message or violation.rule or violation.keyword
    return f"{place}: {said}" + (f" ({violation.hint})" if violation.hint else "")
