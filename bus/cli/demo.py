"""`agentbus demo`: agents contend for a lead on a real Kafka, told from what really happens, and checked at the end."""

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from bus.cli.caller import Caller, with_caller
from bus.cli.failures import CommandError, ExitCode

PAUSE_S = 0.4  # between two acts, for whoever reads along

EXAMPLE = "agentbus demo --save evidence"

Save = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", show_default=False, help="Keep what happened in this new folder, for `agentbus verify DIR`."
    ),
]


@with_caller
def demo(caller: Caller, save: Save = None) -> None:
    """Watch five agents on a real Kafka: a refusal, a contest, a crash, a suspension. Ends by itself, leaves nothing.

    Exit code 3 if anything that had to happen was not seen. It brings its own Kafka, on a free port.
    """
    from bus.cli.dev_screen import StartScreen
    from bus.dev.demo.performance import Options, perform
    from bus.dev.demo.telling import JsonTeller, PersonTeller

    if caller.kafka or caller.kafka_config or "--bootstrap" in sys.argv:
        step = "leave --bootstrap, -X and --kafka-config out"
        raise CommandError(ExitCode.USAGE, "the demo brings its own Kafka and takes no other", step)
    if save is not None and save.exists():
        raise CommandError(ExitCode.CONFLICT, f"{save} is there already", "name a new folder with --save")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # as Ctrl-C: everything is stopped
    is_watched = sys.stdout.isatty() and not caller.is_json
    teller = JsonTeller() if caller.is_json else PersonTeller(things_to_try(save))
    options = Options(save=save, pause_s=PAUSE_S if is_watched else 0.0)
    try:
        with StartScreen(caller) as screen:
            went_well = perform(teller, options, screen.on_progress, screen.step)
    except KeyboardInterrupt:
        caller.say("Stopped; nothing is left running.")
        raise
    if not went_well:
        raise typer.Exit(ExitCode.FINDINGS)


def things_to_try(save: Path | None) -> list[tuple[str, str]]:
    """Commands that work once the demo has ended, and why one would."""
    agentbus = _typed()
    checked = (
        (f"{agentbus} verify {save}", "check again what was kept, without any Kafka")
        if save is not None
        else (f"{agentbus} demo --save evidence", "once more; `verify evidence` then needs no Kafka")
    )
    return [
        (f"{agentbus} dev", "your own Kafka and bus, with sample agents, until Ctrl-C"),
        checked,
        (f"{agentbus} demo --json", "the same for a program, one object a line"),
    ]


def _typed() -> str:
    """How this command can be typed again: its name if the shell finds it, else its path from here."""
    if shutil.which("agentbus"):
        return "agentbus"
    typed = Path(sys.argv[0])
    return os.path.relpath(typed) if typed.name == "agentbus" else f"{os.path.relpath(sys.executable)} -m bus.cli"
