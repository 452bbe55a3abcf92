"""Lists cases: which ones are meant, which are alike, and what a line tells of each."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from bus.audit.case_files import CaseFile
from bus.audit.case_shelf import Shelf
from bus.audit.plain import lasting, name_of, printable
from bus.cli.cases_page import due_text, state_text
from bus.cli.words import clock
from bus.core.policy.contracts import JsonObject

COLUMNS = ("case", "subject", "kind", "why", "queue", "frozen", "due", "state", "alike")
OPTIONAL = ("kind", "queue", "frozen", "why")  # what a narrow terminal can do without, the first of them first
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
    """Cases that are alike and as far as one another, told in one line: the first to be due stands for them."""

    first: CaseFile
    count: int


def wanted(shelf: Shelf, chosen: Filter) -> list[CaseFile]:
    """The cases that are meant, the most urgent first."""
    return [file for file in shelf.files() if chosen.takes(file)]


def groups(files: Sequence[CaseFile], *, is_grouped: bool = True) -> list[Group]:
    """In the order of their first ones; not grouped, each case is its own."""
    found: dict[object, list[CaseFile]] = {}
    for file in files:
        is_alone = not is_grouped or not file.alike or not file.is_open
        same = file.case if is_alone else (file.alike, file.queue, file.state, file.person, file.is_overdue)
        found.setdefault(same, []).append(file)
    return [Group(same[0], len(same)) for same in found.values()]


def row_of(group: Group) -> list[str]:
    """A line of the table."""
    file = group.first
    now_ms = int(time.time() * 1000)
    frozen = f"{clock(file.frozen_since)} ({lasting(max(0, now_ms - file.frozen_since))})" if file.frozen_since else "–"
    cells = [
        file.case,
        file.subject,
        file.kind,
        file.why,
        file.queue or "–",
        frozen if file.is_open else "–",
        due_text(file) if file.is_open else f"closed {clock(file.at)}",
        f"{name_of(file.person)} has it" if file.is_open and file.person else state_text(file),
        f"× {group.count}" if group.count > 1 else "",
    ]
    return [printable(cell) for cell in cells]


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
