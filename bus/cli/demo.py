"""`agentbus demo`: agents contend for a lead on a real Kafka, told from what really happens, and checked at the end."""

import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bus.cli.caller import Caller, with_caller
from bus.cli.failures import CommandError, ExitCode

if TYPE_CHECKING:
    from bus.dev.demo.told import Teller

PACES = ("fast", "normal", "slow")

EXAMPLES = (
    "agentbus demo",
    "agentbus demo --step --pace slow",
    "agentbus demo --json --keep --save evidence",
)

PaceOption = Annotated[
    str,
    typer.Option(
        "--pace",
        metavar="|".join(PACES),
        show_default=False,
        help="How much time to read: slow, normal (on a terminal), fast (elsewhere).",
    ),
]
Step = Annotated[bool, typer.Option("--step", help="Wait for Enter before each act, for whoever presents it.")]
Plain = Annotated[bool, typer.Option("--plain", help="Tell it line by line, also where a split screen has room.")]
Keep = Annotated[
    bool,
    typer.Option(
        "--keep",
        help="Leave everything running at the end, until Ctrl-C; a terminal offers that anyway, until Enter.",
    ),
]
Save = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        show_default=False,
        help="Keep what happened in this new folder. Unset: in the cache, until the next demo.",
    ),
]
Picture = Annotated[
    Path | None,
    typer.Option(metavar="FILE", show_default=False, help="Draw the split screen at its best moment into this SVG."),
]


@with_caller
def demo(
    caller: Caller,
    pace: PaceOption = "",
    step: Step = False,
    plain: Plain = False,
    keep: Keep = False,
    save: Save = None,
    save_picture: Picture = None,
) -> None:
    """Watch nine agents on a real Kafka: a refusal, contested leads, a crash, a suspension, a veto, and the proof.

    A split screen on a terminal of 100 by 30 or more, else a story line by line; all of it is read from Kafka while
    it happens. Exit code 3 if anything that had to happen was not seen. It brings its own Kafka, on a free port.
    """
    _check(caller, pace, save, is_stepwise=step)
    from bus.cli.demo_end import Ending
    from bus.cli.dev_screen import StartScreen
    from bus.dev.demo.keys import Keys
    from bus.dev.demo.pace import Pace
    from bus.dev.demo.performance import Options, perform

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # as Ctrl-C: everything is stopped
    is_watched = sys.stdout.isatty() and not caller.is_json and not os.environ.get("CI")
    chosen = Pace(pace) if pace else Pace.NORMAL if is_watched else Pace.FAST
    try:
        with ExitStack() as stack:
            keys = stack.enter_context(Keys())
            teller = _teller(caller, stack, save_picture, is_plain=plain)
            ending = Ending(caller, teller, keys, save, is_kept=keep, is_offered=is_watched and sys.stdin.isatty())
            start = stack.enter_context(StartScreen(caller))
            options = Options(chosen, step)
            perform(teller, keys, options, on_progress=start.on_progress, on_step=start.step, on_end=ending.come)
    except KeyboardInterrupt:
        caller.say("Stopped; nothing is left running.")
        raise
    if ending.has_failed:
        raise typer.Exit(ExitCode.FINDINGS)


def _check(caller: Caller, pace: str, save: Path | None, *, is_stepwise: bool) -> None:
    if caller.kafka or caller.kafka_config or "--bootstrap" in sys.argv:
        step = "leave --bootstrap, -X and --kafka-config out"
        raise CommandError(ExitCode.USAGE, "the demo brings its own Kafka and takes no other", step)
    if pace and pace not in PACES:
        raise CommandError(ExitCode.USAGE, f"there is no pace {pace}", f"the paces are {', '.join(PACES)}")
    if is_stepwise and not sys.stdin.isatty():
        step = "leave --step out, or type it at a terminal"
        raise CommandError(ExitCode.USAGE, "there is no keyboard to wait for", step)
    if save is not None and save.exists():
        raise CommandError(ExitCode.CONFLICT, f"{save} is there already", "name a new folder with --save")


def _teller(caller: Caller, stack: ExitStack, picture: Path | None, *, is_plain: bool) -> "Teller":
    """A program gets JSON, a large terminal the split screen, everybody else the story."""
    from bus.dev.demo.narration import Narrator
    from bus.dev.demo.picture import Painter
    from bus.dev.demo.screen import Screen, is_wide_enough
    from bus.dev.demo.telling import JsonTeller, Tellers

    teller: Teller
    if caller.is_json:
        teller = JsonTeller()
    elif is_plain or not is_wide_enough():
        teller = Narrator()
    else:
        teller = stack.enter_context(Screen())
    return teller if picture is None else Tellers([teller, Painter(picture)])
