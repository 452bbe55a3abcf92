"""`agentbus terms`: the rules of each resource type: who may claim it, for how long, what must be true first."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bus.cli.caller import Caller, missing_file, with_caller
from bus.cli.failures import CommandError, ExitCode
from bus.cli.in_force import AsPerson, Base, put_as, registry_of, remove, show_rows, steward_of, value_of, warn_of_facts

if TYPE_CHECKING:
    from bus.core.contracts import JsonObject

ABOUT = "The rules of each resource type: who may claim it, and for how long."

Resource = Annotated[str, typer.Argument(metavar="RESOURCE", help="The resource type, such as lead.")]


@with_caller
def ls(caller: Caller) -> None:
    """Show the terms of all resource types."""
    rows = [
        [
            one.resource,
            one.revision,
            one.lease_ms,
            None if one.claimants is None else list(one.claimants),
            [f"{name} in {'|'.join(str(value) for value in values)}" for name, values in (one.when or {}).items()],
        ]
        for one in sorted(registry_of(caller).terms.values(), key=lambda one: one.resource)
    ]
    columns = ("resource", "revision", "lease_ms", "claimants", "when")
    show_rows(caller, columns, rows, nothing="There are no terms: `agentbus terms set` puts some in force.")


@with_caller
def show(caller: Caller, resource: Resource) -> None:
    """Show the terms of a resource type as they were set."""
    value = value_of(caller, "terms", resource)
    if value is None:
        raise CommandError(ExitCode.NOT_FOUND, f"there are no terms of {resource}", "see `agentbus terms ls`")
    if caller.is_json:
        caller.show_json(value)
        return
    import yaml

    caller.show(yaml.safe_dump(dict(value), sort_keys=False, default_flow_style=None, width=100).rstrip())


@with_caller
def set_(
    caller: Caller,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The terms, as YAML or JSON.")],
    person: AsPerson = "",
    base: Base = "",
) -> None:
    """Put the terms of a file in force."""
    from bus.shell.steward import Wanted

    value = _read(file)
    resource = str(value["resource"])
    with steward_of(caller, person) as steward:
        put_as(caller, steward, Wanted("terms", resource, value, base))
        warn_of_facts(caller, steward, [resource])


@with_caller
def rm(caller: Caller, resource: Resource, person: AsPerson = "", base: Base = "") -> None:
    """Take terms out of force. What is held under them runs out by its lease."""
    remove(caller, person, "terms", resource, base)


def _read(file: Path) -> "JsonObject":
    import yaml

    try:
        value = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise missing_file(file) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        text = " ".join(str(error).split())[:200]
        raise CommandError(ExitCode.USAGE, f"{file} cannot be read ({text})", "write YAML or JSON in UTF-8") from error
    if not isinstance(value, dict) or not isinstance(value.get("resource"), str):
        step = "begin with a line such as `resource: lead`"
        raise CommandError(ExitCode.USAGE, f"{file} does not name its resource", step)
    return value


VERBS = {
    "ls": (ls, "agentbus terms ls"),
    "show": (show, "agentbus terms show lead"),
    "set": (set_, "agentbus terms set schemas/leads/terms/lead.yaml"),
    "rm": (rm, "agentbus terms rm lead"),
}
