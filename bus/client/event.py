"""One event as the bus tells it to those it concerns, with names an editor can complete."""

import json
import logging
from dataclasses import dataclass
from typing import Any

from bus.core.decision.wants import Wants, wants_from_json
from bus.core.policy.contracts import JsonObject, Violation

_WITH_LEASE = ("granted", "confirmed", "renewed")

_log = logging.getLogger("agentbus.client")


@dataclass(frozen=True, slots=True)
class Event:
    """What happened. ``fields`` has everything the bus said, the properties what is asked for most.

    ``decision`` is the event's id in the journal, ``id`` the message it answers ("" for what time alone brought about),
    ``src`` that message's place in the log, ``at_ms`` the broker's time in epoch milliseconds.
    """

    kind: str
    decision: str
    id: str
    src: str
    at_ms: int
    subject: str
    fields: JsonObject

    @property
    def agent(self) -> str:
        """Whom it happened to."""
        return str(self.fields.get("agent", ""))

    @property
    def recipients(self) -> tuple[str, ...]:
        """The agents it concerns; "" stands for the whole lane."""
        return tuple(agent for _, agent in self.fields.get("to", ()))

    @property
    def reason(self) -> str:
        """Why not, or why it ended."""
        return str(self.fields.get("reason", ""))

    @property
    def detail(self) -> str:
        """The reason in words for people."""
        return str(self.fields.get("detail", ""))

    @property
    def token(self) -> int | None:
        """The fencing token it names."""
        return self.integer("token")

    @property
    def until_ms(self) -> int | None:
        """The end of the lease it names, in epoch milliseconds of the broker."""
        return self.integer("until")

    @property
    def lease_ms(self) -> int | None:
        """The lease that was pinned at the grant; None if it names none, as in what an older bus confirms."""
        return self.integer("lease_ms")

    @property
    def case(self) -> str:
        """The case it is about, or that freezes what it is about; "" for none."""
        return str(self.fields.get("case", ""))

    @property
    def retry_at_ms(self) -> int | None:
        """When another try may help, in epoch milliseconds of the broker; None if the bus cannot know."""
        return self.integer("retry_after")

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Everything that is wrong with the message."""
        return tuple(_violation(one) for one in self.fields.get("violations", ()))

    @property
    def wants(self) -> Wants | None:
        """What a failed claim lacked: a fact with its values, or the roles that may claim; None if none is named."""
        return wants_from_json(self.fields.get("wants"))

    @property
    def ruled_by(self) -> str:
        """The person whose ruling this follows from, "" if it follows from none."""
        return self.text("ruled_by")

    @property
    def ruling_reason(self) -> str:
        """The reason that person gave, cut to 512 bytes; "" if there is no ruling, or its words are no longer kept."""
        return self.text("ruling_reason")

    @property
    def ruling_in_words(self) -> str:
        """Who ruled and why, as a part of a sentence; "" if nobody did."""
        who = self.ruled_by.rpartition("/")[2]
        said = " ".join(self.ruling_reason.split())  # on one line, whatever was typed
        return f"{who} ruled so{f': “{said}”' if said else ''}" if who else ""

    def integer(self, name: str) -> int | None:
        """A number it names; None if it does not."""
        value = self.fields.get(name)
        return value if isinstance(value, int) else None

    def text(self, name: str) -> str:
        """A text it names; "" if it does not."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else ""

    def listed(self, name: str) -> list[Any]:  # Any: JSON
        """A list it has; empty if it has none."""
        value = self.fields.get(name)
        return value if isinstance(value, list) else []


def event_of(body: JsonObject) -> Event:
    """Read an event as it stands on ``bus.out.<lane>`` or ``bus.outcomes``."""
    return Event(
        kind=str(body.get("kind", "")),
        decision=str(body.get("decision", "")),
        id=str(body.get("id", "")),
        src=str(body.get("src", "")),
        at_ms=int(body.get("at", 0)),
        subject=str(body.get("subject", "")),
        fields=body,
    )


def read_event(value: bytes) -> Event | None:
    """The event in a record; None for what no bus writes: in development anybody may write to a lane's answers."""
    try:
        event = event_of(json.loads(value))
        if event.kind in _WITH_LEASE and (event.token is None or event.until_ms is None):
            raise ValueError("a lease has a token and an end")
    except (ValueError, TypeError, AttributeError):
        _log.warning("something that is no answer stands on the lane: %r", value[:80])
        return None
    return event


def _violation(value: dict[str, Any]) -> Violation:  # Any: JSON
    return Violation(*(str(value.get(name, "")) for name in ("path", "keyword", "rule", "message", "hint")))
