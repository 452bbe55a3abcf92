"""`agentbus topics`: the topics the bus needs, compared with those that are there, and made so."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from bus.cli.caller import Caller, with_caller
from bus.cli.failures import ExitCode
from bus.cli.in_force import registry_of

if TYPE_CHECKING:
    from bus.shell.topic_check import TopicDifference, TopicReport

ABOUT = "The topics the bus needs: whether each is there and as it must be."

# What no command here does, and who can.
BY_HAND = {
    "partitions": "Another number of partitions is a migration: every key would move.",
    "replicas": "Copies are added with kafka-reassign-partitions.sh.",
}
LOST = (
    "What was judged, or says what was decided, cannot be made anew: the numbers of the decisions would come again."
    " Of a lane: take it out with `agentbus lanes rm`; a new one needs a new name."
    " Of all (bus.arbiter, bus.journal): bring it back from a copy."
)
DAY_MS = 24 * 3600 * 1000

Replication = Annotated[
    int | None,
    typer.Option(
        envvar="AGENTBUS_REPLICATION",
        metavar="N",
        min=1,
        show_default="3, on a development bus 1",
        help="How many copies each topic must have.",
    ),
]


@with_caller
def plan(caller: Caller, replication: Replication = None) -> None:
    """Compare every topic with what it must be. Exit code 3 if anything differs; changes nothing."""
    from bus.shell.topic_check import check_topics

    copies = _copies(caller, replication)
    report = check_topics(caller.settings().client_config(), registry_of(caller), replication=copies)
    _show(caller, report.differences)
    if report.differences:
        caller.say(_summary(report))
        raise typer.Exit(ExitCode.FINDINGS)
    if not caller.is_json:
        caller.show(f"All {len(report.needed)} topics are as they must be.")


@with_caller
def apply(
    caller: Caller,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done, as `plan` does.")] = False,
    governed_partitions: Annotated[
        int,
        typer.Option(metavar="N", min=0, show_default="leave them out", help="Also create missing governed topics."),
    ] = 0,
    replication: Replication = None,
) -> None:
    """Create the topics that are missing and correct settings. Exit code 3 if something is left for a person.

    No topic is deleted, and no partition or copy moved.
    """
    from bus.shell.topic_check import apply_topics, check_topics

    config, registry, copies = caller.settings().client_config(), registry_of(caller), _copies(caller, replication)
    before = check_topics(config, registry, replication=copies)
    if dry_run:
        _show(caller, before.differences)
        caller.say("Dry run: nothing was changed.")
        return
    done = apply_topics(config, registry, before, replication=copies, governed_partitions=governed_partitions)
    left = [one for one in before.differences if one not in done]
    _show(caller, [*done, *left], done=done)
    if left:
        caller.say(f"{len(done)} done, {len(left)} left for a person.")
        raise typer.Exit(ExitCode.FINDINGS)
    if not caller.is_json:
        caller.show(f"All {len(before.needed)} topics are as they must be; {len(done)} changed.")


def _copies(caller: Caller, replication: int | None) -> int:
    """How many copies there must be: as said, else one on a development bus, else what the settings say."""
    if replication is not None:
        return replication
    return 1 if caller.running() is not None else caller.unchecked_settings().replication


def _show(caller: Caller, differences: Sequence["TopicDifference"], *, done: Sequence["TopicDifference"] = ()) -> None:
    if caller.is_json:
        for one in differences:
            caller.show_json({**dataclasses.asdict(one), "mend": one.mend.value, "done": one in done})
        return
    if differences:
        rows = [_cells(one, is_done=one in done) for one in differences]
        caller.show_table(("topic", "what", "found", "wanted", "remedy"), rows)
        caller.show("")
    if any(one.mend.value == "lost" for one in differences):
        caller.say(LOST)
    for setting, text in BY_HAND.items():
        if any(one.setting == setting for one in differences):
            caller.say(text)


def _cells(one: "TopicDifference", *, is_done: bool) -> list[str]:
    remedy = "by hand" if one.setting in BY_HAND or one.mend.value == "lost" else one.mend.value
    if is_done:
        remedy = "created" if one.mend.value == "create" else "altered"
    found, wanted = (_in_days(one.setting, value) for value in (one.found, one.wanted))
    return [one.topic, one.setting or "topic", found, wanted, remedy]


def _in_days(setting: str, value: str) -> str:
    """A retention as people say it."""
    if setting != "retention.ms" or not value.lstrip("-").isdecimal():
        return value
    if value == "-1":
        return "unlimited"
    days = int(value) / DAY_MS
    return f"{days:g} d" if days >= 1 else f"{value} ms"


def _summary(report: "TopicReport") -> str:
    counts = {mend: sum(one.mend == mend for one in report.differences) for mend in ("create", "alter")}
    topics = len({one.topic for one in report.differences})
    people = len(report.differences) - sum(counts.values())
    told = f"{counts['create']} to create, {counts['alter']} settings to alter, {people} for a person"
    can_apply = people < len(report.differences)
    step = "Next: `agentbus topics apply`." if can_apply else "`agentbus topics apply` mends none of it."
    return f"{topics} of {len(report.needed)} topics differ: {told}. {step}"


VERBS = {
    "plan": (plan, ("agentbus topics plan", "agentbus topics plan --replication 3 --json")),
    "apply": (apply, ("agentbus topics apply --dry-run", "agentbus topics apply --governed-partitions 6")),
}
