"""`agentbus init`: makes a Kafka a bus, once: its topics and its genesis."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

from bus.cli.caller import Caller, with_caller
from bus.cli.failures import CommandError, ExitCode

if TYPE_CHECKING:
    from bus.core.policy.control import Genesis

# An accepted change is told from every other message by its going to all partitions, so there must be two at least.
PARTITIONS_MIN = 2
PARTITIONS_MAX = 1_000  # each is a chain with its own owner; a Kafka broker carries a few thousand partitions
PARTITIONS = 12
DOMAIN = re.compile(r"[a-z0-9.-]{1,255}")
PERSON = re.compile(r"spiffe://[a-z0-9.-]{1,255}/person/[A-Za-z0-9._-]{1,128}")

EXAMPLES = (
    "agentbus init --domain acme --steward spiffe://acme/person/ana",
    "agentbus init --domain acme --steward spiffe://acme/person/ana --single-node",
)


@with_caller
def init(
    caller: Caller,
    domain: Annotated[
        str, typer.Option(metavar="NAME", help="The trust domain of all ids, such as acme in spiffe://acme/…")
    ],
    steward: Annotated[
        list[str],
        typer.Option(
            metavar="ID", help="The person who may set everything up, spiffe://DOMAIN/person/NAME. Repeatable."
        ),
    ],
    partitions: Annotated[
        int, typer.Option(metavar="N", help="Partitions of the arbiter, fixed for good; 2 or more.")
    ] = PARTITIONS,
    replication: Annotated[
        int | None,
        typer.Option(
            envvar="AGENTBUS_REPLICATION",
            metavar="N",
            min=1,
            show_default="3",
            help="Copies of each topic the bus creates.",
        ),
    ] = None,
    single_node: Annotated[
        bool, typer.Option("--single-node", help="One copy of each topic: for development only.")
    ] = False,
) -> None:
    """Make this Kafka a bus: its topics and its genesis. Doing it again changes nothing."""
    from bus.shell import cluster, kafka

    genesis = checked_genesis(domain, steward, partitions)
    settings = caller.settings(replication=1 if single_node else replication)
    config = settings.client_config()
    before = genesis_there(config)
    if before is not None:
        refuse_another(before, genesis)
    created = cluster.create_topics(kafka.admin(config), cluster.bus_plan(partitions), replication=settings.replication)
    cluster.write_genesis(config, genesis)
    if caller.is_json:
        caller.show_json({"created": sorted(created), "was_there": before is not None, "genesis": genesis.to_json()})
        return
    if before is not None and not created:
        caller.show(
            f"Already there: domain {domain}, {partitions} partitions, generation {before.gen}. Nothing changed."
        )
        return
    caller.show(f"The bus of domain {domain} is set up: {len(created)} topics, {partitions} partitions.")
    caller.say("Next: `agentbus run` starts the stages.")


def checked_genesis(domain: str, stewards: list[str], partitions: int) -> "Genesis":
    """The genesis these options describe; raises `CommandError` (usage) with a sentence."""
    from bus.core.policy.control import Genesis

    if not DOMAIN.fullmatch(domain):
        raise _usage(f"{domain!r} is no domain", "use lower-case letters, digits, dots and dashes, such as acme")
    for person in stewards:
        if not PERSON.fullmatch(person) or not person.startswith(f"spiffe://{domain}/"):
            raise _usage(f"{person!r} is no person of {domain}", f"write spiffe://{domain}/person/NAME")
    if partitions < PARTITIONS_MIN:
        why = "an accepted change is told from other messages by its going to all partitions"
        raise _usage(f"{partitions} is too few partitions ({why})", f"use {PARTITIONS_MIN} or more")
    if partitions > PARTITIONS_MAX:
        raise _usage(f"{partitions} partitions are more than a bus can own", f"use {PARTITIONS_MAX} or fewer")
    return Genesis(gen=1, domain=domain, partitions=partitions, stewards=tuple(dict.fromkeys(stewards)))


def genesis_there(config: dict[str, str]) -> "Genesis | None":
    """The genesis this Kafka has, if any."""
    from bus.shell import cluster

    return cluster.read_genesis(config)


def refuse_another(before: "Genesis", wanted: "Genesis") -> None:
    """Raise `CommandError` (conflict) if another bus lives on this Kafka."""
    for name in ("domain", "partitions", "stewards"):
        there, asked = getattr(before, name), getattr(wanted, name)
        if there != asked:
            raise CommandError(
                ExitCode.CONFLICT,
                f"this Kafka is a bus already, with {name} {_listed(there)} and not {_listed(asked)}",
                "nothing was changed: use it as it is, or another Kafka",
            )


def _listed(value: object) -> str:
    return ", ".join(str(item) for item in value) if isinstance(value, tuple) else str(value)


def _usage(message: str, next_step: str) -> CommandError:
    return CommandError(ExitCode.USAGE, message, next_step)
