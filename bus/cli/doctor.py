"""`agentbus doctor`: says what is wrong with this machine, this Kafka and this bus, and how to mend it."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from bus.cli.caller import Caller, console, terminal_width, with_caller
from bus.cli.failures import ExitCode
from bus.shell.errors import BusError

if TYPE_CHECKING:
    from bus.cli.checkup.lines import Checkup, Line

EXAMPLES = (
    "agentbus doctor",
    "agentbus doctor --deep --json",
    "agentbus doctor --bootstrap kafka:9092 --kafka-config admin.properties",
)
COLOURS = {"ok": "green", "note": "yellow", "unseen": "yellow", "wrong": "red"}
MARK_WIDTH = 7  # "wrong" and its space
CHECK_WIDTH = 18
LINE_MAX = 110  # a longer line is hard to read, however wide the terminal


@with_caller
def doctor(
    caller: Caller,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read all journals from the beginning, not only their ends.")
    ] = False,
    single_node: Annotated[
        bool, typer.Option("--single-node", help="One copy of each topic is enough: for development only.")
    ] = False,
) -> None:
    """Say what is wrong and how to mend it; exit code 3 if anything is.

    It looks at this machine, Kafka and its topics, who may do what, the clocks, the stages and the journals; of disks
    only at this machine's. It changes nothing of the bus: to compare clocks it commits to groups of its own,
    bus-doctor-N, and deletes them. What these settings may not look at is said; if nothing else is wrong, exit code 7.
    """
    from bus.cli.checkup.examine import Patient, examine_bus, examine_machine
    from bus.cli.checkup.lines import Checkup, wrong

    screen = Screen(caller)
    checkup = Checkup(screen.show)
    patient, broken = None, None
    try:
        running, settings = caller.running(), caller.unchecked_settings()
        is_development = running is not None and running.bootstrap == settings.bootstrap
        copies = 1 if single_node or is_development else settings.replication
        patient = Patient(settings, is_development, copies, deep, screen.progress)
    except BusError as error:
        broken = wrong("reachable", error.message, error.next_step or "correct it")
    try:
        # Whoever names no Kafka may be about to start a development bus.
        is_elsewhere = patient is not None and "bootstrap" in patient.settings.model_fields_set
        is_development = patient is not None and patient.is_development
        examine_machine(checkup, is_development=is_development or not is_elsewhere)
        if patient is not None:
            examine_bus(checkup, patient)
        elif broken is not None:
            checkup.look("Kafka", "reachable", lambda: [broken])
    finally:
        screen.close()
    screen.sum_up(checkup)
    raise typer.Exit(code_of(checkup))


def code_of(checkup: "Checkup") -> ExitCode:
    """What it ends with: what is wrong comes first, then what this login, or Kafka, kept from being looked at."""
    if checkup.wrong:
        return ExitCode.FINDINGS
    if checkup.unseen_groups:
        return ExitCode.NOT_PERMITTED if checkup.needs_admin else ExitCode.UNREACHABLE
    return ExitCode.OK


class Screen:
    """Shows each line as soon as it is known, group by group; what is being looked at stands on stderr meanwhile."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._group = ""
        self._status = console(sys.stderr).status("") if sys.stderr.isatty() else None

    def progress(self, text: str) -> None:
        """What is being done now, for whoever waits at a terminal."""
        if self._status is not None:
            self._status.update(f"{text} …")
            self._status.start()

    def show(self, line: "Line") -> None:
        """One line of the answer."""
        self.close()  # two writers on one terminal write over one another
        if self._caller.is_json:
            told = {"group": line.group, "check": line.check, "state": line.state.value}
            self._caller.show_json({**told, "sentence": line.sentence, "remedy": line.remedy})
            return
        if line.group != self._group:
            self._caller.show(("\n" if self._group else "") + line.group)
            self._group = line.group
        self._show_wrapped(line)

    def sum_up(self, checkup: "Checkup") -> None:
        """How many are wrong, and what was not looked at."""
        if self._caller.is_json:
            return
        from bus.cli.checkup.lines import counted

        notes = f", {counted(checkup.notes, 'note')}" if checkup.notes else ""
        if checkup.wrong:
            verb = "is" if checkup.wrong == 1 else "are"
            self._caller.show(f"\n{counted(checkup.wrong, 'thing')} {verb} wrong{notes}. Begin with the first.")
        elif checkup.unseen_groups:
            self._caller.show(f"\nNothing that was looked at is wrong{notes}.")
        else:
            self._caller.show(f"\nNothing is wrong{notes}.")
        if checkup.unseen_groups:
            groups = counted(len(checkup.unseen_groups), "group was", "groups were")
            self._caller.show(f"{groups} not looked at, or not whole: {', '.join(checkup.unseen_groups)}.")

    def close(self) -> None:
        """Take away what stands on stderr."""
        if self._status is not None:
            self._status.stop()

    def _show_wrapped(self, line: "Line") -> None:
        import textwrap

        from rich.text import Text

        width = terminal_width()
        room = min(width or LINE_MAX, LINE_MAX) - MARK_WIDTH - CHECK_WIDTH - 2
        indent = " " * (2 + MARK_WIDTH + CHECK_WIDTH)
        parts = [line.sentence, *([f"→ {line.remedy}"] if line.remedy else [])]
        wrapped = [
            piece
            for part in parts
            for piece in (
                textwrap.wrap(part, room, break_long_words=False, break_on_hyphens=False) if width else [part]
            )
        ]
        first = Text("  ") + Text(f"{line.state.value:<{MARK_WIDTH}}", COLOURS[line.state.value])
        first += Text(f"{line.check:<{CHECK_WIDTH}}{wrapped[0]}")
        console(sys.stdout).print(first, soft_wrap=True, highlight=False)
        for piece in wrapped[1:]:
            self._caller.show(f"{indent}{piece}")
