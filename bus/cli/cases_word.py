"""Reads a person's word on a case: which ruling it is, of an award for whom, and what it means on an alike case."""

from dataclasses import dataclass, replace

from bus.audit.case_files import AWARD, CaseFile, Choice, choices, numbered_claims
from bus.audit.plain import listed, name_of
from bus.cli.failures import CommandError, ExitCode


@dataclass(frozen=True, slots=True)
class Word:
    """What a person says: a ruling, of an award whom or what, and why. ``rev`` 0 stands for what was shown last."""

    ruling: str
    candidate: str
    reason: str
    rev: int = 0


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
    names = listed((typed(one) for one in same), "or")
    gone = _gone(file, word.candidate)
    meant = [one for one in same if one.candidate == word.candidate] or _meant(same, word.candidate)
    if len(meant) == 1 and not gone:
        return meant[0]
    if meant:  # a sender chose its claim's id, and may have chosen another one's number
        told = listed((f"{typed(one)} ({one.candidate})" for one in meant), "or")
        told = f"{told}, and {gone}" if gone else told
        raise CommandError(ExitCode.USAGE, f"{word.candidate} may be {told}", "name it by the id in brackets")
    if gone:
        raise CommandError(ExitCode.CONFLICT, gone, f"choose {names}, or look at it again with `agentbus cases show`")
    said = f"{word.candidate} is no candidate of {file.subject}" if word.candidate else "nobody is named to be awarded"
    raise CommandError(ExitCode.USAGE, said, f"choose {names}")


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


def typed(choice: Choice) -> str:
    """A choice as it is shown, and as it is typed up to the name after the number."""
    return choice.label if choice.number else typed_ruling(choice.label)


def typed_short(choice: Choice) -> str:
    """All of it that has to be typed."""
    return choice.short if choice.number else typed_ruling(choice.ruling)


def _meant(awards: list[Choice], given: str) -> list[Choice]:
    return [one for one in awards if one.is_meant_by(given)]


def _gone(file: CaseFile, given: str) -> str:
    """The sentence on a candidate that was named and can no longer be given it, "" if there is none of that name."""
    for number, claim in numbered_claims(file):
        agent = str(claim.get("agent") or "")
        names = {str(number), str(claim.get("candidate")), str(claim.get("claim")), agent, name_of(agent)} - {""}
        if given in names and claim.get("dropped"):
            return f"{number} {name_of(agent)} is out of {file.subject}: {claim['dropped']}"
    return ""
