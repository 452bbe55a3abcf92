"""Who typed the command: which Kafka they mean, as whom they speak, and whether a person or a program reads along.

Data goes to stdout, talk to stderr: `agentbus lanes ls --json | …` never has to be cleaned.
"""

import contextlib
import inspect
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bus.shell.errors import BusError

if TYPE_CHECKING:
    from rich.console import Console

    from bus.cli.running import Running
    from bus.shell.settings import Settings

PANEL = "Every command has these"
ADMIN_LOGIN = "admin"  # who a command is on a secured development bus, if it is nobody in particular
WIDTH_OFF_TERMINAL = 120  # what is drawn in a pipe must not depend on who made the pipe

Bootstrap = Annotated[
    str,
    typer.Option(
        "--bootstrap",
        envvar="AGENTBUS_BOOTSTRAP",
        metavar="HOST:PORT",
        rich_help_panel=PANEL,
        show_default=False,
        help="The Kafka to use. Unset: the bus that `agentbus dev` runs here, else 127.0.0.1:9092.",
    ),
]
KafkaSettings = Annotated[
    list[str],
    typer.Option(
        "-X",
        metavar="NAME=VALUE",
        rich_help_panel=PANEL,
        show_default=False,
        help="A setting for the Kafka client, such as security.protocol=SSL. May be repeated.",
    ),
]
KafkaConfig = Annotated[
    Path | None,
    typer.Option(
        "--kafka-config",
        envvar="AGENTBUS_KAFKA_CONFIG",
        metavar="FILE",
        rich_help_panel=PANEL,
        show_default=False,
        help="A properties file with such settings.",
    ),
]
IsJson = Annotated[
    bool,
    typer.Option("--json", rich_help_panel=PANEL, show_default=False, help="Write JSON on stdout, one object a line."),
]


@dataclass(frozen=True, slots=True)
class Caller:
    """The options that every command has, and how to answer."""

    bootstrap: str
    kafka: tuple[str, ...]
    kafka_config: Path | None
    is_json: bool
    _said: set[str] = field(default_factory=set)

    def settings(self, *, login: str = ADMIN_LOGIN, **given: Any) -> "Settings":  # Any: a field of Settings
        """The settings of this call, once it is known that a Kafka answers there.

        ``login`` is the user to be on a secured development bus, unless the call names another login. What is not
        given comes from the environment. Raises `BusError`; `UnreachableError` within a few seconds.
        """
        from bus.shell.reach import check_reachable

        settings = self.unchecked_settings(login=login, **given)
        check_reachable(settings.client_config())
        return settings

    def unchecked_settings(self, *, login: str = ADMIN_LOGIN, **given: Any) -> "Settings":  # Any: as above
        """The same, whether or not anybody answers there. Raises `BusError`."""
        from pydantic import ValidationError

        from bus.shell.settings import Settings

        known = {name: value for name, value in given.items() if value is not None}
        known["kafka"] = dict(_pair(text) for text in self.kafka)
        if self.kafka_config is not None:
            if not self.kafka_config.is_file():
                raise missing_file(self.kafka_config)
            known["kafka_config"] = self.kafka_config
        if "bootstrap" not in known and (bootstrap := self.bootstrap or self._bootstrap_of_running()):
            known["bootstrap"] = bootstrap
        if "kafka_config" not in known and not self.kafka and (path := self._login_file(login, known.get("bootstrap"))):
            known["kafka_config"] = path
        try:
            return Settings(**known)
        except ValidationError as error:
            first = error.errors()[0]
            name = "AGENTBUS_" + "_".join(str(part) for part in first["loc"]).upper()
            why = first["msg"]  # tidy: ok pydantic's own name
            raise BusError(f"{name} cannot be used: {why}", "correct it, or unset it") from error

    def running(self) -> "Running | None":
        """The development bus this call means: the one at its bootstrap, or the only one on this machine."""
        from bus.cli.running import running_buses
        from bus.shell.dev_buses import only_one

        found = running_buses()
        if self.bootstrap:
            return next((one for one in found if one.bootstrap == self.bootstrap), None)
        only_one(found)
        return found[0] if found else None

    def say(self, text: str) -> None:
        """Tell the person at the terminal something that is not the answer."""
        console(sys.stderr).print(text, markup=False, highlight=False, soft_wrap=True)

    @contextlib.contextmanager
    def working(self) -> Iterator[Callable[[str], None]]:
        """What long work calls to tell how far it is: one line that changes at a terminal, lines in a pipe."""
        if not sys.stderr.isatty():
            yield self.say
            return
        status = console(sys.stderr).status("")
        status.start()
        try:
            yield lambda text: status.update(f"{text} …")
        finally:
            status.stop()

    def say_once(self, text: str) -> None:
        """The same, unless this command has said it already."""
        if text not in self._said:
            self._said.add(text)
            self.say(text)

    def show(self, text: str) -> None:
        """A line of the answer, for people."""
        console(sys.stdout).print(text, markup=False, highlight=False, soft_wrap=True)

    def show_json(self, value: object) -> None:
        """One JSON object, on one line."""
        sys.stdout.write(json.dumps(value, sort_keys=True) + "\n")
        sys.stdout.flush()

    def show_line(self, text: str) -> None:
        """A line of a stream: whole in a pipe, cut with "…" where a terminal would break it."""
        width = terminal_width()
        if width is not None and len(text) > width:
            text = f"{text[: width - 1].rstrip()}…"
        self.show(text)

    def show_table(
        self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, optional: Sequence[str] = ()
    ) -> None:
        """A table without lines that a person reads and `awk` still can; nothing is shortened off a terminal.

        ``optional`` names columns that a narrow terminal may leave out, the first of them first.
        """
        from bus.cli.tables import set_table

        named = [column.upper() for column in columns]
        dropped = [column.upper() for column in optional]
        header, *lines = set_table(named, rows, width=terminal_width(), optional=dropped)
        console(sys.stdout).print(header, style="bold", markup=False, highlight=False, soft_wrap=True)
        for line in lines:
            self.show(line)

    def _login_file(self, user: str, bootstrap: str | None) -> Path | None:
        """The client properties to use on a development bus that asks who is there."""
        from bus.cli.running import running_buses

        running = next((one for one in running_buses() if one.bootstrap == bootstrap), None)
        if running is None:
            return None
        path = running.login_file(user) or running.login_file(ADMIN_LOGIN)
        if path is not None:
            self.say_once(f"logged in as {path.stem}, with {path}")
        return path

    def _bootstrap_of_running(self) -> str:
        running = self.running()
        if running is None:
            return ""
        self.say_once(f"using the development bus at {running.bootstrap} ({running.data})")
        return running.bootstrap


def console(file: Any) -> "Console":  # Any: sys.stdout is typed as TextIO, rich wants its own protocol
    """Where to print; colours only on a terminal and without NO_COLOR."""
    from bus.cli.plain_console import PlainConsole

    return PlainConsole(file=file, width=None if file.isatty() else WIDTH_OFF_TERMINAL)


def terminal_width() -> int | None:
    """How many characters a line of the answer may have; None in a pipe, where nothing is ever shortened."""
    return console(sys.stdout).width if sys.stdout.isatty() else None


def with_caller(command: Callable[..., None], *, bootstrap: Any = Bootstrap) -> Callable[..., None]:
    """Give a command the options that every command has; it gets them as its first argument, a `Caller`.

    ``bootstrap`` (Any: an annotation) is for a command to which that option means something else.
    """
    own = list(inspect.signature(command).parameters.values())[1:]

    def call(**given: Any) -> None:  # Any: each option has a type of its own
        address, kafka = given.pop("bootstrap"), tuple(given.pop("kafka_settings"))
        caller = Caller(address.strip(), kafka, given.pop("kafka_config"), given.pop("is_json"))
        try:
            command(caller, **given)
        except BrokenPipeError:
            # Whoever read our output has gone, as `| head` does; nothing may be written at exit either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit from None

    shared: Mapping[str, tuple[Any, object]] = {  # Any: annotations
        "bootstrap": (bootstrap, ""),
        "kafka_settings": (KafkaSettings, []),
        "kafka_config": (KafkaConfig, None),
        "is_json": (IsJson, False),
    }
    kind = inspect.Parameter.KEYWORD_ONLY
    parameters = [parameter.replace(kind=kind) for parameter in own]
    parameters += [
        inspect.Parameter(name, kind, default=default, annotation=annotation)
        for name, (annotation, default) in shared.items()
    ]
    call.__name__, call.__doc__, call.__module__ = command.__name__, command.__doc__, command.__module__
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # functions do take one
    return call


def missing_file(path: Path) -> BusError:
    """The error for a file or folder that was named and is not there."""
    from bus.cli.failures import CommandError, ExitCode

    return CommandError(ExitCode.NOT_FOUND, f"there is no {path}", "check the path")


def is_debugging() -> bool:
    """Does the person want to see where in our code it went wrong?"""
    return os.environ.get("AGENTBUS_DEBUG", "") not in ("", "0")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise typer.BadParameter(f"-X {text} has no value: write -X name=value, such as -X security.protocol=SSL")
    return name.strip(), value.strip()
