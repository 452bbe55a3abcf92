"""Says who may rule on a case by what is in force now, why somebody may not, and which queues nobody looks after."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bus.audit.plain import listed, name_of
from bus.cli.words import clock

if TYPE_CHECKING:
    from bus.audit.case_files import CaseFile
    from bus.cli.caller import Caller
    from bus.core.policy.contracts import JsonObject
    from bus.core.policy.control import Registry

NOT_YOURS = "not yours"
NAMED_MAX = 5  # persons or queues in a sentence: whoever wants all of them asks `agentbus persons ls`


@dataclass(frozen=True, slots=True)
class Judges:
    """Who may rule on a case: ids, and in words. ``asker`` may not because of ``obstacle``, "" if they may.

    ``is_void``: who has reserved it may no longer rule on it, so that it keeps nobody from ruling.
    """

    text: str = ""
    able: tuple[str, ...] = ()
    asker: str = ""
    obstacle: str = ""
    is_void: bool = False

    def to_json(self) -> "JsonObject":
        """As `agentbus cases show --json` has it."""
        asked = {"person": self.asker, "may": not self.obstacle, "why_not": self.obstacle}
        return {"may_rule": list(self.able), **({"you": asked} if self.asker else {})}


def judges_of(registry: "Registry", file: "CaseFile", asker: str) -> Judges:
    """Who may rule on an open case, and whether ``asker`` ("" for nobody) does."""
    why = obstacle(registry, file, asker) if asker else ""
    return Judges(who_may(registry, file), tuple(able(registry, file)), asker, why, is_void(registry, file))


def is_void(registry: "Registry", file: "CaseFile") -> bool:
    """Has somebody reserved it who may no longer rule on it? That counts for nothing."""
    return bool(file.person) and bool(excluded(registry, file, file.person))


def about(file: "CaseFile") -> set[str]:
    """The agents a case is about: who holds, who competes, who wants to act, for whom it is kept."""
    found = {str(one.get("agent") or "") for name in ("claims", "actions") for one in file.part(name)}
    for name in ("holder", "kept_for"):
        one = file.body.get(name)
        found |= {str(one.get("agent") or "")} if isinstance(one, dict) else set()
    return found - {""}


def able(registry: "Registry", file: "CaseFile") -> list[str]:
    """The persons who may rule on it: they have its queue, and own no agent that it is about."""
    return [person for person in sorted(registry.persons) if not excluded(registry, file, person)]


def obstacle(registry: "Registry", file: "CaseFile", person: str) -> str:
    """Why this person may not rule on an open case now, "" if they may."""
    if why := excluded(registry, file, person):
        return why
    if file.person not in ("", person) and not is_void(registry, file):
        until = f" until {clock(file.reserved_until)}" if file.reserved_until else ""
        return f"{name_of(file.person)} has reserved it{until}"
    return ""


def excluded(registry: "Registry", file: "CaseFile", person: str) -> str:
    """Why a person is no judge of this case, whoever has reserved it; "" if they are."""
    known = registry.persons.get(person)
    if known is None:
        return f"{name_of(person)} is not registered: a steward does that with `agentbus persons set`"
    if file.queue not in known.queues:
        return f"queue {file.queue or '(none)'} is not one of theirs"
    own = sorted(agent for agent in about(file) if registry.owns(person, agent))
    return f"{name_of(own[0])} is theirs, and the case is about it" if own else ""


def who_may(registry: "Registry", file: "CaseFile") -> str:
    """Who may rule on it, in words; if nobody, what a steward can do."""
    found = [name_of(person) for person in able(registry, file)]
    if found:
        more = [f"{len(found) - NAMED_MAX} more"] if len(found) > NAMED_MAX else []
        return listed([*found[:NAMED_MAX], *more])
    return f"nobody; {remedy(file)}"


def remedy(file: "CaseFile") -> str:
    """What makes a case that nobody may rule on somebody's again."""
    return f"have a steward give queue {file.queue or '(none)'} to somebody who owns none of its agents"


def warn_of_orphans(caller: "Caller", registry: "Registry", files: Iterable["CaseFile"]) -> None:
    """Say of which open cases nobody can rule: their queue is nobody's, or everybody who has it owns an agent of it."""
    looked_after = {queue for person in registry.persons.values() for queue in person.queues}
    left = [file for file in files if file.is_open]
    queues = sorted({file.queue for file in left} - looked_after)
    if queues:
        count = sum(file.queue in queues for file in left)
        named = ", ".join(queue or "(none)" for queue in queues[:NAMED_MAX])
        step = "`agentbus persons set` gives a person a queue"
        caller.say(f"warning: nobody has queue {named}, so nobody can rule on {_cases(count)} there; {step}")
    kept = [file for file in left if file.queue in looked_after]
    owned = [file for file in kept if all(excluded(registry, file, person) for person in registry.persons)]
    if owned:
        named = ", ".join(file.case for file in owned[:NAMED_MAX])
        text = f"everybody who has its queue owns an agent of {_cases(len(owned))} ({named})"
        caller.say(f"warning: {text}; {remedy(owned[0])}")


def _cases(count: int) -> str:
    return "1 case" if count == 1 else f"{count:,} cases"
