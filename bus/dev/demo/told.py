"""What can be told of a performance: each kind is a value, and every teller decides how it looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bus.dev.demo.journals import Segment
from bus.dev.demo.watch import Event, Exchange


@dataclass(frozen=True, slots=True)
class Begun:
    """Everything is set up; the first act may come."""

    kafka: str
    bootstrap: str
    agents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Act:
    """A new act of so many."""

    number: int
    of: int
    title: str
    about: str


@dataclass(frozen=True, slots=True)
class Task:
    """Somebody is asked to do something."""

    who: str
    what: str


@dataclass(frozen=True, slots=True)
class Note:
    """What the demo itself does, such as killing a process."""

    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """A message with its answer; how many times in a row now the same sender heard the same to the same."""

    exchange: Exchange
    times: int


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that answers no message."""

    event: Event


@dataclass(frozen=True, slots=True)
class Journaled:
    """A journal has grown by a segment; so many segments in so many chains are read, and so many of them not linked."""

    segment: Segment
    chains: int
    segments: int
    unlinked: int


@dataclass(frozen=True, slots=True)
class Counted:
    """How far a series of messages has come. `is_milestone`: worth a line, not only a longer bar."""

    what: str
    of: int
    sent: int
    judged: int
    answered: int
    arrived: int
    is_milestone: bool = False


@dataclass(frozen=True, slots=True)
class Process:
    """A process of the demo; `state` is alive, killed or ended."""

    name: str
    pid: int
    state: str


@dataclass(frozen=True, slots=True)
class Processed:
    """All processes there are and were, told when one of them has changed."""

    processes: tuple[Process, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """Something that had to be so, and what was looked at if that is not to be seen."""

    sentence: str
    is_so: bool
    looked_at: str


@dataclass(frozen=True, slots=True)
class Prompted:
    """The presenter is waited for; "" when the wait is over."""

    text: str


@dataclass(frozen=True, slots=True)
class Try:
    """A command that works now, and why one would type it."""

    command: str
    why: str


@dataclass(frozen=True, slots=True)
class Ended:
    """How it went, and what to try next; `kept` says until when the bus goes on, "" if it has ended."""

    checks: int
    failed: tuple[str, ...]
    took_s: float
    evidence: str
    kept: str
    things_to_try: tuple[Try, ...]


Told = Begun | Act | Task | Note | Said | Happened | Journaled | Counted | Processed | Checked | Prompted | Ended


class Teller(Protocol):
    """Who tells."""

    def tell(self, told: Told) -> None:
        """Tell one thing."""

    def refresh(self) -> None:
        """A moment has passed: what moves may be drawn again."""
