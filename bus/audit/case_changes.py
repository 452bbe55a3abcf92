"""What happened to a case between two of its editions: what changed, who did it, and when."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from bus.audit.case_files import CaseFile
from bus.audit.plain import name_of, printable
from bus.core.policy.contracts import JsonObject


@dataclass(frozen=True, slots=True)
class CaseChange:
    """One difference: a sentence, whom it comes from ("" for the bus), and when the file had it (epoch ms)."""

    sentence: str
    who: str
    at: int

    def to_json(self) -> JsonObject:
        """As `agentbus cases rule --json` shows it."""
        return {"change": self.sentence, "who": self.who, "at": self.at}


def case_changes(editions: list[CaseFile]) -> list[CaseChange]:
    """The differences from each edition to the next, in order; the first one is what somebody had before them."""
    found = []
    for before, after in itertools.pairwise(editions):
        found += [CaseChange(printable(text), who, after.at) for text, who in _differences(before, after)]
    return found


def _differences(before: CaseFile, after: CaseFile) -> Iterator[tuple[str, str]]:
    yield from _state(before, after)
    yield from _hands(before, after)
    yield from _claims(before, after)
    yield from _actions(before, after)
    yield from _ballots(before, after)
    if _holder(before) != _holder(after):
        text = f"{name_of(_holder(after))} holds it now" if _holder(after) else "nobody holds it any more"
        yield text, _holder(after) or _holder(before)
    if after.is_overdue and not before.is_overdue:
        yield "it is overdue", ""
    elif after.tier != before.tier:
        yield f"it went up to tier {after.tier}", ""


def _state(before: CaseFile, after: CaseFile) -> Iterator[tuple[str, str]]:
    if after.is_open or not before.is_open:
        return
    ruling = str(after.body.get("ruling") or "")
    if after.state == "obsolete" or not ruling:
        yield "nothing was left to rule on: it is obsolete", ""
    else:
        agents = {str(one.get("candidate")): name_of(_agent(one)) for one in after.part("claims")}
        to = agents.get(str(after.body.get("candidate")), "")
        yield f"it was closed: {ruling.replace('_', '-')} {to}".rstrip(), after.person


def _hands(before: CaseFile, after: CaseFile) -> Iterator[tuple[str, str]]:
    if before.person == after.person or not after.is_open:
        return
    if after.person:
        yield f"{name_of(after.person)} reserved it", after.person
    else:
        yield f"it is no longer reserved by {name_of(before.person)}", before.person


def _claims(before: CaseFile, after: CaseFile) -> Iterator[tuple[str, str]]:
    old, new = _by(before, "claims"), _by(after, "claims")
    for key in new.keys() - old.keys():
        yield f"{name_of(_agent(new[key]))} competes as well", _agent(new[key])
    for key, claim in old.items():
        gone = key not in new or (new[key].get("dropped") and not claim.get("dropped"))
        if gone:
            why = str(new.get(key, {}).get("dropped") or "its claim is gone")
            yield f"{name_of(_agent(claim))} competes no longer: {why}", _agent(claim)


def _actions(before: CaseFile, after: CaseFile) -> Iterator[tuple[str, str]]:
    old, new = _by(before, "actions"), _by(after, "actions")
    for key in new.keys() - old.keys():
        yield f"{new[key].get('type')} of {name_of(_agent(new[key]))} is held as well", _agent(new[key])
    for key in old.keys() - new.keys() if after.is_open else ():
        yield f"{old[key].get('type')} of {name_of(_agent(old[key]))} is no longer held", _agent(old[key])


def _ballots(before: CaseFile, after: CaseFile) -> Iterator[tuple[str, str]]:
    old = {(one.get("seat"), str(one.get("choice"))) for one in before.part("ballots")}
    for one in after.part("ballots"):
        if (one.get("seat"), str(one.get("choice"))) not in old:
            yield f"seat {one.get('seat')} voted {one.get('choice')}", _agent(one)


def _by(file: CaseFile, part: str) -> dict[str, JsonObject]:
    return {str(one.get("candidate") or one.get("decision")): one for one in file.part(part)}


def _agent(one: JsonObject) -> str:
    return str(one.get("agent") or one.get("source") or "")


def _holder(file: CaseFile) -> str:
    holder = file.body.get("holder")
    return str(holder.get("agent") or "") if isinstance(holder, dict) else ""
