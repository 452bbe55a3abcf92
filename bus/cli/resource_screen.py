"""Shows resources: as a table, one of them with its last decisions, and live on a screen or as a line a change."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import typer

from bus.audit.lookup import Lookup
from bus.audit.plain import lasting, shown
from bus.audit.resource_list import Wanted, resources
from bus.audit.standing import Standing
from bus.audit.story import story_of
from bus.cli.caller import Caller, console, terminal_width
from bus.cli.explain_text import print_page, standing_text, story_lines
from bus.cli.failures import ExitCode
from bus.cli.remembered import COUNT_MAX
from bus.cli.tables import set_table
from bus.cli.under_way import in_short, lease_text, until_text
from bus.cli.words import clock, name_of
from bus.core.log import topics
from bus.core.log.routing import partition_of
from bus.shell.errors import RetryableError

LOOK_S = 1.0  # a person sees no difference, and the broker has little to do
LOOK_S_MAX = 30.0  # while Kafka is away: it has other things to do when it is back
UNDER_WAY = "under way"
COLUMNS = ("subject", "state", "holder", "until", UNDER_WAY, "since", "token", "facts")
OPTIONAL = ("facts", "since", "token", "state")  # what a narrow terminal can do without, the first of them first


def show_list(caller: Caller, lookup: Lookup, wanted: Wanted) -> None:
    """The table, or a JSON object a line."""
    found, count = resources(lookup, wanted)
    missing = lookup.index.arbiter_notes()
    if caller.is_json:
        for standing in found:
            caller.show_json(standing.to_json())
    elif found:
        caller.show_table(*_table(found), optional=OPTIONAL)
    elif not missing:
        caller.say("Nothing is held." if wanted.is_held_only else "Nothing is claimed or known about yet.")
    if count > len(found):
        caller.say(f"{count - len(found):,} more {'is' if count - len(found) == 1 else 'are'} not shown (--limit)")
    _end_if_missing(caller, missing)


def _end_if_missing(caller: Caller, missing: Sequence[str]) -> None:
    """Say, where the answer stands, that it is not all there is; the exit code says so as well."""
    if not missing:
        return
    if caller.is_json:
        caller.show_json({"not_known": list(missing)})
    else:
        caller.show("there may be more: part of the journals could not be read")
    raise typer.Exit(ExitCode.FINDINGS)


def show_one(caller: Caller, lookup: Lookup, subject: str, limit: int) -> None:
    """How it stands, and its last decisions."""
    story = story_of(lookup, subject, limit)
    p = partition_of(subject, lookup.index.source.genesis.partitions)
    note = lookup.index.note_on((topics.JOURNAL, p))
    if caller.is_json:
        caller.show_json({**story.now.to_json(), "decisions": [link.to_json() for link in story.told]})
    else:
        print_page(story_lines(story, terminal_width()), has_labels=False)
    _end_if_missing(caller, [note] if note else [])


def watch_list(caller: Caller, lookup: Lookup, wanted: Wanted) -> None:
    """The table again and again, or a line for each change, whatever the limit of the table."""
    shown = wanted if _is_screen(caller) else replace(wanted, limit=COUNT_MAX)

    def look() -> dict[str, Standing]:
        return {standing.subject: standing for standing in resources(lookup, shown)[0]}

    def draw(found: dict[str, Standing]) -> list[str]:
        if not found:
            return ["nothing is held" if wanted.is_held_only else "nothing is claimed or known about yet"]
        columns, rows = _table([*found.values()])
        optional = [column.upper() for column in OPTIONAL]
        return set_table([column.upper() for column in columns], rows, width=terminal_width(), optional=optional)

    _watch(caller, lookup, look, draw)


def watch_one(caller: Caller, lookup: Lookup, subject: str, limit: int) -> None:
    """The same of one resource."""

    def look() -> dict[str, Standing]:
        return {subject: lookup.present(subject)}

    def draw(found: dict[str, Standing]) -> list[str]:
        del found
        return story_lines(story_of(lookup, subject, limit), terminal_width())

    _watch(caller, lookup, look, draw)


def _watch(
    caller: Caller,
    lookup: Lookup,
    look: Callable[[], dict[str, Standing]],
    draw: Callable[[dict[str, Standing]], list[str]],
) -> None:
    try:
        if _is_screen(caller):
            _watch_on_screen(lookup, look, draw)
        else:
            watch_changes(caller, lookup, look, time.sleep)
    except KeyboardInterrupt:  # the usual way to end it
        return


def _is_screen(caller: Caller) -> bool:
    return sys.stdout.isatty() and not caller.is_json


def views(lookup: Lookup, on_trouble: Callable[[str], None], pause: Callable[[float], None]) -> Iterator[str]:
    """Each time it is worth looking: at once, then after every catch-up. While Kafka is away, why the view is old."""
    wait_s, trouble = LOOK_S, ""
    while True:
        yield trouble
        pause(wait_s)
        try:
            lookup.index.catch_up(lambda _: None)
        except RetryableError as error:
            if not trouble:
                on_trouble(f"{error.message}; what was last known stays, and the next look comes by itself")
            wait_s, trouble = min(2 * wait_s, LOOK_S_MAX), error.message
        else:
            wait_s, trouble = LOOK_S, ""


def _watch_on_screen(
    lookup: Lookup, look: Callable[[], dict[str, Standing]], draw: Callable[[dict[str, Standing]], list[str]]
) -> None:
    from rich.live import Live
    from rich.text import Text

    screen = console(sys.stdout)
    with Live(console=screen, auto_refresh=False, screen=True) as live:
        seen_ms = 0
        for trouble in views(lookup, lambda _: None, time.sleep):
            seen_ms = seen_ms if trouble else int(time.time() * 1000)
            state = f"; not newer than that: {trouble}" if trouble else ""
            lines = [f"{lookup.index.source.name} at {clock(seen_ms)}{state}; Ctrl-C ends", "", *draw(look())]
            live.update(Text("\n".join(lines[: screen.height - 1]), no_wrap=True), refresh=True)


def watch_changes(
    caller: Caller, lookup: Lookup, look: Callable[[], dict[str, Standing]], pause: Callable[[float], None]
) -> None:
    """First how everything stands, then a line whenever something changes."""
    known: dict[str, Standing] = {}
    for _ in views(lookup, caller.say, pause):
        found = look()
        gone = [lookup.present(subject) for subject in sorted(known.keys() - found.keys())]
        for standing in [*found.values(), *gone]:
            before = known.get(standing.subject)
            if before is None or before.resource != standing.resource:
                _tell_change(caller, standing)
        known = found


def _tell_change(caller: Caller, standing: Standing) -> None:
    now_ms = int(time.time() * 1000)
    if caller.is_json:
        caller.show_json({**standing.to_json(), "time": now_ms})
    else:
        caller.show_line(f"{clock(now_ms)}  {standing.subject}  {standing_text(standing)}")


def _table(found: Sequence[Standing]) -> tuple[list[str], list[list[str]]]:
    """Columns and rows; what is under way has a column only where something is."""
    rows = [_row(standing) for standing in found]
    place = COLUMNS.index(UNDER_WAY)
    if any(row[place] != "–" for row in rows):
        return [*COLUMNS], rows
    return [one for one in COLUMNS if one != UNDER_WAY], [row[:place] + row[place + 1 :] for row in rows]


def _row(standing: Standing) -> list[str]:
    resource = standing.resource
    holding, facts = resource.holding, sorted(resource.facts.items())
    until: Any = holding.until if holding else resource.cooling_until or (resource.handover and resource.handover.until)
    holder = name_of(holding.agent) if holding else "–"
    if resource.handover and not holding:
        holder = f"for {name_of(resource.handover.agent)}"
    return [
        standing.subject,
        standing.word,
        holder,
        f"{clock(until)} ({lease_text(resource) if holding else until_text(until)})" if until else "–",
        in_short(resource),
        f"{clock(standing.since)} ({lasting(max(0, int(time.time() * 1000) - standing.since))})"
        if standing.since
        else "–",
        str(holding.token) if holding else "–",
        ", ".join(f"{name}={shown(fact.value)}" for name, fact in facts) or "–",
    ]
