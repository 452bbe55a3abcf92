"""Says in what cases that are alike differ: alike is what one ruling may fit, and the words and amounts are not in it.

Two cases are alike if they have one type of subject, one kind and one reason, the roles that compete and act, the
verdicts of the voters, question and options in common (docs/wire.md, ``alike``). Everything else is compared here.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from bus.audit.case_files import CaseFile, choices
from bus.audit.plain import name_of, shown
from bus.cli.cases_said import timed, told, value_text
from bus.cli.sheet import GAP, INDENT, QUIET, Row, Sheet, wrap
from bus.cli.tables import set_table
from bus.core.policy.contracts import JsonObject

DIFFERS, SAME, ABSENT = "≠", "=", "–"
COMPARED_MAX = 50  # of a group in a list; of a larger one it is said that they may differ
WAITING = "cost_at"  # what waiting costs is a time or an amount, and is compared without how far from now it is
CELL_MAX = 40  # what is longer is read in a column of its own, not in a table


def said_in(file: CaseFile) -> dict[str, str]:
    """Everything a person would judge by, by what it is called, apart from the subject's own name."""
    found: dict[str, str] = {}
    for label, one in _spoken(file):
        before = f"{label}: " if label else ""
        found |= {f"{before}{name}": value for name, value in told(one).items()}
        found |= {f"{before}by": name_of(str(one["agent"]))} if one.get("agent") else {}
        found |= {f"{before}out": str(one["dropped"])} if one.get("dropped") else {}
        found |= {f"{before}whole message": whole} if (whole := _left_out(one)) else {}
    found |= dict(_around(file))
    own = file.subject.partition("/")[2]
    return {name: value for name, value in found.items() if value != own}


def differing(files: Sequence[CaseFile]) -> list[Row]:
    """What is not the same in all of them, a value for each file."""
    return [row for row in _rows(files) if len(set(row.values)) > 1]


def do_differ(files: Sequence[CaseFile]) -> bool:
    """Is anything not the same in all of them? Of more than `COMPARED_MAX` it is taken to be so."""
    if len(files) > COMPARED_MAX:
        return True
    first = said_in(files[0])
    return any(said_in(one) != first for one in files[1:])


def differences(first: CaseFile, other: CaseFile) -> dict[str, tuple[str, str]]:
    """Label -> what the first one and what the other one says there."""
    return {row.label: (row.values[0], row.values[1]) for row in differing([first, other])}


def group_sheet(sheet: Sheet, files: Sequence[CaseFile], *, has_common: bool) -> None:
    """Side by side what differs, whole, and once what is the same: whoever was shown this has seen each of them."""
    if len(files) < 2:
        return
    rows = _rows(files)
    unequal = [row for row in rows if len(set(row.values)) > 1]
    note = f"{DIFFERS} is where they differ" if unequal else "they differ in nothing but their names"
    sheet.heading("Alike", note)
    if not _as_table(sheet, files, unequal):
        sheet.side_by_side([f"{one.subject} {one.case}, rev {one.rev}" for one in files], unequal)
    same = "; ".join(f"{row.label} {row.values[0]}" for row in rows if len(set(row.values)) == 1)
    if same and has_common:
        sheet.wrapped(same, indent=INDENT + 2, opening=f"{' ' * INDENT}{SAME}", style=QUIET)


def _as_table(sheet: Sheet, files: Sequence[CaseFile], rows: Sequence[Row]) -> bool:
    """A line for each case, if all of it fits as it is; False if it does not."""
    columns = ["case", "subject", "rev", *(f"{DIFFERS} {row.label}" for row in rows)]
    cells = [
        [one.case, one.subject, str(one.rev), *(row.values[place] for row in rows)] for place, one in enumerate(files)
    ]
    widths = [max(len(line[place]) for line in (columns, *cells)) for place in range(len(columns))]
    if max(widths) > CELL_MAX or sum(widths) + GAP * len(widths) + INDENT > sheet.width:
        return False
    if any(wrap(cell, CELL_MAX) != [cell] for line in (columns, *cells) for cell in line):
        return False
    lines = set_table(columns, cells, width=None)
    sheet.lines += [((f"{' ' * INDENT}{line}", QUIET if place == 0 else ""),) for place, line in enumerate(lines)]
    return True


def _rows(files: Sequence[CaseFile]) -> list[Row]:
    said = [said_in(one) for one in files]
    labels = list(dict.fromkeys(label for one in said for label in one))
    rows = [Row(label, tuple(one.get(label, ABSENT) for one in said), DIFFERS) for label in labels]
    return rows


def _spoken(file: CaseFile) -> Iterator[tuple[str, JsonObject]]:
    """Each claim by the roles it comes from, for the order of claims differs; each action by its place."""
    seen: Counter[str] = Counter()
    for one in file.part("claims"):
        roles = one.get("roles")
        name = ", ".join(map(str, roles)) if isinstance(roles, list) and roles else "claim"
        seen[name] += 1
        plain = {key: value for key, value in one.items() if key != "roles"}
        yield f"{name} {seen[name]}" if seen[name] > 1 else name, plain
    actions = file.part("actions")
    for place, one in enumerate(actions, start=1):
        yield f"action {place}" if len(actions) > 1 else "", one


def _left_out(one: JsonObject) -> str:
    """Of a message that is longer than its excerpt: that it is, and which one it is."""
    excerpt, size = str(one.get("excerpt") or ""), one.get("size")
    if not isinstance(size, int) or not excerpt.endswith("…"):
        return ""
    return f"{size} bytes, of which the beginning is here (hash {str(one.get('hash'))[:8]})"


def _around(file: CaseFile) -> Iterator[tuple[str, str]]:
    """What is known, what it costs, what voters wrote, and what each ruling does."""
    yield "queue", file.queue
    facts = file.body.get("facts")
    for name, value in sorted(facts.items()) if isinstance(facts, Mapping) else ():
        yield f"fact {name}", shown(value)
    for one in file.part("waiting_costs"):
        yield f"waiting: {one.get('name')}", value_text(WAITING, one.get("value"))
    waited = file.body.get("waited")
    if isinstance(waited, Mapping):
        yield "waits for", name_of(str(waited.get("for") or ""))
        yield "waits because", str(waited.get("reason") or "")
    for one in file.part("ballots"):
        sure = one.get("confidence")
        yield f"{one.get('seat')} is sure", f"{sure // 100} %" if isinstance(sure, int) else ABSENT
        yield f"{one.get('seat')} says", str(one.get("reasoning") or ABSENT)
    names = _parts(file)
    for choice in choices(file):
        who = names.get(name_of(choice.agent), "") if choice.agent else choice.candidate
        final = ["cannot be undone"] if choice.is_irreversible else []
        effects = [timed(_in_parts(effect, file.subject, names)) for effect in choice.effects]
        yield f"on {choice.ruling.replace('_', '-')} {who}".rstrip(), "; ".join([*effects, *final])


def _parts(file: CaseFile) -> dict[str, str]:
    """Short name of an agent -> the part it has, so that effects on alike cases read alike."""
    found = {name_of(str(one.get("agent"))): label or "the sender" for label, one in _spoken(file)}
    holder = file.body.get("holder")
    if isinstance(holder, Mapping) and holder.get("agent"):
        found.setdefault(name_of(str(holder["agent"])), "the holder")
    return found


def _in_parts(effect: str, subject: str, names: Mapping[str, str]) -> str:
    known = {subject: "it", **names}
    words = "|".join(re.escape(name) for name in sorted(known, key=len, reverse=True) if name)
    return re.sub(rf"(?<![\w.-])(?:{words})(?![\w-])", lambda found: known[found[0]], effect)
