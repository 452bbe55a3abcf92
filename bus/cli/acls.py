"""`agentbus acls`: which Kafka principal may do what, printed for other tools, compared with what is there, applied."""

import dataclasses
import textwrap
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bus.cli.acl_options import Named, with_named
from bus.cli.caller import WIDTH_OFF_TERMINAL, Caller, terminal_width, with_caller
from bus.cli.failures import CommandError, ExitCode

if TYPE_CHECKING:
    from bus.shell.acl_compare import AclDifference, FoundAcl
    from bus.shell.acls import Allowance, Grant

ABOUT = "Who may do what on the bus's Kafka: the broker keeps agents to their own lanes."


class Format(StrEnum):
    """What the table is printed for."""

    TABLE = "table"
    KAFKA_ACLS = "kafka-acls"
    STRIMZI = "strimzi"


Ignored = Annotated[
    list[str],
    typer.Option(
        "--ignore",
        metavar="P",
        show_default=False,
        help="A principal whose ACLs are nobody's concern. May be repeated.",
    ),
]


@with_caller
@with_named
def print_(
    caller: Caller,
    named: Named,
    form: Annotated[
        Format, typer.Option("--format", metavar="FORM", help="table, kafka-acls (shell commands) or strimzi (YAML).")
    ] = Format.TABLE,
    cluster: Annotated[
        str, typer.Option(metavar="NAME", help="The Kafka resource that Strimzi's users belong to.")
    ] = "my-cluster",
) -> None:
    """Print what each principal needs, and nothing else. Changes nothing."""
    from bus.shell.acl_formats import kafka_acls_commands, strimzi_cannot, strimzi_users
    from bus.shell.acls import table

    allowances = table(named.holders(caller))
    if caller.is_json:
        for allowance in allowances:
            for grant in allowance.grants:
                caller.show_json({**_grant_json(grant), "roles": list(allowance.roles)})
    elif form is Format.KAFKA_ACLS:
        for line in kafka_acls_commands(allowances, caller.unchecked_settings().bootstrap):
            caller.show(line)
    elif form is Format.STRIMZI:
        for principal in strimzi_cannot(allowances):
            caller.say(f"{principal} cannot be a KafkaUser's name: give the lane a principal of small letters")
        caller.show(strimzi_users(allowances, cluster).rstrip())
    else:
        _show_table(caller, allowances)


@with_caller
@with_named
def check(
    caller: Caller,
    named: Named,
    ignore: Ignored = [],  # noqa: B006 Typer copies it
) -> None:
    """Compare the ACLs that are there with those that must be. Exit code 3 if anything differs; changes nothing."""
    from bus.shell.acl_admin import NoAuthorizerError, check_acls

    holders = named.holders(caller)
    try:
        difference = check_acls(caller.settings().client_config(), holders, ignored=ignore)
    except NoAuthorizerError as error:
        raise CommandError(ExitCode.FINDINGS, error.message, error.next_step) from error
    _show_difference(caller, difference)
    if not difference.is_none:
        caller.say("Next: `agentbus acls apply` adds what is missing; with --remove-extra it removes the rest.")
        raise typer.Exit(ExitCode.FINDINGS)


@with_caller
@with_named
def apply(
    caller: Caller,
    named: Named,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")] = False,
    remove_extra: Annotated[
        bool, typer.Option("--remove-extra", help="Also remove what touches the bus and is not in the table.")
    ] = False,
    ignore: Ignored = [],  # noqa: B006 Typer copies it
) -> None:
    """Add the ACLs that are missing, and show those that are too much. Doing it again changes nothing."""
    from bus.shell.acl_admin import apply_acls, check_acls

    holders = named.holders(caller)
    config = caller.settings().client_config()
    difference = check_acls(config, holders, ignored=ignore)
    doomed = (*difference.extra, *difference.denied) if remove_extra else ()
    added = (*difference.missing, *difference.replacing) if remove_extra else difference.missing
    if dry_run:
        _show_difference(caller, difference)
        caller.say(f"Dry run: {_counted(added)} would be added, {_counted(doomed)} removed; nothing was changed.")
        return
    if added or doomed:
        apply_acls(config, added, doomed)
    _show_difference(caller, difference, missing="added", extra="removed" if remove_extra else "too much")
    _make_logins(caller, [*holders.lanes.values(), *(reader.principal for reader in holders.readers)])
    caller.say(f"{_counted(added)} added, {_counted(doomed)} removed.")
    if (difference.extra or difference.denied) and not remove_extra:
        caller.say("What is too much stays: `agentbus acls apply --remove-extra` removes it.")


def _make_logins(caller: Caller, principals: Sequence[str]) -> None:
    """On a secured development bus whoever was granted something gets a login; elsewhere logins are others' affair."""
    from bus.cli.dev_bus import can_log_in, user_of

    running = caller.running()
    usable = {user_of(one) for one in principals if can_log_in(one)}
    users = [] if running is None or not running.is_secure else sorted(usable)
    new = [user for user in users if running and not running.client_file(user).is_file()]
    if running is None or not new:
        return
    from bus.dev.users import make_users

    make_users(running.data, running.bootstrap, new)
    for user in new:
        caller.say(f"{user} can log in now, with {running.client_file(user)}")


def _show_table(caller: Caller, allowances: Sequence["Allowance"]) -> None:
    """By principal: a heading, then a line for each operation and kind of thing with all the names."""
    width = terminal_width() or WIDTH_OFF_TERMINAL
    for number, allowance in enumerate(allowances):
        if number:
            caller.show("")
        caller.show(f"{allowance.principal}  ({'; '.join(allowance.roles)})")
        for (operation, resource), names in _by_operation(allowance.grants).items():
            head = f"  {operation:<17}{resource:<18}"
            lines = textwrap.wrap("  ".join(names), width - len(head), break_on_hyphens=False, break_long_words=False)
            for count, line in enumerate(lines):
                caller.show((head if not count else " " * len(head)) + line)


def _by_operation(grants: Sequence["Grant"]) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for grant in sorted(grants, key=_in_reading_order):
        found.setdefault((grant.operation.value, grant.resource.value), []).append(_named(grant))
    return found


def _in_reading_order(grant: "Grant") -> tuple[int, int]:
    """What a principal may write first, then what it reads, then the rest; topics before groups."""
    from bus.shell.acls import Operation, Resource

    operations, resources = [Operation.WRITE, Operation.READ], list(Resource)
    place = operations.index(grant.operation) if grant.operation in operations else len(operations)
    return resources.index(grant.resource), place


def _show_difference(
    caller: Caller, difference: "AclDifference", *, missing: str = "missing", extra: str = "too much"
) -> None:
    """The differences; ``missing`` and ``extra`` say what they are, or have become by now."""
    rows: list[tuple[str, FoundAcl]] = [
        *((missing, _as_found(grant)) for grant in difference.missing),
        *((extra, acl) for acl in difference.extra),
        *((extra if extra == "removed" else "in the way", acl) for acl in difference.denied),
    ]
    if caller.is_json:
        for state, acl in rows:
            told = {**_grant_json(acl.grant), "host": acl.host, "is_denial": acl.is_denial}
            caller.show_json({**told, "state": state.replace(" ", "_")})
        return
    if not rows:
        caller.show(f"The ACLs are as they must be: {difference.granted} grants.")
        return
    caller.show_table(("state", "principal", "may", "what", "name"), [[state, *_cells(acl)] for state, acl in rows])
    caller.show("")
    if missing != "missing":
        return  # whoever applied them says how many
    counts = (f"{len(difference.missing)} missing", f"{len(difference.extra)} too much")
    caller.show(f"{', '.join(counts)}, {len(difference.denied)} in the way; {difference.granted} grants in all.")


def _as_found(grant: "Grant") -> "FoundAcl":
    from bus.shell.acl_compare import FoundAcl

    return FoundAcl(grant)


def _cells(acl: "FoundAcl") -> list[str]:
    grant = acl.grant
    verb = f"not {grant.operation.value}" if acl.is_denial else grant.operation.value
    host = "" if acl.host == "*" else f" from {acl.host}"
    return [grant.principal, verb, grant.resource.value, _named(grant) + host]


def _named(grant: "Grant") -> str:
    from bus.shell.acls import Pattern

    return f"{grant.name}*" if grant.pattern is Pattern.PREFIXED else grant.name


def _grant_json(grant: "Grant") -> dict[str, Any]:  # Any: JSON
    return {name: str(value) for name, value in dataclasses.asdict(grant).items()}


def _counted(items: Sequence[object]) -> str:
    return f"{len(items)} ACL{'' if len(items) == 1 else 's'}"


VERBS = {
    "print": (
        print_,
        (
            "agentbus acls print",
            "agentbus acls print --format kafka-acls --reads sales=leads",
            "agentbus acls print --format strimzi --cluster kafka > users.yaml",
        ),
    ),
    "check": (check, ("agentbus acls check --kafka-config admin.properties",)),
    "apply": (
        apply,
        (
            "agentbus acls apply --dry-run",
            "agentbus acls apply --reads sales=leads,deals --reads User:billing=deals",
            "agentbus acls apply --remove-extra --ignore User:monitoring",
        ),
    ),
}
