"""Puts a list of cases on a screen or in a pipe, as whoever asks sees them, and remembers what they were shown."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bus.audit.case_files import CaseFile
from bus.audit.plain import name_of
from bus.cli.caller import Caller
from bus.cli.cases_desk import Desk
from bus.cli.cases_differ import DIFFERS, differing, group_sheet
from bus.cli.cases_list import COLUMNS, OPTIONAL, Group, groups, json_of, row_of, standing_for
from bus.cli.cases_who import obstacle
from bus.cli.sheet import Sheet, page_width, print_lines
from bus.cli.words import zone

if TYPE_CHECKING:
    from bus.core.policy.contracts import JsonObject
    from bus.core.policy.control import Registry


@dataclass(frozen=True, slots=True)
class View:
    """How it is looked at: by what is in force (None if unknown), by whom, so many lines, alike ones each alone."""

    registry: "Registry | None"
    asker: str
    limit: int
    is_alike: bool


def show_view(caller: Caller, desk: Desk, files: list[CaseFile], view: View) -> None:
    """The list; of cases that are alike what differs, and then they count as shown."""
    shown = files[: view.limit]
    if caller.is_json:
        left = len(files) - view.limit
        _as_json(caller, desk, shown, view)
    else:
        standing = standing_for(view.registry, view.asker) if view.registry else None
        found = groups(files, is_grouped=not view.is_alike, standing=standing)
        left = len(found) - view.limit
        _as_table(caller, found[: view.limit], f" --as {name_of(view.asker)}" if view.asker else "")
        if view.is_alike:
            sheet = Sheet(page_width(), [()] if found else [])
            group_sheet(sheet, shown, has_common=True)
            print_lines(sheet.lines)
    if view.is_alike:
        desk.shown.remember(*(file for file in shown if file.is_open))
    if left > 0:
        caller.say(f"{left:,} more are not shown (--limit)")


def _as_table(caller: Caller, found: list[Group], who: str) -> None:
    if not found:
        return
    columns = COLUMNS if any(group.count > 1 for group in found) else COLUMNS[:-1]
    caller.show_table(columns, [row_of(group)[: len(columns)] for group in found], optional=OPTIONAL)
    caller.say(f"times are of this machine, {zone()}")
    if unequal := next((group.first for group in found if group.do_differ), None):
        step = f"`agentbus cases ls --alike {unequal.case}{who}` shows in what"
        caller.say(f"{DIFFERS}: alike in kind, and not in what they say; {step}")


def _as_json(caller: Caller, desk: Desk, files: list[CaseFile], view: View) -> None:
    rows = differing(files) if view.is_alike else []
    for place, file in enumerate(files):
        differs = {"differs": {row.label: row.values[place] for row in rows}} if view.is_alike else {}
        caller.show_json({**json_of(file, desk.reader.shelf), **differs, **_asked(view, file)})


def _asked(view: View, file: CaseFile) -> "JsonObject":
    """May whoever asks rule on it; nothing if nobody does."""
    if not view.asker or not view.registry or not file.is_open:
        return {}
    why = obstacle(view.registry, file, view.asker)
    return {"you": {"person": view.asker, "may": not why, "why_not": why}}
