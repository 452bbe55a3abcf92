"""What the index gives back: decisions of gates and of the arbiter, changes of control, and where each is proven."""

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from bus.core.decision.entries import Entry
from bus.core.decision.events import Event
from bus.core.decision.reasons import SENDER_NOT_KNOWN
from bus.core.gate import Row
from bus.core.log import topics
from bus.core.policy.contracts import JsonObject

ARBITER_ID = re.compile(r"([0-9]{1,3})\.([0-9]{1,5})\.([0-9]{1,15})(?:\.([0-9]{1,3}))?")
GATE_ID = re.compile(r"([a-z][a-z0-9-]{0,31})\.([0-9]{1,15})")


@dataclass(frozen=True, slots=True)
class Proof:
    """The segment a decision stands in: where, its number and hash in the chain, and what it names before it.

    ``kept``: ``there`` if it was read again and says the same, ``changed`` if it does not, ``gone`` if it is not
    there any more, or not for this login to read.
    """

    topic: str
    partition: int
    offset: int
    seq: int
    hash: str
    prev: str
    prev_offset: int | None
    void_before: int
    has_new_owner: bool
    kept: Literal["there", "gone", "changed"] = "gone"

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """The proof as ``--json`` shows it."""
        names = (
            "topic",
            "partition",
            "offset",
            "seq",
            "hash",
            "prev",
            "prev_offset",
            "void_before",
            "has_new_owner",
            "kept",
        )
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class GateDecision:
    """A row of a lane's gate, the control number it was judged by, and the words of its refusal, if they are known."""

    lane: str
    row: Row
    control: int
    journal_offset: int
    said: "Words"

    @property
    def id(self) -> str:
        """Its decision id."""
        return f"{self.lane}.{self.row.offset}"

    @property
    def journal(self) -> tuple[str, int]:
        """The topic-partition it stands in."""
        return topics.gate_journal(self.lane), 0

    @property
    def has_known_sender(self) -> bool:
        """Did whom it names send it? If the gate refused it before it knew, anybody may have used that name."""
        return self.row.reason not in SENDER_NOT_KNOWN


@dataclass(frozen=True, slots=True)
class Words:
    """What a dead letter says of a refusal; all empty where there is none, or none any more."""

    type: str = ""
    subject: str = ""
    contract: str = ""
    detail: str = ""
    violations: tuple[JsonObject, ...] = ()


@dataclass(frozen=True, slots=True)
class ArbiterDecision:
    """An entry of the arbiter and the event that is asked about; None for an entry without one."""

    gen: int
    p: int
    entry: Entry
    event: Event | None
    journal_offset: int

    @property
    def id(self) -> str:
        """Its decision id; of an entry without events, without the last number."""
        return f"{self.gen}.{self.p}.{self.entry.o}" + (f".{self.event.n}" if self.event else "")

    @property
    def journal(self) -> tuple[str, int]:
        """The topic-partition it stands in."""
        return topics.JOURNAL, self.p

    @property
    def subject(self) -> str:
        """What it is about, "" for nothing."""
        return self.event.subject if self.event else ""


@dataclass(frozen=True, slots=True)
class Link:
    """Another decision, in short: its event as the wire has it, or what there is without one.

    ``times`` over 1: it is the last of so many of its kind, which are told as one.
    """

    decision: str
    at: int
    event: JsonObject = field(default_factory=dict)
    times: int = 1

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """The link as ``--json`` shows it."""
        several = {"times": self.times} if self.times > 1 else {}
        return {"decision": self.decision, "at": self.at, "event": dict(self.event), **several}


@dataclass(frozen=True, slots=True)
class Setting:
    """A change of control: what was set, its number and revision, by whom and when."""

    number: int
    kind: str
    name: str
    rev: int
    value: JsonObject | None
    source: str
    at: int
    decision: str

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """The change as ``--json`` shows it."""
        named = {"control": self.number, "kind": self.kind, "name": self.name, "rev": self.rev}
        return {**named, "value": self.value, "by": self.source, "at": self.at, "decision": self.decision}
