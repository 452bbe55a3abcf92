"""The command `agentbus`: every noun and verb in one place, and what happens when one of them fails.

A new command: write `bus/cli/<noun>.py` with a function under `with_caller` and its `EXAMPLE`, and add one line below.
Nothing slow is imported here or at the top of those files, so that `agentbus --help` stays quick.
"""

import os
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Annotated

import typer

from bus.cli import (
    acls,
    agents,
    cases,
    completion,
    contracts,
    demo,
    dev,
    doctor,
    explain,
    init,
    lanes,
    persons,
    resources,
    run,
    send,
    simulate,
    suspensions,
    tail,
    terms,
    topics,
    verify,
)
from bus.cli.caller import console, is_debugging
from bus.cli.failures import ExitCode, sentence_of
from bus.cli.help_screen import FirstScreen, Verbs, epilog_of

Example = str | Sequence[str]

ABOUT = "The layer between AI agents on Kafka: it validates every message and lets exactly one agent hold a resource."
FIRST = """\b
Begin with      agentbus dev           a Kafka and a bus on this machine
When stuck      agentbus doctor        what is wrong, and how to mend it
For examples    agentbus send --help   and so on, for each command"""

HELP_WIDTH_MAX = 100  # longer lines are hard to read
COMPLETING = "_AGENTBUS_COMPLETE"  # set by the shell's completion, see `agentbus completion`

app = typer.Typer(
    name="agentbus",
    cls=FirstScreen,
    help=ABOUT,
    epilog=FIRST,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain text without boxes: it reads the same in a pipe, and needs nothing slow
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": HELP_WIDTH_MAX},
)


def _add(group: typer.Typer, name: str, command: Callable[..., None], example: Example, noun: str = "") -> None:
    """A command with its examples, of which it has one to three."""
    epilog = epilog_of(f"{noun} {name}".strip(), example)
    group.command(name, epilog=epilog, no_args_is_help=False)(command)


def _noun(name: str, module: ModuleType) -> None:
    """A noun with its verbs: the module's `VERBS` gives each verb's function and examples."""
    group = typer.Typer(no_args_is_help=True, cls=Verbs)
    for verb, (command, example) in module.VERBS.items():
        _add(group, verb, command, example, name)
    app.add_typer(group, name=name, help=module.ABOUT)


_add(app, "demo", demo.demo, demo.EXAMPLES)
_add(app, "dev", dev.dev, dev.EXAMPLE)
_add(app, "init", init.init, init.EXAMPLES)
_add(app, "run", run.run, run.EXAMPLES)
_add(app, "send", send.send, send.EXAMPLES)
_add(app, "tail", tail.tail, tail.EXAMPLES)
_noun("lanes", lanes)
_noun("agents", agents)
_noun("persons", persons)
_noun("contracts", contracts)
_noun("terms", terms)
_noun("topics", topics)
_noun("acls", acls)
_add(app, "suspend", suspensions.suspend, suspensions.SUSPEND_EXAMPLES)
_add(app, "resume", suspensions.resume, suspensions.RESUME_EXAMPLES)
_noun("cases", cases)
_noun("resources", resources)
_add(app, "explain", explain.explain, explain.EXAMPLES)
_add(app, "verify", verify.verify, verify.EXAMPLES)
_add(app, "doctor", doctor.doctor, doctor.EXAMPLES)
_add(app, "simulate", simulate.simulate, simulate.EXAMPLES)
_add(app, "completion", completion.completion, completion.EXAMPLES)


def _version(wanted: bool) -> None:
    if wanted:
        from bus import __version__

        typer.echo(f"agentbus {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    del version  # its callback has answered


def main() -> None:
    """Run the command that was typed; never shows a traceback unless AGENTBUS_DEBUG asks for one."""
    try:
        if COMPLETING in os.environ:
            completion.answer(app)
        code = app(standalone_mode=False)
    except typer.TyperException as error:
        _complain_of_usage(error)
        code = ExitCode.USAGE
    except (KeyboardInterrupt, typer.Abort):
        code = 130  # as a shell says of a command that Ctrl-C ended
    except Exception as error:  # no traceback ever reaches a user
        if is_debugging():
            raise
        text, code = sentence_of(error)
        _complain(text)
    sys.exit(code if isinstance(code, int) else ExitCode.OK)


def _complain_of_usage(error: typer.TyperException) -> None:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "agentbus"
    message = error.format_message()
    if message.startswith("Usage:"):  # a noun alone: what it can do is the answer
        sys.stdout.write(message + "\n")
        return
    message = message.rstrip(".")
    _complain(f"{message} See {path} --help" if message.endswith("?") else f"{message}; see {path} --help")


def _complain(text: str) -> None:
    sys.stdout.flush()
    end = "" if text.endswith("?") else "."
    console(sys.stderr).print(f"agentbus: {text}{end}", style="red", markup=False, highlight=False, soft_wrap=True)
