"""`agentbus persons`: the people who set things up, operate, and rule."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from bus.audit.plain import listed
from bus.cli.caller import Caller, with_caller
from bus.cli.in_force import AsPerson, Base, check_id, full_id, put_as, registry_of, remove, show_rows, steward_of
from bus.cli.words import name_of

if TYPE_CHECKING:
    from bus.core.policy.control import Registry

ABOUT = "The people who set things up, operate, and rule."

Id = Annotated[str, typer.Argument(metavar="ID", help="The person's id, or its name in this bus's domain.")]


@with_caller
def ls(caller: Caller) -> None:
    """Show all persons with their queues and the agents they own, which they cannot rule on.

    A steward of genesis has both roles until somebody sets that person. An owned agent that is not registered is named
    on stderr: whoever mistyped it may rule where they should not.
    """
    registry = registry_of(caller)
    rows: list[list[object]] = [
        [one, sorted(registry.roles(one)), [], _owned(registry, one), True, _owned(registry, one), []]
        for one in registry.genesis.stewards
        if one not in registry.persons and registry.roles(one)
    ]
    rows += [
        [
            *(one.id, sorted(one.roles), list(one.queues), _owned(registry, one.id), False),
            *(_owned(registry, one.id), missing_agents(registry, one.owns)),
        ]
        for one in registry.persons.values()
    ]
    rows.sort(key=str)
    if caller.is_json:
        show_rows(
            caller, ("person", "roles", "queues", "owns", "of_genesis", "owned", "unregistered"), rows, nothing=""
        )
    else:
        columns = ("person", "roles", "queues", "owns", "of_genesis")
        show_rows(
            caller,
            columns,
            [row[: len(columns)] for row in rows],
            nothing="There are no persons.",
            optional=("of_genesis",),
        )
    for row in rows:
        _warn(caller, str(row[0]), row[6])


@with_caller
def set_(
    caller: Caller,
    name: Id,
    role: Annotated[list[str], typer.Option(help="A role, such as steward or operator. May be repeated.")],
    queue: Annotated[
        list[str] | None, typer.Option(show_default=False, help="A queue to rule in. May be repeated; '' for none.")
    ] = None,
    owns: Annotated[
        list[str] | None, typer.Option(metavar="AGENT", show_default=False, help="An agent of theirs; '' for none.")
    ] = None,
    person: AsPerson = "",
    base: Base = "",
) -> None:
    """Register a person, or change roles, queues or agents.

    Queues and agents that are not named stay as they are: whoever loses an agent by mistake may rule where they should
    not.
    """
    from bus.shell.steward import Wanted

    check_id(name, "person")
    with steward_of(caller, person) as steward:
        domain = steward.registry.genesis.domain
        known = steward.registry.persons.get(full_id(name, "person", domain))
        queues = _kept(caller, "queue", queue, known.queues if known else ())
        agents = [full_id(one, "agent", domain) for one in _kept(caller, "owns", owns, known.owns if known else ())]
        _warn(caller, full_id(name, "person", domain), missing_agents(steward.registry, agents))
        value = {"roles": list(dict.fromkeys(role)), "queues": queues, "owns": agents}
        put_as(caller, steward, Wanted("person", full_id(name, "person", domain), value, base))
        steward.catch_up()
        warn_of_queues(caller, steward.registry, known.queues if known else ())


@with_caller
def rm(caller: Caller, name: Id, person: AsPerson = "", base: Base = "") -> None:
    """Take a person off the register."""
    check_id(name, "person")
    registry = registry_of(caller)
    before = registry.persons.get(name if "://" in name else f"spiffe://{registry.genesis.domain}/person/{name}")
    remove(caller, person, "person", name, base)
    if before and before.queues:
        warn_of_queues(caller, registry_of(caller), before.queues)


def warn_of_queues(caller: Caller, registry: "Registry", left: Sequence[str]) -> None:
    """Say which of the queues that somebody had are nobody's now, though the terms in force put cases there."""
    looked_after = {queue for person in registry.persons.values() for queue in person.queues}
    for queue in sorted({*left} - looked_after):
        resources = sorted(terms.resource for terms in registry.terms.values() if terms.escalate.queue == queue)
        if resources:
            text = f"nobody has queue {queue} any more, where cases of {listed(resources)} go: nobody can rule on them"
            caller.say(f"warning: {text}; `agentbus persons set NAME --role … --queue {queue}` gives it to somebody")


def _kept(caller: Caller, option: str, given: list[str] | None, there: Sequence[str]) -> list[str]:
    """What was given, else what is there, which is said."""
    if given is not None:
        return [one for one in dict.fromkeys(given) if one]
    if there:
        names = ", ".join(name_of(one) for one in there)
        caller.say(f"kept: {option} {names} (--{option} '' gives up all of them)")
    return list(there)


def missing_agents(registry: "Registry", owned: Sequence[str]) -> list[str]:
    """The agents that are owned and not registered."""
    return [agent for agent in owned if agent not in registry.agents]


def _owned(registry: "Registry", person: str) -> list[str]:
    """The agents a person answers for, by what is set of either."""
    known = registry.persons.get(person)
    by_agents = [agent.id for agent in registry.agents.values() if agent.owner == person]
    return sorted({*by_agents, *(known.owns if known else ())})


def _warn(caller: Caller, person: str, missing: object) -> None:
    for agent in missing if isinstance(missing, list) else []:
        register = f"`agentbus agents set {name_of(agent)} --lane … --role …` registers it"
        caller.say(f"{name_of(person)} owns {name_of(agent)}, which is no agent of this bus; {register}")


VERBS = {
    "ls": (ls, "agentbus persons ls"),
    "set": (
        set_,
        (
            "agentbus persons set ben --role operator --queue revenue --owns sales-2",
            "agentbus persons set spiffe://acme/person/kim --role steward --role operator",
        ),
    ),
    "rm": (rm, "agentbus persons rm ben"),
}
