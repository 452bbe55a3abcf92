"""What this machine remembers of a bus, brought up to date for a command that asks about decisions or resources."""

import contextlib
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bus.cli.caller import Caller
from bus.cli.failures import CommandError, ExitCode

if TYPE_CHECKING:
    from bus.audit.index import Index
    from bus.audit.lookup import Lookup
    from bus.audit.source import ExportSource, Source
    from bus.shell.kafka import ClientConfig

COUNT_MAX = 1_000_000  # of a --limit: more lines than anybody reads
FOLDER = "index"  # in the cache; deleted at any time, it is made again
LOGIN_SETTINGS = ("security.", "sasl.", "ssl.")
SECRETS = ("password", "secret", "key.pem", "token")  # nothing of them, not even a hash, belongs into a file's name

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
    from bus.audit.lookup import Lookup
    from bus.audit.source import LiveSource
    from bus.core.log import topics
    from bus.dev.places import cache_folder

    source: Source
    with contextlib.ExitStack() as opened:
        if export is not None:
            source, path = _export(caller, export), None
        else:
            live = source = LiveSource(caller.settings().client_config())
            opened.callback(live.close)
            live.open()
            path = cache_folder() / FOLDER / file_name(live.identity, live.config)
        index = opened.enter_context(index_of(caller, source, path))
        if all((topics.JOURNAL, p) in index.unread for p in range(source.genesis.partitions)):
            text = "the journals may not be read with this login"
            raise CommandError(ExitCode.NOT_PERMITTED, text, "log in as the auditor, or ask for an export")
        for note in index.notes():
            caller.say(f"not known: {note}")
        yield Lookup(index)


@contextlib.contextmanager
def index_of(caller: Caller, source: "Source", path: Path | None) -> Iterator["Index"]:
    """The index, up to date; in memory if the file cannot be used, for whoever may not write may still ask."""
    from bus.audit.index import Index
    from bus.audit.index_file import CannotRememberError

    index = Index(source, path)
    try:
        try:
            index.open()
            index.catch_up(caller.say)
        except CannotRememberError as error:
            caller.say(f"note: {error.message}, so everything is read anew each time; {error.next_step}")
            index.close()
            index = Index(source, None)
            index.open()
            index.catch_up(caller.say)
        yield index
    finally:
        index.close()


def file_name(identity: str, config: "ClientConfig") -> str:
    """The file for one bus and one login: what Kafka hides from one login, the file of another must not tell it.

    The login is what the client shows Kafka of itself, secrets left out; a certificate counts with its content.
    """
    shown = {name: str(value) for name, value in config.items() if name.startswith(LOGIN_SETTINGS)}
    login = {name: value for name, value in shown.items() if not any(word in name for word in SECRETS)}
    certificate = login.get("ssl.certificate.location") or login.get("ssl.keystore.location")
    if certificate:
        with contextlib.suppress(OSError):  # then its name alone has to tell it from others
            login["certificate"] = hashlib.sha256(Path(certificate).read_bytes()).hexdigest()
    digest = hashlib.sha256(json.dumps(login, sort_keys=True).encode()).hexdigest()
    return f"{identity}-{digest[:16]}.sqlite"


def _export(caller: Caller, folder: Path) -> "ExportSource":
    from bus.audit.export import MANIFEST, load
    from bus.audit.source import ExportSource

    step = "name a folder that `agentbus verify --save` wrote"
    if not folder.is_dir():
        raise CommandError(ExitCode.NOT_FOUND, f"there is no folder {folder}", step)
    if not (folder / MANIFEST).is_file():
        raise CommandError(ExitCode.NOT_FOUND, f"there is no export in {folder}", step)
    evidence = load(folder)
    for flaw in evidence.flaws or ():
        caller.say(f"not as it was exported: {flaw.sentence} (`agentbus verify {folder}` says what that breaks)")
    return ExportSource(evidence)
