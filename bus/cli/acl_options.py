"""Who is who when ACLs are spoken of: what is in force on the bus, and the options that say more."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bus.cli.caller import Caller
from bus.cli.failures import CommandError, ExitCode
from bus.cli.in_force import registry_of

if TYPE_CHECKING:
    from bus.shell.acls import Holders, Reader

Stages = Annotated[
    str | None,
    typer.Option(
        envvar="AGENTBUS_STAGES_PRINCIPAL",
        metavar="P",
        show_default="User:agentbus",
        help="The principal of gate, arbiter and publisher.",
    ),
]
Gate = Annotated[str, typer.Option(metavar="P", show_default="--stages", help="The gate's own principal.")]
Arbiter = Annotated[str, typer.Option(metavar="P", show_default="--stages", help="The arbiter's own principal.")]
Publisher = Annotated[str, typer.Option(metavar="P", show_default="--stages", help="The publisher's own principal.")]
Auditor = Annotated[
    str | None,
    typer.Option(
        envvar="AGENTBUS_AUDITOR_PRINCIPAL",
        metavar="P",
        show_default="User:auditor",
        help="The principal that reads everything, for `verify` and `explain`.",
    ),
]
Reads = Annotated[
    list[str],
    typer.Option(
        metavar="WHO=TOPIC,…",
        show_default=False,
        help="A lane or principal that its owner lets read governed topics (or bus.escalations). May be repeated.",
    ),
]
Lanes = Annotated[
    list[str],
    typer.Option(
        "--lane", metavar="NAME[=P]", show_default=False, help="A lane that is not in force yet. May be repeated."
    ),
]
Governed = Annotated[
    list[str],
    typer.Option(
        metavar="TOPIC", show_default=False, help="A topic that no contract in force names yet. May be repeated."
    ),
]


_OPTIONS: Mapping[str, tuple[Any, object]] = {  # Any: annotations
    "reads": (Reads, []),
    "lane": (Lanes, []),
    "governed": (Governed, []),
    "stages": (Stages, None),
    "gate": (Gate, ""),
    "arbiter": (Arbiter, ""),
    "publisher": (Publisher, ""),
    "auditor": (Auditor, None),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Named:
    """What the options say; `holders` adds what is in force."""

    reads: Sequence[str]
    lane: Sequence[str]
    governed: Sequence[str]
    stages: str | None
    gate: str
    arbiter: str
    publisher: str
    auditor: str | None

    def holders(self, caller: Caller) -> "Holders":
        """Who is who on the bus of this call; raises `BusError`."""
        from bus.shell.acls import holders_of, shared

        settings = caller.unchecked_settings(stages_principal=self.stages, auditor_principal=self.auditor)
        found = holders_of(registry_of(caller), stages=settings.stages_principal, auditor=settings.auditor_principal)
        whole = dataclasses.replace(
            found,
            lanes={**found.lanes, **dict(_lane(text) for text in self.lane)},
            governed=tuple(sorted({*found.governed, *self.governed})),
            gate=self.gate or found.gate,
            arbiter=self.arbiter or found.arbiter,
            publisher=self.publisher or found.publisher,
        )
        for lane, principal in shared(whole):
            text = f"lane {lane} has the principal {principal}, which is a stage's or the auditor's"
            step = f"give it one of its own: agentbus lanes set {lane} --principal User:…"
            raise CommandError(ExitCode.FINDINGS, text, step)
        return dataclasses.replace(whole, readers=tuple(_reader(text, whole) for text in self.reads))


def with_named(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say who is who; it gets them as its second argument, a `Named`."""
    first, _, *own = inspect.signature(command).parameters.values()

    def call(caller: Caller, **given: Any) -> None:  # Any: each option has a type of its own
        command(caller, Named(**{name: given.pop(name) for name in _OPTIONS}), **given)

    kind = inspect.Parameter.KEYWORD_ONLY
    shared = [
        inspect.Parameter(name, kind, default=default, annotation=annotation)
        for name, (annotation, default) in _OPTIONS.items()
    ]
    call.__name__, call.__doc__, call.__module__ = command.__name__, command.__doc__, command.__module__
    parameters = [first, *(parameter.replace(kind=kind) for parameter in own), *shared]
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # functions do take one
    return call


def _lane(text: str) -> tuple[str, str]:
    from bus.core.log.topics import LANE_NAME

    name, _, principal = text.partition("=")
    if not LANE_NAME.fullmatch(name):
        raise CommandError(ExitCode.USAGE, f"{name!r} is no name for a lane", "write --lane sales or sales=User:team")
    return name, principal or f"User:{name}"


def _reader(text: str, holders: "Holders") -> "Reader":
    from bus.shell.acls import OPEN_TOPICS, Reader

    who, _, names = text.partition("=")
    topics = tuple(name for name in names.split(",") if name)
    principal = holders.lanes.get(who, who)
    if not topics or ":" not in principal:
        step = "write --reads LANE=TOPIC,… or --reads User:NAME=TOPIC,…, with a lane that is in force"
        raise CommandError(ExitCode.USAGE, f"--reads {text} names no lane or no topic", step)
    for topic in topics:
        if topic not in {*holders.governed, *OPEN_TOPICS}:
            step = f"governed topics are {', '.join(holders.governed) or 'none yet'}; add others with --governed"
            raise CommandError(ExitCode.USAGE, f"{topic} is not for others to read", step)
    return Reader(principal, topics)
