"""Says a person's word on a case they have seen, and tells what the bus makes of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bus.audit.case_changes import CaseChange, case_changes
from bus.audit.case_files import CaseFile, Choice
from bus.audit.plain import listed, name_of, printable
from bus.cli.caller import Caller
from bus.cli.cases_desk import RULE, Desk
from bus.cli.cases_said import timed
from bus.cli.cases_who import able, excluded, remedy
from bus.cli.cases_word import Word, chosen, typed
from bus.cli.failures import CommandError, ExitCode
from bus.cli.in_force import refusal_code
from bus.cli.words import clock, violation_lines

if TYPE_CHECKING:
    from bus.core.policy.contracts import JsonObject

FILE_S = 5.0  # the case file follows its event within a moment; whoever waits longer looks again
CONFLICT = frozenset({"stale_rev", "winner_unavailable", "late"})
STEPS = {  # what somebody can do who is refused for another reason than that the case has changed
    "unknown_sender": "say who you are with --as, or have a steward register you",
    "wrong_lane": "rule as a person: agents open cases, and never decide them",
    "not_a_person": "rule as a person: agents open cases, and never decide them",
    "winner_unavailable": "award another one, or see why with `agentbus agents show`",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it on one case: the code it ends with, and the sentence if it failed."""

    code: ExitCode
    sentence: str = ""
    step: str = ""


def check_open(file: CaseFile) -> None:
    """Raise `CommandError` (conflict) if nobody waits for a ruling any more."""
    if file.is_open:
        return
    by = f" by {name_of(file.person)}" if file.person and file.state == "closed" else ""
    text = f"the case of {file.subject} is {file.state} since {clock(file.at)}{by}"
    raise CommandError(ExitCode.CONFLICT, text, f"`agentbus cases show {file.case}` tells how it ended")


def rule_one(caller: Caller, desk: Desk, file: CaseFile, word: Word, *, wait_s: float) -> Outcome:
    """Give the ruling and tell what came of it; raises `CommandError` if it cannot be given at all."""
    check_open(file)
    rev = seen_rev(desk, file, word)
    choice = choice_seen(desk, file, word, rev)
    if choice is None:
        return _told_change(caller, desk, file, rev)
    body = {"rev": rev, "ruling": choice.ruling, "reason": word.reason}
    body |= {"candidate": choice.candidate} if choice.candidate else {}
    answer = desk.say(RULE, file, body, wait_s)
    if answer["kind"] == "refused":
        return told_refusal(caller, desk, file, rev, answer)
    if caller.is_json:
        caller.show_json(answer)
        return Outcome(ExitCode.OK)
    caller.show(f"ruled: {file.subject} {typed(choice)} by {name_of(desk.person)} ({answer['decision']})")
    for effect in choice.effects:
        caller.show(f"  {printable(timed(effect))}")
    return Outcome(ExitCode.OK)


def seen_rev(desk: Desk, file: CaseFile, word: Word) -> int:
    """The revision the person speaks of; raises `CommandError` (conflict) if they were never shown the case here."""
    if rev := word.rev or desk.shown.rev(file.case):
        return rev
    who = name_of(desk.person)
    step = f"look at it with `agentbus cases show {file.case} --as {who}`, or name the revision you saw with --rev"
    raise CommandError(ExitCode.CONFLICT, f"{file.subject} has not been shown to {who} here", step)


def choice_seen(desk: Desk, file: CaseFile, word: Word, rev: int) -> Choice | None:
    """What the word means on the edition that was seen; None if it means nothing there, and the case has changed since.

    Raises `CommandError` if it means nothing on the case as it is.
    """
    try:
        return chosen(desk.edition(file.case, rev) or file, word)
    except CommandError:
        if rev == file.rev:
            raise
        return None


def told_refusal(caller: Caller, desk: Desk, file: CaseFile, rev: int, answer: "JsonObject") -> Outcome:
    """What the bus did not take, and of a case that has changed: what, by whom, and when."""
    reason, detail = str(answer.get("reason", "")), str(answer.get("detail", ""))
    changes = changes_since(desk, file, rev) if reason in ("stale_rev", "late") else []
    if caller.is_json:
        told = {"changes": [one.to_json() for one in changes]} if changes else {}
        caller.show_json({**answer, **told})
    else:
        _say_changes(caller, changes)
    for line in violation_lines(answer):
        caller.say(f"  {line}")
    now = desk.reader.shelf.get(file.case) or file
    code = ruling_code(reason)
    look = look_again(desk, file)
    if reason == "stale_rev":
        return Outcome(code, stale_text(now, rev), look)
    if reason == "late" and not now.is_open:
        return Outcome(code, f"{file.subject} was {now.state} before this came", look)
    said = f"refused as {reason}" + (f" ({timed(detail)})" if detail else "")
    return Outcome(code, said, _who_may(desk, now) if reason == "not_allowed" else STEPS.get(reason, look))


def stale_text(now: CaseFile, rev: int) -> str:
    """That a case is not at the revision somebody named."""
    if now.rev > rev:
        return f"{now.subject} has changed since rev {rev}: it is at rev {now.rev}"
    if now.rev < rev:
        return f"{now.subject} is not at rev {rev}: it is at rev {now.rev}"
    return f"{now.subject} has changed since rev {rev}, and what changed is not here yet"


def look_again(desk: Desk, file: CaseFile) -> str:
    """How somebody sees a case as it is now."""
    return f"look at it again with `agentbus cases show {file.case} --as {name_of(desk.person)}`"


def _told_change(caller: Caller, desk: Desk, file: CaseFile, rev: int) -> Outcome:
    """What is known without asking the bus: whom the word names was there at that revision, or never."""
    changes = changes_since(desk, file, rev)
    if caller.is_json:
        told = [one.to_json() for one in changes]
        about = {"case": file.case, "subject": file.subject, "rev": file.rev, "reason": "stale_rev"}
        caller.show_json({"kind": "left_alone", **about, "detail": stale_text(file, rev), "changes": told})
    else:
        _say_changes(caller, changes)
    return Outcome(ExitCode.CONFLICT, stale_text(file, rev), look_again(desk, file))


def _say_changes(caller: Caller, changes: list[CaseChange]) -> None:
    for one in changes:
        by = f", {name_of(one.who)}" if one.who else ""
        caller.say(f"  {clock(one.at)}{by}: {one.sentence}")


def _who_may(desk: Desk, file: CaseFile) -> str:
    """What to do about a case that is somebody else's to rule: waiting helps only against a reservation."""
    registry = desk.registry
    if registry is None:
        return remedy(file)
    others = [name_of(one) for one in able(registry, file) if one != desk.person]
    if not excluded(registry, file, desk.person) and file.is_open and file.person not in ("", desk.person):
        return f"ask {name_of(file.person)}, or wait until the reservation is over"
    if not others:
        return remedy(file)
    return f"{listed(others, 'or')} may rule on it; if that is you, say so with --as"


def ruling_code(reason: str) -> ExitCode:
    """The exit code for a reason a person can hear at the desk."""
    if reason in CONFLICT:
        return ExitCode.CONFLICT
    return refusal_code(reason)


def end_with(outcome: Outcome) -> None:
    """Nothing if it went well, else the error; what was told as JSON has its sentence on stderr all the same."""
    if outcome.code != ExitCode.OK:
        raise CommandError(outcome.code, outcome.sentence, outcome.step)


def changes_since(desk: Desk, file: CaseFile, rev: int) -> list[CaseChange]:
    """From the last edition of that revision to the newest, through all between them."""
    if rev <= file.rev:  # a revision that is not there yet is nothing to wait for
        desk.reader.await_rev(file.case, rev, FILE_S)
    traces = desk.reader.shelf.traces(file.case)
    old = [one for one in traces if one.rev <= rev][-1:]
    editions = [desk.reader.edition(one.place) for one in [*old, *(one for one in traces if one.rev > rev)]]
    return case_changes([one for one in editions if one is not None])
