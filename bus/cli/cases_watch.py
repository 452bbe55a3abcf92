"""Keeps showing the cases that wait: a table that follows on a terminal, a line for each change in a pipe."""

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator

from bus.audit.case_files import CaseFile
from bus.audit.case_reader import CaseReader
from bus.audit.case_shelf import Shelf
from bus.audit.plain import lasting, listed, name_of, printable
from bus.cli.caller import Caller, console, terminal_width
from bus.cli.cases_list import COLUMNS, OPTIONAL, Filter, groups, json_of, row_of, wanted
from bus.cli.cases_page import due_text, state_text
from bus.cli.tables import set_table
from bus.cli.words import clock, dated_clock, zone
from bus.shell.errors import RetryableError

LOOK_S = 1.0  # a person sees no difference, and the broker has little to do
NEWS_MAX = 5  # changes that stay on the screen: two at once are both seen
LOOK_S_MAX = 30.0  # while Kafka is away: it has other things to do when it is back


def watch(caller: Caller, reader: CaseReader, chosen: Filter, *, does_ring: bool) -> None:
    """Until Ctrl-C; what is no longer meant by ``chosen`` is told once more as it goes."""
    try:
        if sys.stdout.isatty() and not caller.is_json:
            _on_screen(reader, chosen, does_ring=does_ring)
        else:
            _as_lines(caller, reader, chosen)
    except KeyboardInterrupt:  # the usual way to end it
        return


def elsewhere(shelf: Shelf, chosen: Filter) -> str:
    """Where nothing is meant by ``chosen``: what waits in other views, so that a mistyped queue is no quiet day."""
    waiting = [file for file in shelf.files() if file.is_open]
    if not waiting:
        return f"nothing waits for a person{f' in queue {chosen.queue}' if chosen.queue else ''}"
    queues = listed(sorted({file.queue or "(none)" for file in waiting}))
    cases = "1 open case is" if len(waiting) == 1 else f"{len(waiting):,} open cases are"
    return f"nothing waits in this view; {cases} in others, of queue {queues}"


def summary(files: list[CaseFile]) -> str:
    """What waits, in a line."""
    if not files:
        return "nothing waits for a person"
    overdue = sum(file.is_open and file.is_overdue for file in files)
    reserved = sum(bool(file.is_open and file.person) for file in files)
    since = min((file.frozen_since for file in files if file.is_open and file.frozen_since), default=0)
    oldest = f"frozen for {lasting(max(0, int(time.time() * 1000) - since))} at most" if since else ""
    cases = f"{len(files):,} case{'' if len(files) == 1 else 's'}"
    parts = (cases, f"{overdue:,} overdue" if overdue else "", f"{reserved:,} reserved" if reserved else "", oldest)
    return ", ".join(part for part in parts if part)


def table_of(files: list[CaseFile], width: int | None) -> list[str]:
    """The table's lines, alike cases in one."""
    found = groups(files)
    named = [column.upper() for column in COLUMNS]
    return set_table(named, [row_of(one) for one in found], width=width, optional=[one.upper() for one in OPTIONAL])


def _looks(reader: CaseReader, on_trouble: Callable[[str], None]) -> Iterator[tuple[list[CaseFile], str]]:
    """Each time it is worth looking: what is new, and why the view is old, "" if it is not."""
    wait_s, trouble = LOOK_S, ""
    yield [], trouble
    while True:
        until_s, found = time.monotonic() + wait_s, []
        try:
            while (left_s := until_s - time.monotonic()) > 0:
                found += reader.poll(left_s)
        except RetryableError as error:
            if not trouble:
                on_trouble(f"{error.message}; what was last known stays, and the next look comes by itself")
            wait_s, trouble = min(2 * wait_s, LOOK_S_MAX), error.message
            time.sleep(LOOK_S)
        else:
            wait_s, trouble = LOOK_S, ""
        yield found, trouble


def _on_screen(reader: CaseReader, chosen: Filter, *, does_ring: bool) -> None:
    from rich.live import Live
    from rich.text import Text

    screen = console(sys.stdout)
    with Live(console=screen, auto_refresh=False, screen=True) as live:
        seen_ms, heard = 0, deque[str](maxlen=NEWS_MAX)
        for found, trouble in _looks(reader, lambda _: None):
            seen_ms = seen_ms if trouble else int(time.time() * 1000)
            news = [file for file in found if chosen.takes(file) or not file.is_open]
            heard.extend(news_text(file)[: screen.width - 1] for file in news)
            if does_ring and any(file.is_open and (file.n == 1 or file.is_overdue) for file in news):
                screen.bell()
            files = wanted(reader.shelf, chosen)
            state = f"; not newer than that: {trouble}" if trouble else ""
            told = summary(files) if files else elsewhere(reader.shelf, chosen)
            lines = [f"{clock(seen_ms)} {zone()}  {told}{state}; Ctrl-C ends", ""]
            lines += table_of(files, terminal_width()) if files else []
            lines = fitting(lines, list(heard), screen.height)
            live.update(Text("\n".join(lines), no_wrap=True), refresh=True)


def fitting(lines: list[str], heard: list[str], height: int) -> list[str]:
    """The table and below it the last changes, in so many lines: a long table gives way before the news do."""
    room = max(height - 2 - len(heard), height // 2)
    if len(lines) > room:
        lines = [*lines[: room - 1], f"and {len(lines) - room + 1} lines more"]
    left = max(height - 2 - len(lines), 1)
    return [*lines, "", *heard[-left:]] if heard else lines


def _as_lines(caller: Caller, reader: CaseReader, chosen: Filter) -> None:
    known: set[str] = set()
    begun = wanted(reader.shelf, chosen)
    if not begun:
        caller.say(f"{elsewhere(reader.shelf, chosen)}; a line for each change follows")
    for file in begun:
        known.add(file.case)
        _tell(caller, reader, file)
    for found, _ in _looks(reader, caller.say):
        for file in found:
            is_meant = chosen.takes(file)
            if is_meant or file.case in known:
                _tell(caller, reader, file)
            known = known | {file.case} if is_meant else known - {file.case}


def _tell(caller: Caller, reader: CaseReader, file: CaseFile) -> None:
    if caller.is_json:
        caller.show_json({**json_of(file, reader.shelf), "time": int(time.time() * 1000)})
    else:
        caller.show_line(news_text(file))


def news_text(file: CaseFile) -> str:
    """An edition in a line."""
    parts = [f"{dated_clock(file.at)}  {file.subject}  {file.kind} {state_text(file)}"]
    if file.is_open:
        parts.append(f"in {file.queue or 'no queue'}, {file.why}")
        parts.append(f"reserved by {name_of(file.person)}" if file.person else f"due {due_text(file)}")
    elif file.body.get("ruling"):
        parts.append(f"{file.body['ruling']} by {name_of(file.person)}")
    return printable(f"{'; '.join(parts)}  ({file.case}, rev {file.rev})")
