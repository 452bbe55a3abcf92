"""What `agentbus dev` shows: a line for each step of the start, and then where everything is."""

import sys
import textwrap
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from bus.cli.caller import WIDTH_OFF_TERMINAL, Caller, console, terminal_width

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from bus.cli.dev_bus import DevBus
    from bus.dev.progress import Progress

INDENT = 2

STEPS = {
    "java": "a Java that can run it",
    "fetch": "Apache Kafka's files",
    "format": "a new data folder",
    "start": "Kafka",
}


class StartScreen:
    """Tells the steps on stderr as they begin, each with the time since the start; a bar while files are fetched."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._began_s = time.monotonic()
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._last = ""

    def __enter__(self) -> Self:
        """Nothing is shown before the first step."""
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Take the bar away."""
        self._end_bar()

    def step(self, text: str) -> None:
        """A step begins."""
        if text != self._last:
            self._last = text
            self._caller.say(f"  {time.monotonic() - self._began_s:4.1f} s  {text}")

    def note(self, text: str) -> None:
        """Something that was found on the way."""
        self._caller.say(f"          note: {text}")

    def on_progress(self, progress: "Progress") -> None:
        """Take in a report of the broker's start."""
        if progress.step == "fetch" and progress.bytes_total:
            self._show_bar(progress)
            return
        if progress.step != "fetch":
            self._end_bar()
        if text := STEPS.get(progress.step.value):
            self.step(text)

    def _show_bar(self, progress: "Progress") -> None:
        if not sys.stderr.isatty():
            self.step(f"Apache Kafka's files, {progress.bytes_total // 1_000_000} MB to fetch")
            return
        from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
        from rich.progress import Progress as Bar

        if self._bar is None:
            columns = (TextColumn("         {task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
            self._bar = Bar(*columns, console=console(sys.stderr), transient=True)
            self._task = self._bar.add_task("Apache Kafka's files", total=progress.bytes_total)
            self._bar.start()
        assert self._task is not None
        self._bar.update(self._task, completed=progress.bytes_done, total=progress.bytes_total)

    def _end_bar(self) -> None:
        if self._bar is None:
            return
        self._bar.stop()
        fetched = self._bar.tasks[0]
        self._bar = None
        if fetched.finished:
            self.step(f"Apache Kafka's files: {fetched.completed / 1_000_000:.0f} MB fetched and checked")


def show_welcome(caller: Caller, bus: "DevBus") -> None:
    """Where everything is, who you are, and what to try."""
    kept = "" if bus.data is None else f"{bus.data}{' (removed at the end)' if bus.is_temporary else ''}"
    runs = "The bus runs" if bus.http else "Kafka runs, with the bus's topics and without its stages"
    caller.show(f"\n{runs}. Ctrl-C stops it.\n")
    rows = [("Kafka", bus.settings.bootstrap), ("Health", f"{bus.http}/readyz" if bus.http else "no stages run here")]
    # Who runs several, or has this set to something else, needs it for commands and programs alike.
    rows.insert(1, ("Use it", f"export AGENTBUS_BOOTSTRAP={bus.settings.bootstrap}"))
    rows += [("Data", kept), ("You", f"{bus.operator}, steward and operator")]
    for name, value in rows:
        if value:
            caller.show(f"  {name:<8} {value}")
    if bus.sample is not None:
        caller.show("")
        for lane, agents in bus.sample.agents_by_lane().items():
            caller.show(f"  {'Lane ' + lane:<17} {', '.join(agents)}")
    _show_logins(caller, bus)
    caller.show("\nTry in another terminal:\n")
    for command in _commands(bus):
        caller.show(f"  {command}")
    caller.show("")


def _show_logins(caller: Caller, bus: "DevBus") -> None:
    """Who there is, and where their client properties are; the commands find them by themselves."""
    if not bus.clients:
        return
    folder = next(iter(bus.clients.values())).parent
    caller.show(f"\n  Clients log in with the files in {folder}, which only you can read:\n")
    width = terminal_width() or WIDTH_OFF_TERMINAL
    for line in textwrap.wrap("  ".join(path.name for path in bus.clients.values()), width - INDENT):
        caller.show(" " * INDENT + line)


def _commands(bus: "DevBus") -> list[str]:
    if not bus.http:
        return [f"agentbus run --bootstrap {bus.settings.bootstrap}"]
    if bus.sample is None:
        return ["agentbus lanes set sales", "agentbus agents set sales-1 --lane sales --role sales", "agentbus tail"]
    return list(bus.sample.try_next)
