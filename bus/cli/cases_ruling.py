"""Says a person's word on a case, or the same word on all that are alike, and tells what the bus makes of it."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bus.audit.case_changes import CaseChange, case_changes
from bus.audit.case_files import AWARD, CaseFile, Choice, choices
from bus.audit.plain import listed, name_of, printable
from bus.cli.caller import Caller
from bus.cli.cases_desk import RULE, Desk
from bus.cli.cases_page import timed, typed
from bus.cli.cases_who import able, remedy
from bus.cli.failures import CommandError, ExitCode
from bus.cli.in_force import refusal_code
from bus.cli.words import clock, violation_lines

if TYPE_CHECKING:
    from bus.core.policy.contracts import JsonObject

FILE_S = 5.0  # the case file follows its event within a moment; whoever waits longer looks again
CONFLICT = frozenset({"stale_rev", "winner_unavailable", "late"})
NOT_PERMITTED = frozenset({"not_a_person"})
STEPS = {  # what somebody can do who is refused for another reason than that the case has changed
    "unknown_sender": "say who you are with --as, or have a steward register you",
    "wrong_lane": "rule as a person: agents open cases, and never decide them",
    "not_a_person": "rule as a person: agents open cases, and never decide them",
    "winner_unavailable": "award another one, or see why with `agentbus agents show`",
}


@dataclass(frozen=True, slots=True)
class Word:
    """What a person says: a ruling, of an award whom or what, and why. ``rev`` 0 stands for what was shown last."""

    ruling: str
    candidate: str
    reason: str
    rev: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it on one case: the code it ends with, and the sentence if it failed."""

    code: ExitCode
    sentence: str = ""
    step: str = ""


def chosen(file: CaseFile, word: Word) -> Choice:
    """What the word means on this case; raises `CommandError` (usage) if the case has no such choice."""
    found = choices(file)
    same = [one for one in found if one.ruling == word.ruling]
    if not same:
        kinds = listed(dict.fromkeys(typed_ruling(one.ruling) for one in found), "or")
        step = f"choose {kinds}" if found else "read it with `agentbus cases show`"
        raise CommandError(ExitCode.USAGE, f"{file.subject} cannot be ruled {typed_ruling(word.ruling)}", step)
    if word.ruling != AWARD:
        if word.candidate:
            step = "leave it out, or award it"
            raise CommandError(ExitCode.USAGE, f"{typed_ruling(word.ruling)} names nobody, not {word.candidate}", step)
        return same[0]
    meant = [one for one in same if one.candidate == word.candidate] or _meant(same, word.candidate)
    if len(meant) == 1:
        return meant[0]
    if meant:  # a sender chose its claim's id, and may have chosen another one's number
        told = listed((f"{typed(one)} ({one.candidate})" for one in meant), "or")
        raise CommandError(ExitCode.USAGE, f"{word.candidate} may be {told}", "name it by the id in brackets")
    names = listed((typed(one) for one in same), "or")
    said = f"{word.candidate} is no candidate of {file.subject}" if word.candidate else "nobody is named to be awarded"
    raise CommandError(ExitCode.USAGE, said, f"choose {names}")


def _meant(awards: list[Choice], given: str) -> list[Choice]:
    return [one for one in awards if one.is_meant_by(given)]


def word_on(file: CaseFile, word: Word, choice: Choice) -> Word:
    """The same word on a case that is alike: who has the same part in it, for the order of claims may be another.

    Raises `CommandError` (usage) if nobody has, or more than one.
    """
    if not choice.number:
        return word
    awards = [one for one in choices(file) if one.number]
    same = [one for one in awards if one.candidate == choice.candidate]
    peers = [one for one in awards if one.agent and one.roles == choice.roles]
    same = same or [one for one in peers if one.agent == choice.agent] or peers
    if len(same) != 1:
        roles = listed(choice.roles, "and") if choice.agent else choice.candidate
        text = f"{len(same) or 'none'} of the candidates of {file.subject} stand for {roles}"
        raise CommandError(ExitCode.USAGE, text, f"rule it alone: `agentbus cases show {file.case}`")
    return replace(word, candidate=same[0].candidate)


def typed_ruling(ruling: str) -> str:
    """A ruling as it is typed."""
    return ruling.replace("_", "-")


def check_open(file: CaseFile) -> None:
    """Raise `CommandError` (conflict) if nobody waits for a ruling any more."""
    if file.is_open:
        return
    by = f" by {name_of(file.person)}" if file.person and file.state == "closed" else ""
    text = f"the case of {file.subject} is {file.state} since {clock(file.at)}{by}"
    raise CommandError(ExitCode.CONFLICT, text, f"`agentbus cases show {file.case}` tells how it ended")


def rule_one(caller: Caller, desk: Desk, file: CaseFile, word: Word, *, wait_s: float) -> Outcome:
    """Give the ruling and tell what came of it; raises `BusError` if it cannot be given at all."""
    check_open(file)
    choice = chosen(file, word)
    rev = word.rev or desk.shown.rev(file.case)
    if not rev:
        rev = file.rev
        caller.say(f"not shown here before: this rules on rev {rev} as it is now")
    body = {"rev": rev, "ruling": word.ruling, "reason": word.reason}
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


def rule_alike(caller: Caller, desk: Desk, file: CaseFile, word: Word, *, wait_s: float) -> Outcome:
    """The same ruling on every case like this one, one after another; the first failure gives the code."""
    check_open(file)
    files, choice = desk.reader.shelf.alike(file), chosen(file, word)
    first, ruled = Outcome(ExitCode.OK), 0
    try:
        for number, one in enumerate(files, start=1):
            caller.say(f"{number} of {len(files)}: {one.subject}, case {one.case}")
            try:
                now = desk.reader.shelf.get(one.case) or one
                outcome = rule_one(caller, desk, now, word_on(now, word, choice), wait_s=wait_s)
            except CommandError as error:
                outcome = Outcome(error.exit_code, error.message, error.next_step)
            ruled += outcome.code == ExitCode.OK
            if outcome.code != ExitCode.OK:
                caller.say(f"  not ruled: {outcome.sentence}")
            first = first if first.code else outcome
    except KeyboardInterrupt:
        caller.say(f"\nstopped: {ruled} of {len(files)} are ruled, the last one perhaps as well; the rest is untouched")
        raise
    caller.say(f"{ruled} of {len(files)} ruled")
    if first.code == ExitCode.OK or ruled == len(files):
        return first
    text = f"{len(files) - ruled} of {len(files)} are not ruled; first {first.sentence}"
    return Outcome(first.code, text, first.step)


def told_refusal(caller: Caller, desk: Desk, file: CaseFile, rev: int, answer: "JsonObject") -> Outcome:
    """What the bus did not take, and of a case that has changed: what, by whom, and when."""
    reason, detail = str(answer.get("reason", "")), str(answer.get("detail", ""))
    changes = []
    if reason in ("stale_rev", "late"):
        changes = _changes(desk, file, rev)
    if caller.is_json:
        told = {"changes": [one.to_json() for one in changes]} if changes else {}
        caller.show_json({**answer, **told})
    else:
        for one in changes:
            by = f", {name_of(one.who)}" if one.who else ""
            caller.say(f"  {clock(one.at)}{by}: {one.sentence}")
    for line in violation_lines(answer):
        caller.say(f"  {line}")
    now = desk.reader.shelf.get(file.case) or file
    code = ruling_code(reason)
    look = f"look at it again with `agentbus cases show {file.case}`"
    if reason == "stale_rev":
        return Outcome(code, f"{file.subject} has changed since rev {rev}: it is at rev {max(now.rev, rev)}", look)
    if reason == "late" and not now.is_open:
        return Outcome(code, f"{file.subject} was {now.state} before this came", look)
    said = f"refused as {reason}" + (f" ({timed(detail)})" if detail else "")
    return Outcome(code, said, _who_may(desk, now) if reason == "not_allowed" else STEPS.get(reason, look))


def _who_may(desk: Desk, file: CaseFile) -> str:
    """What to do about a case that is somebody else's to rule."""
    if file.is_open and file.person not in ("", desk.person):
        return f"ask {name_of(file.person)}, or wait until the reservation is over"
    others = [name_of(one) for one in able(desk.registry, file) if one != desk.person] if desk.registry else []
    if not others:
        return remedy(file)
    return f"{listed(others, 'or')} may rule on it; say who you are with --as"


def ruling_code(reason: str) -> ExitCode:
    """The exit code for a reason a person can hear at the desk."""
    if reason in CONFLICT:
        return ExitCode.CONFLICT
    return ExitCode.NOT_PERMITTED if reason in NOT_PERMITTED else refusal_code(reason)


def end_with(outcome: Outcome) -> None:
    """Nothing if it went well, else the error; what was told as JSON has its sentence on stderr all the same."""
    if outcome.code != ExitCode.OK:
        raise CommandError(outcome.code, outcome.sentence, outcome.step)


def preview(caller: Caller, desk: Desk, files: list[CaseFile], word: Word) -> None:
    """What the ruling would do to each, without giving it."""
    first = chosen(files[0], word) if files[0].is_open else None
    for file in files:
        check_open(file)
        choice = chosen(file, word_on(file, word, first) if first else word)
        if caller.is_json:
            caller.show_json(_dry(desk, file, choice, word))
            continue
        caller.show(f"would be ruled: {file.subject} {typed(choice)}, rev {file.rev}")
        for effect in choice.effects:
            caller.show(f"  {printable(timed(effect))}")
    if first and first.is_irreversible:
        caller.say("what is admitted cannot be undone")


def _dry(desk: Desk, file: CaseFile, choice: Choice, word: Word) -> "JsonObject":
    return {
        "kind": "would_rule",
        "case": file.case,
        "subject": file.subject,
        "rev": word.rev or desk.shown.rev(file.case) or file.rev,
        "ruling": choice.ruling,
        "candidate": choice.candidate,
        "effects": list(choice.effects),
        "irreversible": choice.is_irreversible,
    }


def _changes(desk: Desk, file: CaseFile, rev: int) -> list[CaseChange]:
    """From the last edition of that revision to the newest, through all between them."""
    desk.reader.await_rev(file.case, rev, FILE_S)
    traces = desk.reader.shelf.traces(file.case)
    old = [one for one in traces if one.rev <= rev][-1:]
    editions = [desk.reader.edition(one.place) for one in [*old, *(one for one in traces if one.rev > rev)]]
    return case_changes([one for one in editions if one is not None])
