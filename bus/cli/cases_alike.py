"""Gives the same ruling on every case like one, each by itself, and on none that the person has not been shown."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bus.audit.case_files import CaseFile, Choice
from bus.audit.plain import name_of, printable
from bus.cli.caller import Caller
from bus.cli.cases_desk import Desk
from bus.cli.cases_differ import differences
from bus.cli.cases_ruling import Outcome, changes_since, check_open, choice_seen, rule_one, seen_rev, stale_text
from bus.cli.cases_said import timed
from bus.cli.cases_who import obstacle
from bus.cli.cases_word import Word, typed, word_on
from bus.cli.failures import CommandError, ExitCode

if TYPE_CHECKING:
    from bus.core.policy.contracts import JsonObject

VALUE_MAX = 60  # of what differs, in a line; the whole of it is in `cases ls --alike`


@dataclass(frozen=True, slots=True)
class Left:
    """Why a case of the set is left alone: ``not_shown``, ``stale_rev``, ``not_allowed``, and the sentence."""

    reason: str
    sentence: str
    code: ExitCode = ExitCode.CONFLICT


def rule_alike(caller: Caller, desk: Desk, file: CaseFile, word: Word, *, wait_s: float) -> Outcome:
    """The same ruling on every case like this one that was shown; the first that is not ruled gives the code.

    Raises `CommandError` before anything is ruled if the case itself was not shown, or has changed since.
    """
    choice = _first_choice(desk, file, word)
    files = desk.reader.shelf.alike(file)
    first, ruled, left = Outcome(ExitCode.OK), 0, list[CaseFile]()
    try:
        for number, one in enumerate(files, start=1):
            caller.say(f"{number} of {len(files)}: {one.subject}, case {one.case}")
            now = desk.reader.shelf.get(one.case) or one
            outcome = _rule_like(caller, desk, (file, now), (word, choice), wait_s)
            ruled += outcome.code == ExitCode.OK
            left += [now] if outcome.code != ExitCode.OK else []
            first = first if first.code else outcome
    except KeyboardInterrupt:
        caller.say(f"\nstopped: {ruled} of {len(files)} are ruled, the last one perhaps as well; the rest is untouched")
        raise
    caller.say(f"{ruled} of {len(files)} ruled")
    if not left:
        return first
    text = f"{len(left)} of {len(files)} {'is' if len(left) == 1 else 'are'} not ruled; first {first.sentence}"
    step = first.step if first.code != ExitCode.CONFLICT else _look(desk, left)
    return Outcome(first.code, text, step)


def preview(caller: Caller, desk: Desk, files: list[CaseFile], word: Word) -> Outcome:
    """What the ruling would do to each, and to which it would not be given, without giving it."""
    first, is_final = files[0], False
    left_out: list[tuple[CaseFile, Left]] = []
    check_open(first)
    choice = choice_seen(desk, first, word, word.rev or desk.shown.rev(first.case) or first.rev)
    for file in files:
        left = _why_left(desk, file, word)
        try:
            meant = None if choice is None else choice_seen(desk, file, word_on(file, word, choice), file.rev)
        except CommandError as error:
            meant, left = None, Left("not_alike", error.message, error.exit_code)
        if left or meant is None:
            left = left or Left("stale_rev", stale_text(file, word.rev or desk.shown.rev(file.case)))
            tell_left(caller, desk, first, file, left, kind="would_not_rule")
            left_out.append((file, left))
            continue
        is_final = is_final or meant.is_irreversible
        _tell_dry(caller, file, meant)
    if is_final:
        caller.say("what is admitted cannot be undone")
    if not left_out:
        return Outcome(ExitCode.OK)
    count, (_, left) = len(left_out), left_out[0]
    text = f"{count} of {len(files)} would not be ruled; first {left.sentence}" if len(files) > 1 else left.sentence
    step = _look(desk, [file for file, _ in left_out]) if left.code == ExitCode.CONFLICT else ""
    return Outcome(left.code, text, step)


def tell_left(
    caller: Caller, desk: Desk, first: CaseFile, file: CaseFile, left: Left, *, kind: str = "left_alone"
) -> None:
    """That a case is not ruled, why, and in what it differs from the one that was named."""
    found = differences(first, file) if left.reason == "not_shown" else {}
    changes = changes_since(desk, file, desk.shown.rev(file.case)) if left.reason == "stale_rev" else []
    if caller.is_json:
        about: JsonObject = {"case": file.case, "subject": file.subject, "rev": file.rev, "reason": left.reason}
        differs = {label: other for label, (_, other) in found.items()}
        more = {"differs": differs, "changes": [one.to_json() for one in changes]}
        caller.show_json({"kind": kind, **about, "detail": left.sentence, **more})
        return
    begin = "would not be ruled" if kind == "would_not_rule" else "left alone"
    caller.say(f"  {begin}: {left.sentence}")
    for label, (mine, other) in found.items():
        caller.say(printable(f"    ≠ {label}: {_short(other)} ({first.subject}: {_short(mine)})"))
    for change in changes:
        caller.say(printable(f"    {change.sentence}"))


def _first_choice(desk: Desk, file: CaseFile, word: Word) -> Choice:
    check_open(file)
    if left := _why_left(desk, file, word, is_asking=False):
        raise CommandError(left.code, left.sentence, _look(desk, [file]))
    choice = choice_seen(desk, file, word, file.rev)
    assert choice is not None, "of a case as it is now a word means something, or is refused"
    return choice


def _rule_like(
    caller: Caller, desk: Desk, pair: tuple[CaseFile, CaseFile], said: tuple[Word, Choice], wait_s: float
) -> Outcome:
    """The ruling on the second of two, if it was shown; ``said`` is the word, and what it means on the first."""
    first, file = pair
    if file.is_open and (left := _why_left(desk, file, said[0], is_asking=False)):
        tell_left(caller, desk, first, file, left)
        return Outcome(left.code, left.sentence)
    try:
        return rule_one(caller, desk, file, word_on(file, *said), wait_s=wait_s)
    except CommandError as error:
        caller.say(f"  not ruled: {error.message}")
        return Outcome(error.exit_code, error.message, error.next_step)


def _why_left(desk: Desk, file: CaseFile, word: Word, *, is_asking: bool = True) -> Left | None:
    """Why it is not to be ruled; ``is_asking`` looks up as well whether the person may, which else the bus says."""
    if is_asking and desk.registry and (why := obstacle(desk.registry, file, desk.person)):
        text = f"{name_of(desk.person)} may not rule on {file.subject}: {why}"
        return Left("not_allowed", text, ExitCode.NOT_PERMITTED)
    try:
        rev = seen_rev(desk, file, word)
    except CommandError as error:
        return Left("not_shown", error.message)
    return None if rev == file.rev else Left("stale_rev", stale_text(file, rev))


def _look(desk: Desk, left: list[CaseFile]) -> str:
    who = name_of(desk.person)
    if len(left) == 1:
        return f"look at it with `agentbus cases show {left[0].case} --as {who}`, then rule on it"
    return f"look at them with `agentbus cases ls --alike {left[0].case} --as {who}`, then say it again"


def _tell_dry(caller: Caller, file: CaseFile, choice: Choice) -> None:
    if caller.is_json:
        about = {"case": file.case, "subject": file.subject, "rev": file.rev}
        what = {"ruling": choice.ruling, "candidate": choice.candidate, "effects": list(choice.effects)}
        caller.show_json({"kind": "would_rule", **about, **what, "irreversible": choice.is_irreversible})
        return
    caller.show(f"would be ruled: {file.subject} {typed(choice)}, rev {file.rev}")
    for effect in choice.effects:
        caller.show(f"  {printable(timed(effect))}")


def _short(text: str) -> str:
    return text if len(text) <= VALUE_MAX else f"{text[:VALUE_MAX]}…"
