"""`agentbus lanes`: the ways in and out, one for each owner."""

from typing import Annotated

import typer

from bus.cli.caller import Caller, with_caller
from bus.cli.failures import CommandError, ExitCode
from bus.cli.in_force import AsPerson, Base, check_steward, put_as, registry_of, remove, show_rows, steward_of
from bus.cli.words import name_of

ABOUT = "The ways in and out of the bus, one for each owner."

Name = Annotated[str, typer.Argument(metavar="NAME", help="The lane, such as sales.")]


@with_caller
def ls(caller: Caller) -> None:
    """Show all lanes, their Kafka principals and agents."""
    registry = registry_of(caller)
    agents: dict[str, list[str]] = {}
    for agent in registry.agents.values():
        agents.setdefault(agent.lane, []).append(agent.id)
    rows = [[name, principal, sorted(agents.get(name, []))] for name, principal in sorted(registry.lanes.items())]
    show_rows(caller, ("lane", "principal", "agents"), rows, nothing="There are no lanes.")


@with_caller
def set_(
    caller: Caller,
    name: Name,
    principal: Annotated[
        str, typer.Option(metavar="P", show_default="User:NAME", help="The Kafka principal that may write it.")
    ] = "",
    person: AsPerson = "",
    base: Base = "",
) -> None:
    """Create the topics of a lane and put it in force."""
    from bus.core.log.topics import LANE_NAME
    from bus.shell import kafka
    from bus.shell.cluster import create_topics, lane_plan
    from bus.shell.durability import copies_of_bus
    from bus.shell.steward import Wanted
    from bus.shell.topic_check import lost_of_lane

    if not LANE_NAME.fullmatch(name):
        step = "use small letters, digits and dashes, beginning with a letter, 32 at most"
        raise CommandError(ExitCode.USAGE, f"{name!r} is no name for a lane", step)
    with steward_of(caller, person) as steward:
        check_steward(steward)  # before topics are made for nothing
        config = caller.settings().client_config()
        if lost := lost_of_lane(config, name):
            text = f"lane {name} lost {', '.join(lost)}, on which decisions rest"
            raise CommandError(
                ExitCode.CONFLICT, text, "that name is used up: take it out, and set a lane of another name"
            )
        admin = kafka.admin(config)
        created = create_topics(admin, lane_plan(name), replication=copies_of_bus(admin))
        if created:
            caller.say(f"created {', '.join(created)}")
        put_as(caller, steward, Wanted("lane", name, {"principal": principal or f"User:{name}"}, base))


@with_caller
def rm(caller: Caller, name: Name, person: AsPerson = "", base: Base = "") -> None:
    """Take a lane out of force: what is sent on it is refused. Its topics stay, with everything in them."""
    agents = sorted(agent.id for agent in registry_of(caller).agents.values() if agent.lane == name)
    remove(caller, person, "lane", name, base)
    if agents:
        caller.say(f"still registered for it, and refused from now on: {', '.join(map(name_of, agents))}")


VERBS = {
    "ls": (ls, "agentbus lanes ls"),
    "set": (set_, ("agentbus lanes set sales", "agentbus lanes set sales --principal User:sales-team")),
    "rm": (rm, "agentbus lanes rm sales"),
}
