"""`agentbus agents`: who speaks on the bus, on which lane, in which roles, and who answers for it."""

import difflib
from collections.abc import Sequence
from typing import Annotated

import typer

from bus.cli.caller import Caller, terminal_width, with_caller
from bus.cli.failures import CommandError, ExitCode
from bus.cli.in_force import (
    AsPerson,
    Base,
    check_id,
    full_id,
    put_as,
    registry_of,
    remove,
    show_rows,
    steward_of,
)
from bus.cli.remembered import COUNT_MAX, Export, lookup_of
from bus.cli.words import name_of

ABOUT = "Who speaks on the bus: lane, roles, and the person who answers for it."

SPOKEN_MAX = 10  # the last messages that are shown, unless more are asked for

Id = Annotated[str, typer.Argument(metavar="ID", help="The agent's id, or its name in this bus's domain.")]


@with_caller
def ls(caller: Caller) -> None:
    """Show all agents."""
    registry = registry_of(caller)
    rows = [
        [agent.id, agent.lane, sorted(agent.roles), agent.owner, registry.suspension_of(agent.id)]
        for agent in sorted(registry.agents.values(), key=lambda agent: agent.id)
    ]
    columns = ("agent", "lane", "roles", "owner", "suspended_by")
    show_rows(caller, columns, rows, nothing="There are no agents: `agentbus agents set` registers one.")
    for name in sorted(registry.suspended):
        caller.say(f"suspended: {name} (`agentbus resume` lifts it)")


@with_caller
def show(
    caller: Caller,
    agent: Id,
    limit: Annotated[
        int, typer.Option(min=0, max=COUNT_MAX, metavar="N", help="How many of its last messages to show.")
    ] = SPOKEN_MAX,
    export: Export = None,
) -> None:
    """Show one agent: what it holds, what it said last, and how often it was refused for what."""
    from bus.audit.agent_report import has_spoken, report_of
    from bus.cli.agent_text import agent_text
    from bus.cli.explain_text import print_page

    check_id(agent, "agent")
    with lookup_of(caller, export) as lookup:
        registry = lookup.index.present_registry()
        source = full_id(agent, "agent", registry.genesis.domain)
        if source not in registry.agents and not has_spoken(lookup, source):
            raise _unknown(source, sorted(registry.agents))
        report = report_of(lookup, registry, source, limit)
    if caller.is_json:
        caller.show_json(report.to_json())
    else:
        print_page(agent_text(report, terminal_width()), has_labels=True)


def _unknown(source: str, known: Sequence[str]) -> CommandError:
    """The error for an agent nobody knows; ids share all but their end, so names are compared, and not ids."""
    near = difflib.get_close_matches(name_of(source), [name_of(one) for one in known], n=1)
    step = f"perhaps {near[0]} is meant" if near else "`agentbus agents ls` shows those there are"
    return CommandError(ExitCode.NOT_FOUND, f"there is no agent {name_of(source)}", step)


@with_caller
def set_(
    caller: Caller,
    agent: Id,
    lane: Annotated[str, typer.Option(help="The one lane it sends on.")],
    role: Annotated[list[str], typer.Option(help="A role it has. May be repeated.")],
    owner: Annotated[
        str, typer.Option(metavar="PERSON", show_default="you", help="The person who answers for it.")
    ] = "",
    person: AsPerson = "",
    base: Base = "",
) -> None:
    """Register an agent, or change its lane, roles or owner."""
    from bus.shell.steward import Wanted

    check_id(agent, "agent")
    if owner:
        check_id(owner, "person")
    with steward_of(caller, person) as steward:
        domain = steward.registry.genesis.domain
        answers_for_it = full_id(owner, "person", domain) if owner else steward.person
        value = {"lane": lane, "roles": list(dict.fromkeys(role)), "owner": answers_for_it}
        put_as(caller, steward, Wanted("agent", full_id(agent, "agent", domain), value, base))


@with_caller
def rm(caller: Caller, agent: Id, person: AsPerson = "", base: Base = "") -> None:
    """Take an agent off the register. What it holds runs out by its lease."""
    remove(caller, person, "agent", agent, base)


VERBS = {
    "ls": (ls, "agentbus agents ls"),
    "show": (show, "agentbus agents show sales-1"),
    "set": (set_, "agentbus agents set sales-3 --lane sales --role sales --owner ana"),
    "rm": (rm, "agentbus agents rm sales-3"),
}
