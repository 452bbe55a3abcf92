"""A person's desk in a terminal: the cases as they are, and the desk's lane to speak on."""

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bus.cli.caller import Caller
from bus.cli.cases_shown import Shown, shown_on
from bus.cli.failures import CommandError, ExitCode
from bus.cli.in_force import check_person, person_id, registry_of

if TYPE_CHECKING:
    from bus.audit.case_files import CaseFile
    from bus.audit.case_reader import CaseReader
    from bus.core.policy.contracts import JsonObject
    from bus.core.policy.control import Registry
    from bus.shell.lane_talk import LaneTalk

DESK = "desk"
NAMED_MAX = 5  # cases a mistyped name offers
RESERVE, RELEASE, RULE = "bus.case.reserve.v1", "bus.case.release.v1", "bus.case.rule.v1"


@dataclass(slots=True)
class Desk:
    """The cases, and which of them were shown here; ``talk``, ``person`` and ``tell`` only where somebody speaks."""

    reader: "CaseReader"
    shown: Shown
    person: str = ""
    talk: "LaneTalk | None" = None
    registry: "Registry | None" = None
    tell: Callable[[str], None] | None = None

    def find(self, given: str) -> "CaseFile":
        """The case that is meant; raises `CommandError` if there is none (not found), or more than one (usage)."""
        found = self.reader.shelf.called(given) if given else []
        if len(found) == 1:
            return found[0]
        if not found:
            left = self.reader.shelf.left_out
            step = "`agentbus cases ls --state all` lists what there is"
            step = f"{left:,} open cases are not kept here: name it by its whole id on another day" if left else step
            raise CommandError(ExitCode.NOT_FOUND, f"there is no case {given or 'without a name'}", step)
        named = ", ".join(f"{one.case} ({one.subject})" for one in found[:NAMED_MAX])
        more = f" and {len(found) - NAMED_MAX} more" if len(found) > NAMED_MAX else ""
        raise CommandError(ExitCode.USAGE, f"{given} may be {named}{more}", "write more of it, or the subject")

    def edition(self, case: str, rev: int) -> "CaseFile | None":
        """The case as it was at that revision; None if it never was there, or is not kept."""
        file = self.reader.shelf.get(case)
        if file is not None and file.rev == rev:
            return file
        places = [one.place for one in self.reader.shelf.traces(case) if one.rev == rev]
        return self.reader.edition(places[-1]) if places else None

    def say(self, message_type: str, file: "CaseFile", body: "JsonObject", wait_s: float) -> "JsonObject":
        """Say it about that case and wait; the answer that tells what came of it. Raises `UnreachableError`."""
        from bus.shell.lane_talk import Saying

        assert self.talk is not None, "whoever speaks has opened the lane"
        whole = json.dumps({"case": file.case, **body}).encode()
        try:
            (sent,) = self.talk.send([Saying(message_type, self.person, whole, subject=file.subject)])
            answers = self.talk.hear(sent, wait_s)
        except KeyboardInterrupt:
            if self.tell is not None:
                look = f"`agentbus cases show {file.case}` tells what came of it"
                self.tell(f"\nstopped waiting: what was sent takes effect all the same; {look}")
            raise
        told = [one for one in answers if one["kind"] in ("case_closed", "case_changed", "refused")]
        return (told or answers)[0]


@contextlib.contextmanager
def desk_of(caller: Caller, person: str = "") -> Iterator[Desk]:
    """The cases up to now, to look at; ``person`` as it was given, "" if nobody was. Raises `BusError`."""
    from bus.audit.case_reader import CaseReader

    config = caller.settings(login=DESK).client_config()
    reader = CaseReader(config)
    try:
        reader.open(caller.say)
        if left := reader.shelf.left_out:
            caller.say(f"{left:,} more cases are open than can be kept here: they are not listed")
        yield Desk(reader, shown_on(config, asker(caller, person)))
    finally:
        reader.close()


@contextlib.contextmanager
def manned_desk(caller: Caller, person: str) -> Iterator[Desk]:
    """The same with somebody at it, who can be heard; raises `BusError`."""
    from bus.shell.lane_talk import LaneTalk

    check_person(caller, person)
    registry = registry_of(caller, login=DESK)
    with desk_of(caller, person) as desk:
        talk = LaneTalk(desk.reader.config, DESK)
        try:
            talk.open()
            desk.person, desk.talk = person_id(caller, person, registry.genesis.domain), talk
            desk.registry, desk.tell = registry, caller.say
            yield desk
        finally:
            talk.close()


def known_registry(caller: Caller, *, is_needed: bool = False) -> "Registry | None":
    """What is in force, to say who may rule; None if this login may not read it. Raises `BusError` if it must."""
    from bus.shell.errors import NotPermittedError

    try:
        return registry_of(caller, login=DESK)
    except NotPermittedError:
        if is_needed:
            raise
        return None


def asker(caller: Caller, person: str) -> str:
    """Who looks, as far as it is known without asking anybody: as given, else the operator of a development bus."""
    running = None if person else caller.running()
    return person or (running.operator if running else "")


def who(caller: Caller, person: str) -> str:
    """The id of the person who asks; raises `BusError`."""
    if "://" in person:
        return person
    return person_id(caller, person, registry_of(caller, login=DESK).genesis.domain)
