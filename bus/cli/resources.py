"""`agentbus resources`: who holds what, until when and since when."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bus.cli.caller import Caller, with_caller
from bus.cli.failures import CommandError, ExitCode
from bus.cli.remembered import COUNT_MAX, Export, lookup_of

if TYPE_CHECKING:
    from bus.audit.lookup import Lookup

ABOUT = "Who holds what: holder, lease, fencing token, facts."
LS_MAX = 50
SHOW_MAX = 10

OfType = Annotated[
    str, typer.Option("--type", metavar="TYPE", show_default=False, help="Only resources of this type, such as lead.")
]
OfHolder = Annotated[
    str, typer.Option("--holder", metavar="AGENT", show_default=False, help="Only what this agent holds.")
]
Held = Annotated[bool, typer.Option("--held", help="Only what somebody holds.")]
Limit = Annotated[
    int, typer.Option(min=1, max=COUNT_MAX, metavar="N", help="Show so many, held ones first, the first to end first.")
]
Watch = Annotated[
    bool,
    typer.Option("--watch", help="Keep showing it until Ctrl-C; in a pipe and with --json a line for each change."),
]


@with_caller
def ls(
    caller: Caller,
    of_type: OfType = "",
    holder: OfHolder = "",
    held: Held = False,
    limit: Limit = LS_MAX,
    watch: Watch = False,
    export: Export = None,
) -> None:
    """Show who holds what, until when and since when.

    It is what the journals of the arbiter say: a lease that has just ended is shown until a tick has ended it.
    """
    from bus.audit.resource_list import Wanted
    from bus.cli.resource_screen import show_list, watch_list

    with lookup_of(caller, export) as lookup:
        agent = _agent(lookup, holder)
        wanted = Wanted(of_type, agent, limit, is_held_only=held or bool(agent))
        if watch:
            _refuse_watch(export)
            watch_list(caller, lookup, wanted)
        else:
            show_list(caller, lookup, wanted)


@with_caller
def show(
    caller: Caller,
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="The resource, as lead/L-1.")],
    limit: Annotated[
        int, typer.Option(min=0, max=COUNT_MAX, metavar="N", help="How many of the last decisions to show.")
    ] = SHOW_MAX,
    watch: Watch = False,
    export: Export = None,
) -> None:
    """Show how one resource stands, and the last decisions on it."""
    from bus.audit.asked import SUBJECT, Missing, find_subject
    from bus.cli.resource_screen import show_one, watch_one

    if not SUBJECT.fullmatch(subject):
        raise CommandError(ExitCode.USAGE, f"{subject or 'an empty text'} is no subject", "write TYPE/ID, as lead/L-1")
    with lookup_of(caller, export) as lookup:
        found = find_subject(lookup, subject)
        if isinstance(found, Missing):
            raise CommandError(ExitCode.NOT_FOUND, found.sentence, found.step)
        if watch:
            _refuse_watch(export)
            watch_one(caller, lookup, found.name, limit)
        else:
            show_one(caller, lookup, found.name, limit)


def _agent(lookup: "Lookup", given: str) -> str:
    """The id of a holder; a short name is an agent's of this bus."""
    if not given or "://" in given:
        return given
    return f"spiffe://{lookup.index.source.genesis.domain}/agent/{given}"


def _refuse_watch(export: Any) -> None:  # Any: the option, given or not
    if export is not None:
        raise CommandError(ExitCode.USAGE, "an export does not change", "leave --watch out")


VERBS = {
    "ls": (ls, ("agentbus resources ls --held", "agentbus resources ls --type lead --holder sales-1 --watch")),
    "show": (show, "agentbus resources show lead/L-1"),
}
