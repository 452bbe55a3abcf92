"""`agentbus cases`: what waits for a person, and the person's word on it."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from bus.cli.caller import Caller, with_caller
from bus.cli.failures import CommandError, ExitCode
from bus.cli.in_force import AsPerson, check_id, full_id
from bus.cli.remembered import COUNT_MAX

if TYPE_CHECKING:
    from bus.audit.case_files import CaseFile
    from bus.cli.cases_desk import Desk
    from bus.cli.cases_list import Filter
    from bus.cli.cases_who import Judges
    from bus.core.policy.contracts import JsonObject

ABOUT = "What waits for a person: look at it, reserve it, rule on it."
LS_MAX = 50
WAIT_S = 10.0
REASON_MAX = 4096  # docs/wire.md: free text


class State(StrEnum):
    """How far a case is."""

    READY = "ready"
    RESERVED = "reserved"
    OVERDUE = "overdue"
    CLOSED = "closed"
    OBSOLETE = "obsolete"
    ALL = "all"


class Ruling(StrEnum):
    """What a person can say, as it is typed."""

    AWARD = "award"
    REJECT_ALL = "reject-all"
    APPROVE = "approve"
    REJECT = "reject"


Case = Annotated[
    str,
    typer.Argument(metavar="CASE", help="Its id, the beginning or end of it, or the subject, as deal/D-9 or D-9."),
]
Queue = Annotated[str, typer.Option(metavar="NAME", show_default=False, help="Only cases in this queue.")]
InState = Annotated[
    State | None,
    typer.Option(
        "--state",
        metavar="STATE",
        show_default="open ones",
        help="Only cases in this state: ready, reserved, overdue, closed, obsolete; all for every one of them.",
    ),
]
Mine = Annotated[bool, typer.Option("--mine", help="Only what you have reserved; say who you are with --as.")]
Like = Annotated[
    str,
    typer.Option(
        "--alike", metavar="CASE", show_default=False, help="Only cases like this one, each alone, with what differs."
    ),
]
Wait = Annotated[float, typer.Option("--wait", min=0, metavar="SECONDS", help="How long to wait for each answer.")]


@with_caller
def ls(
    caller: Caller,
    queue: Queue = "",
    state: InState = None,
    mine: Mine = False,
    like: Like = "",
    limit: Annotated[int, typer.Option(min=1, max=COUNT_MAX, metavar="N", help="Show so many lines.")] = LS_MAX,
    person: AsPerson = "",
) -> None:
    """Show what waits for a person, the most urgent first; cases that are alike share a line.

    Alike are cases that one ruling may fit: one type of subject, kind and reason, the same roles and verdicts. What was
    said is not compared: ≠ marks a line whose cases differ in it. --alike shows side by side in what, and with --as
    that counts as having been shown each of them.
    """
    from bus.cli.cases_desk import desk_of, known_registry
    from bus.cli.cases_list import wanted
    from bus.cli.cases_view import View, show_view
    from bus.cli.cases_who import warn_of_orphans

    if person:
        check_id(person, "person")
    with desk_of(caller, person) as desk:
        chosen = _filter(caller, desk, queue, state, person if mine else None, like)
        files = wanted(desk.reader.shelf, chosen)
        is_open = any(file.is_open for file in files)
        registry = known_registry(caller, is_needed=bool(person)) if is_open else None
        asker = full_id(person, "person", registry.genesis.domain) if person and registry else ""
        if not files:
            caller.say(_nothing(desk, chosen))
        show_view(caller, desk, files, View(registry, asker, limit, is_alike=bool(like)))
        if registry:
            warn_of_orphans(caller, registry, files)


@with_caller
def show(caller: Caller, case: Case, person: AsPerson = "") -> None:
    """Show one case whole: what speaks for what, what each ruling will do, and who may rule.

    With --as it says whether that person may, and why not, and the case counts as shown to them: a ruling they type
    afterwards on this machine speaks of what was shown. If the case has changed since, it is refused. Of other cases
    that are alike it shows what differs, and they count as shown as well; with --json they do not.
    """
    from bus.cli.cases_desk import desk_of
    from bus.cli.cases_page import ALIKE_SHOWN_MAX, page_of
    from bus.cli.sheet import page_width, print_lines

    if person:
        check_id(person, "person")
    with desk_of(caller, person) as desk:
        file = desk.find(case)
        judges = _judges(caller, file, person) if file.is_open else None
        like = desk.reader.shelf.alike(file)[1:] if file.is_open else []
        desk.shown.remember(*([] if caller.is_json else like[:ALIKE_SHOWN_MAX]), file)
        if caller.is_json:
            told = judges.to_json() if judges else {}
            caller.show_json({**file.body, **told, "at": file.at, "alike_with": [one.case for one in like]})
        else:
            print_lines(page_of(file, alike=like, width=page_width(), judges=judges).lines)


@with_caller
def reserve(caller: Caller, case: Case, person: AsPerson = "", wait_s: Wait = WAIT_S) -> None:
    """Keep a case for yourself: for as long as its terms allow, nobody else can rule on it."""
    from bus.cli.cases_desk import RESERVE

    _hand(caller, RESERVE, case, person, wait_s)


@with_caller
def release(caller: Caller, case: Case, person: AsPerson = "", wait_s: Wait = WAIT_S) -> None:
    """Give a case back that you have reserved: it decides nothing."""
    from bus.cli.cases_desk import RELEASE

    _hand(caller, RELEASE, case, person, wait_s)


@with_caller
def rule(
    caller: Caller,
    case: Case,
    ruling: Annotated[Ruling, typer.Argument(metavar="RULING", help="award, reject-all, approve or reject.")],
    candidate: Annotated[
        str, typer.Argument(metavar="CANDIDATE", help="Of an award: the number shown, the agent, the claim or option.")
    ] = "",
    *,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; whoever it concerns can read it.")],
    alike: Annotated[
        bool, typer.Option("--alike", help="Rule every open case like it the same way, if it was shown to you.")
    ] = False,
    rev: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", show_default="as last shown to you here", help="The revision you saw."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what it would do.")] = False,
    person: AsPerson = "",
    wait_s: Wait = WAIT_S,
) -> None:
    """Decide a case that was shown to you. With --alike, every open case like it, one by one, with the same reason.

    Shown is what `show` or `ls --alike` had on this machine with the same --as; else name the revision with --rev.
    Alike are cases that one ruling may fit; what they say may differ. One that was not shown as it is now is left
    alone, with what differs in it. The exit code is 6 if any was, or has changed since, and 7 if you may not rule.
    """
    from bus.cli.cases_alike import preview, rule_alike
    from bus.cli.cases_desk import manned_desk
    from bus.cli.cases_ruling import end_with, rule_one
    from bus.cli.cases_word import Word

    if not reason.strip() or len(reason) > REASON_MAX:
        step = f"write --reason with 1 to {REASON_MAX:,} characters"
        raise CommandError(ExitCode.USAGE, "a ruling has a reason", step)
    if alike and rev is not None:
        raise CommandError(ExitCode.USAGE, "each case has a revision of its own", "leave out --rev or --alike")
    word = Word(ruling.value.replace("-", "_"), candidate, reason, rev or 0)
    with manned_desk(caller, person) as desk:
        file = desk.find(case)
        if dry_run:
            end_with(preview(caller, desk, desk.reader.shelf.alike(file) if alike else [file], word))
            return
        end_with((rule_alike if alike else rule_one)(caller, desk, file, word, wait_s=wait_s))


@with_caller
def watch(
    caller: Caller,
    queue: Queue = "",
    state: InState = None,
    mine: Mine = False,
    bell: Annotated[bool, typer.Option("--bell", help="Ring the terminal's bell for a new or overdue case.")] = False,
    person: AsPerson = "",
) -> None:
    """Keep showing what waits until Ctrl-C; in a pipe and with --json a line for each change."""
    from bus.cli.cases_desk import desk_of
    from bus.cli.cases_watch import watch as keep_watching

    with desk_of(caller) as desk:
        chosen = _filter(caller, desk, queue, state, person if mine else None, "")
        keep_watching(caller, desk.reader, chosen, does_ring=bell)


def _filter(caller: Caller, desk: "Desk", queue: str, state: State | None, person: str | None, alike: str) -> "Filter":
    """Which cases are meant; ``person`` None for everybody's."""
    from bus.audit.plain import name_of
    from bus.cli.cases_desk import who
    from bus.cli.cases_list import Filter
    from bus.cli.in_force import check_person

    if person is not None:
        check_person(caller, person)
    digest = desk.find(alike).alike if alike else ""
    if alike and not digest:
        raise CommandError(ExitCode.NOT_FOUND, f"case {alike} is like no other", "leave --alike out")
    mine = "" if person is None else who(caller, person)
    if mine and not person:
        caller.say(f"reserved by {name_of(mine)}, who this development bus takes you for; --as says who you are")
    return Filter(queue, state.value if state else "", mine, digest)


def _judges(caller: Caller, file: "CaseFile", person: str) -> "Judges | None":
    """Who may rule on it; None where this login may not know. Raises `BusError` if a person is named all the same."""
    from bus.cli.cases_desk import known_registry
    from bus.cli.cases_who import judges_of

    registry = known_registry(caller, is_needed=bool(person))
    if registry is None:
        return None
    return judges_of(registry, file, full_id(person, "person", registry.genesis.domain) if person else "")


def _nothing(desk: "Desk", chosen: "Filter") -> str:
    """Why the list is empty: nothing waits at all, or not in this view."""
    waiting = sum(file.is_open for file in desk.reader.shelf.files())
    if not waiting and not chosen.state:
        return "Nothing waits for a person."
    others = f"; {waiting:,} open {'case is' if waiting == 1 else 'cases are'} in other views" if waiting else ""
    return f"No case is in this view{others}."


def _hand(caller: Caller, message_type: str, case: str, person: str, wait_s: float) -> None:
    """Reserve or give back, at the revision that is there now; who was shown it before has seen its own act."""
    from bus.cli.cases_desk import manned_desk
    from bus.cli.cases_ruling import FILE_S, check_open, end_with, told_refusal

    with manned_desk(caller, person) as desk:
        file = desk.find(case)
        check_open(file)
        answer = desk.say(message_type, file, {"rev": file.rev}, wait_s)
        if answer["kind"] == "refused":
            end_with(told_refusal(caller, desk, file, file.rev, answer))
            return
        rev = int(answer.get("rev", file.rev))
        if desk.shown.rev(file.case) == file.rev:
            desk.shown.keep({file.case: rev})
        if rev > file.rev:  # whoever types the next command at once finds the case as it is now
            desk.reader.await_rev(file.case, file.rev, FILE_S)
        _tell_hand(caller, answer)


def _tell_hand(caller: Caller, answer: "JsonObject") -> None:
    from bus.audit.plain import name_of
    from bus.cli.explain_text import until_text
    from bus.cli.words import clock, zone

    if caller.is_json:
        caller.show_json(answer)
        return
    subject, until = answer.get("subject", ""), answer.get("reserved_until")
    if answer.get("person"):
        by = f" until {clock(until)} {zone()} ({until_text(until)})" if until else ""
        caller.show(f"reserved: {subject} for {name_of(str(answer['person']))}{by}, rev {answer['rev']}")
    else:
        caller.show(f"given back: {subject}, rev {answer['rev']}")


VERBS = {
    "ls": (
        ls,
        ("agentbus cases ls --queue revenue", "agentbus cases ls --mine", "agentbus cases ls --alike D-9 --as ben"),
    ),
    "show": (show, ("agentbus cases show deal/D-9 --as ben", "agentbus cases show 1.7.198.2")),
    "reserve": (reserve, "agentbus cases reserve deal/D-9 --as ben"),
    "release": (release, "agentbus cases release deal/D-9 --as ben"),
    "rule": (
        rule,
        (
            "agentbus cases rule deal/D-9 reject --reason 'terms are not ours' --as ben",
            "agentbus cases rule lead/L-1 award 2 --reason 'their customer' --as ben",
            "agentbus cases rule 1.7.198.2 approve --alike --reason 'by phone' --as ben",
        ),
    ),
    "watch": (watch, ("agentbus cases watch --queue revenue --bell", "agentbus cases watch --json")),
}
