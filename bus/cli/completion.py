"""`agentbus completion`: prints what makes a shell complete commands, options and the names of what is on the bus."""

from enum import StrEnum
from typing import Annotated

import typer

from bus.cli.caller import Caller, with_caller

EXAMPLES = (
    'eval "$(agentbus completion bash)"',
    "agentbus completion zsh > ~/.zfunc/_agentbus",
    "agentbus completion fish > ~/.config/fish/completions/agentbus.fish",
)


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


def answer() -> None:
    """Get ready to answer a shell that asks what could come next."""
    from typer._completion_classes import completion_init

    completion_init()
