"""Tells the demo to a program, as one JSON object a line, and to several tellers at once."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from bus.dev.demo.told import (
    Act,
    Begun,
    Checked,
    Counted,
    Ended,
    Happened,
    Journaled,
    Note,
    Processed,
    Prompted,
    Said,
    Task,
    Teller,
    Told,
)

Json = dict[str, Any]  # Any: JSON
NAMES: dict[type[Any], str] = {  # Any: any of them
    Begun: "begin",
    Act: "act",
    Task: "task",
    Note: "note",
    Said: "exchange",
    Happened: "event",
    Journaled: "segment",
    Counted: "count",
    Processed: "processes",
    Checked: "check",
    Ended: "end",
}


class Tellers:
    """Several at once."""

    def __init__(self, tellers: Sequence[Teller]) -> None:
        self._tellers = tellers

    def tell(self, told: Told) -> None:
        """Each tells it in its own way."""
        for teller in self._tellers:
            teller.tell(told)

    def refresh(self) -> None:
        """A moment has passed for all of them."""
        for teller in self._tellers:
            teller.refresh()


class JsonTeller:
    """For programs: `demo` names what it is, `act` the number of the act."""

    def __init__(self) -> None:
        self._act = 0

    def tell(self, told: Told) -> None:
        """One object on one line; bars that grow are left out, their milestones are not."""
        if isinstance(told, Prompted) or (isinstance(told, Counted) and not told.is_milestone):
            return
        if isinstance(told, Act):
            self._act = told.number
        line = {"demo": NAMES[type(told)], "act": self._act, **_fields(told)}
        sys.stdout.write(json.dumps(line, sort_keys=True) + "\n")
        sys.stdout.flush()

    def refresh(self) -> None:
        """Nothing moves."""


def _fields(told: Told) -> Json:
    match told:
        case Said():
            return _exchange(told)
        case Happened():
            return {"partition": told.event.partition, "body": told.event.body}
        case Journaled():
            own = asdict(told.segment)
            return {**{name: own[name] for name in ("chain", "seq", "hash", "prev", "is_linked")}, "at": own["at_ms"]}
        case Act():
            return {"number": told.number, "title": told.title, "about": told.about}
        case Task():
            return {"agent": told.who, "what": told.what}
        case Begun() | Note() | Counted() | Processed() | Checked() | Prompted() | Ended():
            return asdict(told)


def _exchange(told: Said) -> Json:
    exchange = told.exchange
    arrived = {"arrived_on": exchange.arrived_on, "is_same_bytes": exchange.is_same} if exchange.arrived_on else {}
    return {
        "at": exchange.at_ms,
        "answered_ms": exchange.answered_ms - exchange.at_ms,
        "src": exchange.src,
        "agent": exchange.who,
        "type": exchange.type,
        "subject": exchange.subject,
        "answer": exchange.answer,
        **arrived,
    }
