"""`agentbus terms`: the rules of each resource type: who may claim it, for how long, what must be true first."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bus.cli.caller import Caller, missing_file, with_caller
from bus.cli.failures import CommandError, ExitCode
from bus.cli.in_force import (
    AsPerson,
    Base,
    check_known,
    put_as,
    registry_of,
    remove,
    show_rows,
    steward_of,
    value_of,
    warn_of_facts,
)

if TYPE_CHECKING:
    from bus.cli.terms_check import Checked
    from bus.core.policy.contracts import JsonObject

ABOUT = "The rules of each resource type: who may claim it, and for how long."

FILES = (".yaml", ".yml", ".json")  # what ends so is a file, also where it is not there

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
    """Put the terms of a file in force, unless they cannot work; what is unwise is said."""
    from bus.cli.terms_check import finding_lines, missing_for, refuse_impossible
    from bus.shell.steward import Wanted

    value = _read(file)
    checked = _checked(file, value)
    if checked.errors:
        if caller.is_json:
            caller.show_json(checked.to_json())
        for line in finding_lines(checked.errors):
            caller.say(f"  {line}")
        refuse_impossible(checked)
    for line in finding_lines(checked.warnings):
        caller.say(f"unwise: {line}")
    resource = str(value["resource"])
    with steward_of(caller, person) as steward:
        put_as(caller, steward, Wanted("terms", resource, value, base))
        warn_of_facts(caller, steward, [resource])
        missing = [one for one in missing_for(checked.terms, steward.registry) if one.field == "/escalate/queue"]
        for line in finding_lines(missing):
            caller.say(f"unwise: {line}")


@with_caller
def check(
    caller: Caller,
    given: Annotated[
        str, typer.Argument(metavar="FILE|RESOURCE", help="Terms in a file, or those in force for a resource type.")
    ],
) -> None:
    """Say how long a contest may take at worst, part by part, and what in the terms cannot work or is unwise.

    A file needs no bus. Terms in force are also held against the agents and persons there are.
    """
    from bus.cli.terms_check import check as check_all
    from bus.cli.terms_check import show_check

    if _is_file(given):
        file = Path(given)
        show_check(caller, _checked(file, _read(file)))
        return
    registry = registry_of(caller)
    terms = registry.terms.get(given)
    if terms is None:
        check_known(f"file and no terms of {given}", given, list(registry.terms))
        return
    show_check(caller, check_all(terms, registry))


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


def _is_file(given: str) -> bool:
    return Path(given).suffix in FILES or "/" in given or Path(given).is_file()


def _checked(file: Path, value: "JsonObject") -> "Checked":
    """What can be said of the terms in a file; raises `CommandError` (findings) if they are none by their form."""
    from bus.cli.contract_folders import refused_settings
    from bus.cli.terms_check import check as check_all
    from bus.core.policy.terms import terms_from_json

    if wrong := refused_settings("terms", {str(value["resource"]): value}):
        more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise CommandError(ExitCode.FINDINGS, f"{file} holds no terms: {wrong[0]}{more}", "correct it")
    return check_all(terms_from_json(value, 1))


VERBS = {
    "ls": (ls, "agentbus terms ls"),
    "show": (show, "agentbus terms show lead"),
    "check": (check, ("agentbus terms check schemas/leads/terms/lead.yaml", "agentbus terms check lead")),
    "set": (set_, "agentbus terms set schemas/leads/terms/lead.yaml"),
    "rm": (rm, "agentbus terms rm lead"),
}
