"""`agentbus completion`: prints what makes a shell complete commands, options and the names of what is on the bus."""

import contextlib
import io
import os
from enum import StrEnum
from functools import partial
from typing import Annotated

import typer

from bus.cli.caller import Caller, with_caller

EXAMPLES = (
    'eval "$(agentbus completion bash)"',
    "agentbus completion zsh > ~/.zfunc/_agentbus",
    "agentbus completion fish > ~/.config/fish/completions/agentbus.fish",
)


CASES_OFFERED_MAX = 200  # more than a screen shows


class Shell(StrEnum):
    """The shells that can be helped."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


@with_caller
def completion(
    caller: Caller,
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
) -> None:
    """Print what makes a shell complete commands, options and names."""
    from typer._completion_shared import get_completion_script

    script = get_completion_script(prog_name="agentbus", complete_var="_AGENTBUS_COMPLETE", shell=shell.value)
    if caller.is_json:
        caller.show_json({"shell": shell.value, "script": script})
    else:
        caller.show(script)


def answer(app: typer.Typer) -> None:
    """Answer a shell that asks what could come next, and end; names are those in force on the bus that is meant."""
    from typer._completion_classes import completion_init
    from typer.core import TyperGroup
    from typer.main import get_command

    completion_init()
    root = get_command(app)
    assert isinstance(root, TyperGroup)
    for noun, command in root.commands.items():
        for each in command.commands.values() if isinstance(command, TyperGroup) else [command]:
            for parameter in each.params:
                if kind := _KINDS.get(parameter.name or "") or (parameter.name == "name" and noun.rstrip("s")):
                    parameter._custom_shell_complete = partial(_offer, kind)
    root.main(args=[], prog_name="agentbus", standalone_mode=False)


# What stands for the value of an option or argument of this name; of `name`, the noun says it.
_KINDS = {
    "lane": "lane",
    "sender": "agent",
    "agent": "agent",
    "owns": "agent",
    "holder": "agent",
    "owner": "person",
    "person": "person",
    "message_type": "contract",
    "resource": "terms",
    "of_type": "terms",
    "given": "terms",
    "case": "case",
    "like": "case",
    "queue": "queue",
}


def _offer(kind: str, _context: object, _parameter: object, incomplete: str) -> list[str]:
    return [name for name in _names(kind) if name.startswith(incomplete)]


def _names(kind: str) -> list[str]:
    """The names in force of one kind; none if no bus answers: whoever presses Tab wants no complaint."""
    if kind == "case":
        return _cases()
    from bus.cli.in_force import registry_of
    from bus.shell.errors import BusError

    with contextlib.redirect_stderr(io.StringIO()):
        try:
            registry = registry_of(Caller(os.environ.get("AGENTBUS_BOOTSTRAP", ""), (), None, is_json=False))
        except BusError:
            return []
    match kind:
        case "lane":
            found = list(registry.lanes)
        case "agent":
            found = [one.rpartition("/")[2] for one in registry.agents]
        case "person":
            found = [one.rpartition("/")[2] for one in (*registry.persons, *registry.genesis.stewards)]
        case "queue":
            found = [queue for one in registry.persons.values() for queue in one.queues]
            found += [one.escalate.queue for one in registry.terms.values() if one.escalate.queue]
        case "contract":
            found = [*registry.contracts, *registry.built_in]
        case _:
            found = list(registry.terms)
    return sorted(set(found))


def _cases() -> list[str]:
    """The open cases by id and by subject, the most urgent first."""
    from bus.cli.cases_desk import desk_of
    from bus.shell.errors import BusError

    with contextlib.redirect_stderr(io.StringIO()):
        try:
            with desk_of(Caller(os.environ.get("AGENTBUS_BOOTSTRAP", ""), (), None, is_json=False)) as desk:
                found = [one for one in desk.reader.shelf.files() if one.is_open]
        except BusError:
            return []
    return [name for one in found[:CASES_OFFERED_MAX] for name in (one.case, one.subject)]
