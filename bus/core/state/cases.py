"""What a person decides on, what waits for it, and who waits for whom: the parts of a frozen or waiting subject.

    ready --- reserve ---> reserved --- rule ---> closed
    ready <-- release, reservation over --- reserved
    ready, reserved --- nothing left to rule on, or the terms' on_expiry after the last tier ---> obsolete

``rev`` moves when what a ruling covers moves (claims, actions, the reservation), ``file_n`` with every edition of the
case file. Overdue is a flag: past its last tier a case is still there, and still freezes its subject.
"""

from bus.core.contest.contest import Candidate
from bus.core.decision.contest_events import CaseKind, CaseState, CaseWhy
from bus.core.frozen import dataclass
from bus.core.policy.terms import EscalateTerms

HELD_MAX = 32  # actions that wait on one resource: more than a person can read


@dataclass(frozen=True, slots=True)
class Case:
    """An open case. All times in epoch milliseconds.

    ``parties`` are the candidates of a case that has no contest (a wait). ``due`` is when its tier ends, None when it
    is overdue. ``escalate`` was pinned when it opened. ``waited`` is the wait that passed, None where none did.
    """

    id: str
    over: CaseKind
    why: CaseWhy
    escalate: EscalateTerms
    opened: int
    due: int | None
    rev: int = 1
    file_n: int = 1
    tier: int = 0
    person: str = ""
    reserved_until: int = 0
    parties: tuple[Candidate, ...] = ()
    waited: "Wait | None" = None

    @property
    def is_overdue(self) -> bool:
        """Is it past its last tier?"""
        return self.due is None

    @property
    def state(self) -> CaseState:
        """Has somebody reserved it?"""
        return "reserved" if self.person else "ready"


@dataclass(frozen=True, slots=True)
class HeldAction:
    """An action that waits for a decision; ``id`` is the decision that held it, ``contract`` its ``type@revision``.

    ``o`` is its record on ``bus.arbiter``, where its bytes are. ``until`` and ``expiry`` in milliseconds.
    """

    id: str
    o: int
    agent: str
    token: int
    type: str
    contract: str
    until: int
    hash: str = ""
    cost: int | None = None
    fact: tuple[str, str | int | bool] | None = None
    expiry: int | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """A holder waits for an agent or a subject until ``until`` (ms)."""

    id: str
    agent: str
    whom: str
    until: int
