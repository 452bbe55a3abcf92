"""`agentbus persons`: the people who set things up, operate, and rule."""

from typing import Annotated

import typer

from bus.cli.caller import Caller, with_caller
from bus.cli.in_force import AsPerson, Base, check_id, full_id, put_as, registry_of, remove, show_rows, steward_of

ABOUT = "The people who set things up, operate, and rule."

Id = Annotated[str, typer.Argument(metavar="ID", help="The person's id, or its name in this bus's domain.")]


@with_caller
def ls(caller: Caller) -> None:
    """Show all persons; a steward of genesis has both roles until somebody sets that person."""
    registry = registry_of(caller)
    rows: list[list[object]] = [
        [one, sorted(registry.roles(one)), [], [], True]
        for one in registry.genesis.stewards
        if one not in registry.persons and registry.roles(one)
    ]
    rows += [[one.id, sorted(one.roles), list(one.queues), list(one.owns), False] for one in registry.persons.values()]
    columns = ("person", "roles", "queues", "owns", "of_genesis")
    show_rows(caller, columns, sorted(rows, key=str), nothing="There are no persons.")


@with_caller
def set_(
    caller: Caller,
    name: Id,
    role: Annotated[list[str], typer.Option(help="A role, such as steward or operator. May be repeated.")],
    queue: Annotated[list[str], typer.Option(show_default=False, help="A queue to rule in. May be repeated.")] = [],  # noqa: B006 Typer copies it
    owns: Annotated[list[str], typer.Option(metavar="AGENT", show_default=False, help="An agent of theirs.")] = [],  # noqa: B006
    person: AsPerson = "",
    base: Base = "",
) -> None:
    """Register a person, or change roles, queues or agents."""
    from bus.shell.steward import Wanted

    check_id(name, "person")
    with steward_of(caller, person) as steward:
        domain = steward.registry.genesis.domain
        agents = [full_id(one, "agent", domain) for one in owns]
        value = {"roles": list(dict.fromkeys(role)), "queues": list(dict.fromkeys(queue)), "owns": agents}
        put_as(caller, steward, Wanted("person", full_id(name, "person", domain), value, base))


@with_caller
def rm(caller: Caller, name: Id, person: AsPerson = "", base: Base = "") -> None:
    """Take a person off the register."""
    remove(caller, person, "person", name, base)


VERBS = {
    "ls": (ls, "agentbus persons ls"),
    "set": (
        set_,
        (
            "agentbus persons set ben --role operator --queue revenue",
            "agentbus persons set spiffe://acme/person/kim --role steward --role operator",
        ),
    ),
    "rm": (rm, "agentbus persons rm ben"),
}
