"""Lists cases: which ones are meant, which are alike, and what a line tells of each."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bus.audit.case_files import CaseFile
from bus.audit.case_shelf import Shelf
from bus.audit.plain import lasting, name_of, printable
from bus.cli.cases_differ import DIFFERS, do_differ
from bus.cli.cases_who import NOT_YOURS, excluded, is_void
from bus.cli.words import clock
from bus.core.policy.contracts import JsonObject
from bus.core.policy.control import Registry

COLUMNS = ("case", "subject", "kind", "queue", "why", "tier", "frozen", "due", "state", "alike")
OPTIONAL = ("frozen", "why", "tier", "queue", "kind")  # what a narrow terminal can do without, the first of them first
Standing = Callable[[CaseFile], str]
OVERDUE, ALL = "overdue", "all"
STATES = ("ready", "reserved", OVERDUE, "closed", "obsolete", ALL)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which cases; "" for every queue, person and kind.

    ``state`` "" stands for the open ones, ``person`` has reserved them, ``alike`` is what a case has in common with
    those that are alike.
    """

    queue: str = ""
    state: str = ""
    person: str = ""
    alike: str = ""

    def takes(self, file: CaseFile) -> bool:
        """Is this one meant?"""
        return (
            self._has_state(file)
            and self.queue in ("", file.queue)
            and self.person in ("", file.person)
            and self.alike in ("", file.alike)
        )

    def _has_state(self, file: CaseFile) -> bool:
        match self.state:
            case "":
                return file.is_open
            case "overdue":
                return file.is_open and file.is_overdue
            case "all":
                return True
            case _:
                return file.state == self.state


@dataclass(frozen=True, slots=True)
class Group:
    """Cases that are alike and as far as one another, told in one line: the first to be due stands for them.

    ``do_differ``: what they say is not the same. ``state`` is how far they are, as whoever asks sees it.
    """

    first: CaseFile
    count: int
    state: str
    do_differ: bool = False


def wanted(shelf: Shelf, chosen: Filter) -> list[CaseFile]:
    """The cases that are meant, the most urgent first."""
    return [file for file in shelf.files() if chosen.takes(file)]


def groups(files: Sequence[CaseFile], *, is_grouped: bool = True, standing: Standing | None = None) -> list[Group]:
    """In the order of their first ones; not grouped, each case is its own. ``standing`` says how far a case is."""
    told = standing or standing_text
    found: dict[object, list[CaseFile]] = {}
    for file in files:
        is_alone = not is_grouped or not file.alike or not file.is_open
        same = file.case if is_alone else (file.alike, file.queue, told(file), file.is_overdue)
        found.setdefault(same, []).append(file)
    return [Group(same[0], len(same), told(same[0]), len(same) > 1 and do_differ(same)) for same in found.values()]


def standing_text(file: CaseFile) -> str:
    """How far a case is, and in whose hands."""
    return f"{name_of(file.person)} has it" if file.is_open and file.person else file.state


def standing_for(registry: Registry, asker: str) -> Standing:
    """The same by what is in force now: a reservation that counts for nothing is none.

    What ``asker`` ("" for nobody) may not rule on is said not to be theirs.
    """

    def told(file: CaseFile) -> str:
        state = "ready" if file.is_open and is_void(registry, file) else standing_text(file)
        is_not_theirs = file.is_open and asker and excluded(registry, file, asker)
        return f"{state}, {NOT_YOURS}" if is_not_theirs else state

    return told


def row_of(group: Group) -> list[str]:
    """A line of the table."""
    file = group.first
    now_ms = int(time.time() * 1000)
    frozen = f"{clock(file.frozen_since)} ({lasting(max(0, now_ms - file.frozen_since))})" if file.frozen_since else "–"
    cells = [
        file.case,
        file.subject,
        file.kind,
        file.queue or "–",
        file.why,
        str(file.tier + 1),
        frozen if file.is_open else "–",
        _due(file, now_ms) if file.is_open else f"closed {clock(file.at)}",
        group.state,
        f"× {group.count}{f' {DIFFERS}' if group.do_differ else ''}" if group.count > 1 else "",
    ]
    return [printable(cell) for cell in cells]


def _due(file: CaseFile, now_ms: int) -> str:
    """Short, so that a narrow terminal has room for the queue: to the minute, and from now in one unit."""
    if file.is_overdue or not file.due:
        return OVERDUE if file.is_overdue else "–"
    left_ms = file.due - now_ms
    from_now = " ".join(lasting(abs(left_ms)).split()[:2])
    return f"{clock(file.due)[:-3]}, {'in ' if left_ms >= 0 else 'since '}{from_now}"


def json_of(file: CaseFile, shelf: Shelf) -> JsonObject:
    """A line of JSON: what the table tells, in the words of the case file."""
    return {
        "case": file.case,
        "rev": file.rev,
        "n": file.n,
        "subject": file.subject,
        "kind": file.kind,
        "why": {"reason": file.why, "detail": file.detail},
        "queue": file.queue,
        "tier": file.tier,
        "state": file.state,
        "overdue": file.is_overdue,
        "due": file.due,
        "frozen_since": file.frozen_since or None,
        "person": file.person,
        "reserved_until": file.reserved_until or None,
        "alike": file.alike,
        "alike_open": len(shelf.alike(file)) if file.is_open else 0,
        "at": file.at,
    }
