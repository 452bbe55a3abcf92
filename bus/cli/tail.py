"""`agentbus tail`: shows what happens on the bus as it happens, a line for each thing."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from bus.cli.caller import Caller, with_caller
from bus.cli.failures import CommandError, ExitCode
from bus.cli.record_lines import as_json, as_line

if TYPE_CHECKING:
    from bus.core.log.records import Record
    from bus.shell.follow import Reading

EXAMPLES = (
    "agentbus tail",
    "agentbus tail sales leads --from-start",
    "agentbus tail bus.control --no-follow --json",
)

POLL_S = 0.2
# What the bus sends names its predecessor there, so that repeats and what stands behind a gap can be left out.
FOLLOWED = ("bus.out.", "bus.outcomes", "bus.refused", "bus.escalations")


@with_caller
def tail(
    caller: Caller,
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="WHAT",
            show_default="the public events and the refusals",
            help="A topic, or a lane for its answers.",
        ),
    ] = [],  # noqa: B006 Typer copies it
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Everything that is there, then what comes.")
    ] = False,
    count: Annotated[int, typer.Option(min=0, metavar="N", show_default="no end", help="End after N lines.")] = 0,
    no_follow: Annotated[bool, typer.Option("--no-follow", help="All that is there, and no more.")] = False,
) -> None:
    """Show what happens, as it happens, until Ctrl-C; with --no-follow what has happened.

    Any topic may be named: public events, answers, refusals, governed topics, journals, control.
    """
    from bus.shell.follow import Reading

    config = caller.settings().client_config()
    topics = _topics(config, what)
    is_released_only = any(not topic.startswith("bus.") for topic in topics)  # governed topics: only what is committed
    reading = Reading(config, isolation="read_committed" if is_released_only else "read_uncommitted")
    try:
        from_start = from_start or no_follow
        reading.open(topics, tail=None if from_start else 0)
        view = _View(topics, is_overview=not what)
        _show(caller, reading, view, from_start=from_start, count=count, is_followed=not no_follow)
    except KeyboardInterrupt:  # the usual way to end it
        return
    finally:
        reading.close()


def _topics(config: dict[str, str], what: list[str]) -> list[str]:
    from bus.core.log.topics import OUTCOMES, REFUSED, answers
    from bus.shell import kafka

    there = kafka.partition_counts(kafka.admin(config))
    found = []
    for name in what or (OUTCOMES, REFUSED):
        topic = name if name in there else answers(name)
        if topic not in there:
            raise CommandError(ExitCode.NOT_FOUND, f"there is no topic or lane {name}", "see `agentbus lanes ls`")
        found.append(topic)
    return list(dict.fromkeys(found))


def _show(
    caller: Caller, reading: "Reading", view: "_View", *, from_start: bool, count: int, is_followed: bool
) -> None:
    shown = 0
    waiting = reading.catch_up() if from_start else []
    has_begun_behind = bool(waiting)
    if from_start and not waiting:
        caller.say("nothing is there yet" + ("; waiting for what comes; Ctrl-C ends" if is_followed else ""))
    if not from_start:
        caller.say("waiting for what comes from now on (--from-start shows what is there); Ctrl-C ends")
    while True:
        for record in waiting:
            if not view.has(reading, record):
                continue
            if caller.is_json:
                caller.show_json(as_json(record))
            else:
                caller.show_line(as_line(record))
            shown += 1
            if shown == count:
                return
        if not is_followed:
            return
        if count and has_begun_behind:
            caller.say(f"{shown} of {count} are there; waiting for the rest; Ctrl-C ends")
        has_begun_behind = False
        waiting = reading.poll(POLL_S)


@dataclass(frozen=True, slots=True)
class _View:
    """What is shown of the topics; an overview, for which none was named, says nothing twice."""

    topics: list[str]
    is_overview: bool

    def has(self, reading: "Reading", record: "Record") -> bool:
        """Is this record shown?"""
        if not record.topic.startswith(FOLLOWED):
            return True
        if not reading.followers[record.topic, record.partition].takes(record):
            return False
        return not (self.is_overview and (_is_everywhere(record) or _is_of_arbiter(record)))


def _is_everywhere(record: "Record") -> bool:
    """Is it a change of control as another partition than the first tells it? Every one of them does."""
    if record.topic != "bus.outcomes" or record.partition == 0:
        return False
    return json.loads(record.value or b"{}").get("kind") in ("control_set", "agent_status")


def _is_of_arbiter(record: "Record") -> bool:
    """Is it a refusal by the arbiter? That is a public event as well."""
    return (dict(record.headers).get("__connect.errors.topic") or b"") == b"bus.arbiter"
