"""`agentbus contracts`: what messages must look like, who may send them, and what they do on arrival."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bus.cli.caller import Caller, with_caller
from bus.cli.contract_folders import Chosen, Faults, chosen, find_faults
from bus.cli.failures import CommandError, ExitCode
from bus.cli.in_force import (
    AsPerson,
    Base,
    refusal,
    registry_of,
    remove,
    show_rows,
    steward_of,
    tell,
    value_of,
    warn_of_facts,
)

if TYPE_CHECKING:
    from bus.core.policy.contracts import JsonObject
    from bus.shell.steward import Steward, Wanted

ABOUT = "What messages must look like, and who may send them."
GOVERNED_PARTITIONS_MAX = 1_000  # as many as a bus can have itself

Type = Annotated[str, typer.Argument(metavar="TYPE", help="The message type, such as leads.email.send.v1.")]
Paths = Annotated[
    list[Path],
    typer.Argument(metavar="PATH", help="A tree of contracts, one domain of it, or one contract's folder."),
]


@with_caller
def ls(
    caller: Caller, built_in: Annotated[bool, typer.Option("--built-in", help="The bus's own types as well.")] = False
) -> None:
    """Show all contracts in force."""
    registry = registry_of(caller)
    found = [*registry.contracts.values(), *(registry.built_in.values() if built_in else ())]
    rows = [
        [one.type, one.revision, one.topic, one.resource, one.guard, None if one.may is None else list(one.may)]
        for one in sorted(found, key=lambda one: one.type)
    ]
    columns = ("type", "revision", "topic", "resource", "guarded", "may_send")
    nothing = "There are no contracts: `agentbus contracts apply` sets some."
    show_rows(caller, columns, rows, nothing=nothing, optional=("resource", "revision"))


@with_caller
def show(caller: Caller, message_type: Type) -> None:
    """Show a contract as it was set, with its schema."""
    value = _value(caller, message_type)
    if caller.is_json:
        caller.show_json(value)
        return
    import yaml

    caller.show(yaml.safe_dump(dict(value["contract"]), sort_keys=False, default_flow_style=None, width=100).rstrip())
    caller.show(f"\nschema ({value['format']}):\n{value['schema'].rstrip()}")


@with_caller
def check(caller: Caller, paths: Paths) -> None:
    """Compile contracts and try their examples, without a Kafka; exit code 3 if something is wrong."""
    found = chosen(paths)
    faults = find_faults(found)
    _tell_check(caller, found, faults)
    if faults.sentences:
        raise typer.Exit(ExitCode.FINDINGS)


@with_caller
def apply(
    caller: Caller,
    paths: Paths,
    create_topics: Annotated[
        int,
        typer.Option(
            "--create-topics",
            metavar="N",
            min=0,
            max=GOVERNED_PARTITIONS_MAX,
            help="For development: create missing governed topics with N partitions.",
        ),
    ] = 0,
    person: AsPerson = "",
) -> None:
    """Put contracts and terms of these folders in force, those that differ from what is."""
    found = chosen(paths)
    faults = find_faults(found)
    if faults.sentences:
        _tell_check(caller, found, faults)
        raise CommandError(
            ExitCode.FINDINGS, f"these contracts have {_counted(len(faults.sentences), 'fault')}", "nothing was set"
        )
    if create_topics:
        _create_topics(caller, found, create_topics)
    with steward_of(caller, person) as steward:
        _apply(caller, steward, found)


@with_caller
def rm(caller: Caller, message_type: Type, person: AsPerson = "", base: Base = "") -> None:
    """Take a contract out of force: messages of its type are then unknown."""
    remove(caller, person, "contract", message_type, base)


def _apply(caller: Caller, steward: "Steward", found: Chosen) -> None:
    from bus.core.log.records import canonical, digest
    from bus.shell.steward import RefusedError

    hashes, all_wanted = steward.registry.hashes, _wanted(found)
    missing = [one for one in all_wanted if hashes.get((one.kind, one.name)) != digest(canonical(one.value))]
    for done, wanted in enumerate(missing):
        try:
            tell(caller, steward.set(wanted))
        except RefusedError as error:
            raise _half_done(caller, wanted, error.answer, done=done, left=len(missing) - done - 1) from error
    caller.say(f"{len(missing)} set, {len(all_wanted) - len(missing)} in force already.")
    stated = [str(one["contract"].get("resource", "")) for one in found.contracts.values() if "fact" in one["contract"]]
    warn_of_facts(caller, steward, [*found.terms, *stated])


def _half_done(caller: Caller, wanted: "Wanted", answer: "JsonObject", *, done: int, left: int) -> CommandError:
    """The error that says what is in force now and what is not, and that doing it again is safe."""
    error = refusal(caller, answer)
    parts = [f"{done} set before it stay in force"] if done else ["nothing was set"]
    parts += [f"{left} after it were not tried"] if left else []
    step = f"{' and '.join(parts)}: correct it and apply again, which skips what is in force"
    return CommandError(error.exit_code, f"{wanted.kind} {wanted.name} was {error.message}", step)


def _wanted(found: Chosen) -> list["Wanted"]:
    from bus.shell.steward import Wanted

    terms = [Wanted("terms", name, value) for name, value in found.terms.items()]
    return terms + [Wanted("contract", name, value) for name, value in found.contracts.items()]


def _create_topics(caller: Caller, found: Chosen, partitions: int) -> None:
    from bus.shell import kafka
    from bus.shell.cluster import create_topics, governed_plan
    from bus.shell.durability import copies_of_bus

    admin = kafka.admin(caller.settings().client_config())
    there = kafka.partition_counts(admin)
    plans = [governed_plan(topic, partitions) for topic in found.topics if topic not in there]
    if created := create_topics(admin, plans, replication=copies_of_bus(admin)):
        caller.say(f"created {', '.join(created)}")


def _value(caller: Caller, message_type: str) -> "JsonObject":
    from bus.shell.catalogue import read_catalogue

    built_in = read_catalogue(is_built_in=True).contracts
    value = built_in.get(message_type) or value_of(caller, "contract", message_type)
    if value is None:
        step = "see `agentbus contracts ls --built-in`"
        raise CommandError(ExitCode.NOT_FOUND, f"there is no contract of {message_type}", step)
    return value


def _tell_check(caller: Caller, found: Chosen, faults: Faults) -> None:
    if caller.is_json:
        told = {"contracts": sorted(found.contracts), "terms": sorted(found.terms)}
        caller.show_json({**told, "examples": faults.examples, "faults": faults.sentences})
        return
    for sentence in faults.sentences:
        caller.show(sentence)
    held = f"{_counted(len(found.contracts), 'contract')}, {_counted(faults.examples, 'example')}"
    wrong = _counted(len(faults.sentences), "fault") if faults.sentences else "all in order"
    caller.show(f"{held}, terms of {_counted(len(found.terms), 'resource type')}: {wrong}.")


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


VERBS = {
    "ls": (ls, ("agentbus contracts ls", "agentbus contracts ls --built-in --json")),
    "show": (show, "agentbus contracts show leads.email.send.v1"),
    "check": (check, "agentbus contracts check schemas/leads"),
    "apply": (apply, ("agentbus contracts apply schemas/leads", "agentbus contracts apply schemas --create-topics 3")),
    "rm": (rm, "agentbus contracts rm leads.note.add.v1"),
}
