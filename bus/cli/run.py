"""`agentbus run`: runs stages of the bus in this process, until it is told to stop."""

import os
import re
import signal
import threading
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from bus.cli.caller import Caller, with_caller
from bus.cli.failures import ExitCode

if TYPE_CHECKING:
    from bus.shell.process import BusProcess
    from bus.shell.settings import Settings

STAGES_LOGIN = "agentbus"  # who the stages are on a secured development bus
PARTITION = re.compile(r"gate/[a-z][a-z0-9-]{0,31}|arbiter/[0-9]{1,5}")
LOOK_S = 0.1  # how soon a stop or a failure is seen

EXAMPLES = (
    "agentbus run --bootstrap kafka:9092 --instance bus-1 --http-port 9464",
    "agentbus run --stage gate --stage arbiter --log-format json",
    "agentbus run --accept-gap gate/sales",
)


class Stage(StrEnum):
    """The parts of the bus that can run on their own."""

    GATE = "gate"
    ARBITER = "arbiter"
    PUBLISHER = "publisher"


class LogFormat(StrEnum):
    """How events are written to stderr."""

    TEXT = "text"
    JSON = "json"


AcceptGap = Annotated[
    list[str],
    typer.Option(
        "--accept-gap",
        metavar="STAGE/PARTITION",
        show_default=False,
        help="Records lost before they were judged stop a partition: go on behind them, once, and say so in its "
        "journal. gate/LANE or arbiter/NUMBER. May be repeated.",
    ),
]


@with_caller
def run(
    caller: Caller,
    *,
    stage: Annotated[
        list[Stage],
        typer.Option(metavar="STAGE", show_default="all", help="gate, arbiter or publisher. May be repeated."),
    ] = [],  # noqa: B006 Typer copies it
    instance: Annotated[
        str | None,
        typer.Option(
            envvar="AGENTBUS_INSTANCE",
            metavar="NAME",
            show_default=False,
            help="A name of its own that this process keeps over restarts: it then gets its work back at once.",
        ),
    ] = None,
    http_port: Annotated[
        int | None,
        typer.Option(
            envvar="AGENTBUS_HTTP_PORT",
            metavar="PORT",
            min=0,
            max=65535,
            show_default="any free one",
            help="Where /metrics, /healthz and /readyz are.",
        ),
    ] = None,
    log_format: Annotated[
        LogFormat | None,
        typer.Option(
            envvar="AGENTBUS_LOG_FORMAT", metavar="FORM", show_default="text", help="The log as text or json."
        ),
    ] = None,
    accept_gap: AcceptGap = [],  # noqa: B006 Typer copies it
    single_node: Annotated[
        bool, typer.Option("--single-node", help="Accept topics with fewer than three copies: for development only.")
    ] = False,
    child_of: Annotated[str, typer.Option("--child-of", hidden=True)] = "",
) -> None:
    """Run stages of the bus until Ctrl-C. Any number of processes may run the same ones: they share the work."""
    from bus.shell import logs
    from bus.shell.process import stop_with_starter

    accepted = _accepted(accept_gap)
    given = {"instance": instance, "http_port": http_port, "log_format": log_format and log_format.value}
    # The publisher's own process lives with its supervisor and says in the log what it lacks.
    known = caller.unchecked_settings if child_of else caller.settings
    settings = known(login=STAGES_LOGIN, **given)
    logs.set_up(settings.log_level, settings.log_format)
    stop = stop_on_signals()
    if child_of:
        stop_with_starter(stop)
    if child_of == "supervisor":
        _be_child(settings, stop)
        return
    if not single_node and caller.running() is None:
        _refuse_unsafe(settings)
    stages = tuple(dict.fromkeys(one.value for one in stage)) or tuple(one.value for one in Stage)
    _work(caller, settings, stages, accepted, stop)


def _accepted(named: list[str]) -> frozenset[str]:
    """The partitions whose losses are accepted; raises `UsageError`."""
    from bus.shell.errors import UsageError

    for name in named:
        if not PARTITION.fullmatch(name):
            step = "write gate/LANE or arbiter/NUMBER, as the log names it where it stops"
            raise UsageError(f"--accept-gap {name} names no partition", step)
    return frozenset(named)


def _work(
    caller: Caller, settings: "Settings", stages: tuple[str, ...], accepted: frozenset[str], stop: threading.Event
) -> None:
    from bus.shell.collecting import collect_seldom
    from bus.shell.process import BusProcess

    process = BusProcess(settings, stages, accepted)
    try:
        process.start()
        if wait_until_ready(process, stop):
            collect_seldom()
            _tell(caller, settings, process, stages)
        watch(process, stop)
    finally:
        process.stop()
    caller.say("Stopped.")


def stop_on_signals() -> threading.Event:
    """An event that Ctrl-C and SIGTERM set; the second one changes nothing, so that a clean stop is never cut short."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def wait_until_ready(process: "BusProcess", stop: threading.Event) -> bool:
    """Wait until every stage works; False if it was stopped before. Raises the stage's own error if one gives up."""
    while not process.wait_ready(LOOK_S):
        if process.failure is not None:
            raise process.failure
        if stop.is_set():
            return False
    return True


def watch(process: "BusProcess", stop: threading.Event) -> None:
    """Return when told to stop; raises the stage's own error if one gives up."""
    while not stop.wait(LOOK_S):
        if process.failure is not None:
            raise process.failure


def http_address(settings: "Settings", process: "BusProcess") -> str:
    """Where the process tells how it is."""
    return f"http://{settings.http_host}:{process.http_port}"


def _tell(caller: Caller, settings: "Settings", process: "BusProcess", stages: tuple[str, ...]) -> None:
    http = http_address(settings, process)
    if caller.is_json:
        caller.show_json({"ready": True, "stages": list(stages), "pid": os.getpid(), "http": http})
        return
    caller.say(f"Ready: {', '.join(stages)} on {settings.bootstrap}. Ctrl-C stops.")
    caller.say(f"Health: {http}/readyz, and /healthz, /metrics. The log follows.")


def _be_child(settings: "Settings", stop: threading.Event) -> None:
    import structlog

    from bus.shell.collecting import collect_seldom
    from bus.shell.errors import BusError, FencedError, NotPermittedError
    from bus.shell.process import run_publisher

    collect_seldom()
    try:
        run_publisher(settings, stop)
    except BusError as error:
        step = {"next": error.next_step} if error.next_step else {}
        is_refused = isinstance(error, NotPermittedError | FencedError)
        say = structlog.get_logger("bus.publisher")
        (say.error if is_refused else say.info)("publisher_restarts", why=error.message, **step)
        raise typer.Exit(ExitCode.NOT_PERMITTED if is_refused else ExitCode.INTERNAL) from error


def _refuse_unsafe(settings: "Settings") -> None:
    from bus.shell import kafka
    from bus.shell.control_log import ControlLog
    from bus.shell.durability import check_durable

    config = settings.client_config()
    control_log = ControlLog(config, {})
    try:
        control_log.open()
        check_durable(kafka.admin(config), control_log.registry)
    finally:
        control_log.close()
