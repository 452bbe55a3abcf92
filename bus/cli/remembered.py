"""What this machine remembers of a bus, brought up to date for a command that asks about decisions or resources."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bus.cli.caller import Caller
from bus.cli.failures import CommandError, ExitCode

if TYPE_CHECKING:
    from bus.audit.lookup import Lookup
    from bus.audit.source import ExportSource

FOLDER = "index"  # in the cache; deleted at any time, it is made again

Export = Annotated[
    Path | None,
    typer.Option(
        "--export",
        metavar="DIR",
        show_default=False,
        help="Read this export (`agentbus verify --save`) instead of the running bus.",
    ),
]


@contextlib.contextmanager
def lookup_of(caller: Caller, export: Path | None) -> Iterator["Lookup"]:
    """Everything the journals say up to now; raises `BusError`. What could not be read is said on stderr."""
    from bus.audit.index import Index
    from bus.audit.lookup import Lookup
    from bus.audit.source import LiveSource
    from bus.core import topics
    from bus.dev.places import cache_folder

    source: LiveSource | ExportSource
    if export is not None:
        source, path = _export(caller, export), None
    else:
        source = LiveSource(caller.settings().client_config())
        source.open()
        path = cache_folder() / FOLDER / f"{source.identity}.sqlite"
    index = Index(source, path)
    try:
        index.open()
        index.catch_up(caller.say)
        if topics.JOURNAL in index.unreadable or topics.JOURNAL not in source.counts:
            text = "the journals may not be read with this login"
            raise CommandError(ExitCode.NOT_PERMITTED, text, "log in as the auditor, or ask for an export")
        for note in index.notes():
            caller.say(f"not known: {note}")
        yield Lookup(index)
    finally:
        index.close()
        if isinstance(source, LiveSource):
            source.close()


def _export(caller: Caller, folder: Path) -> "ExportSource":
    from bus.audit.export import load
    from bus.audit.source import ExportSource

    if not folder.is_dir():
        step = "name a folder that `agentbus verify --save` wrote"
        raise CommandError(ExitCode.NOT_FOUND, f"there is no folder {folder}", step)
    evidence = load(folder)
    for flaw in evidence.flaws or ():
        caller.say(f"not as it was exported: {flaw.sentence} (`agentbus verify {folder}` says what that breaks)")
    return ExportSource(evidence)
