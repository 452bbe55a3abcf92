"""`agentbus dev`: a real Kafka and the whole bus on this machine, until Ctrl-C."""

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bus.cli.caller import Caller, with_caller
from bus.cli.dev_bus import DOMAIN, KAFKA_PORT, DevBus
from bus.cli.run import stop_on_signals

if TYPE_CHECKING:
    from bus.cli.dev_screen import StartScreen
    from bus.dev.broker import LocalBroker
    from bus.shell.settings import Settings

LOOK_S = 0.2  # how soon a stop, or the end of Kafka, is seen

INSTANCE = "dev"

EXAMPLE = (
    "agentbus dev",
    "agentbus dev --data ~/agentbus",
    "agentbus dev --secure --port 19092",
)


Secure = Annotated[
    bool,
    typer.Option(
        "--secure",
        help="As in production: clients log in, and the broker lets each do only what it must (`agentbus acls`).",
    ),
]
HttpPort = Annotated[
    int | None,
    typer.Option(
        envvar="AGENTBUS_HTTP_PORT",
        metavar="PORT",
        min=0,
        max=65535,
        show_default="any free one",
        help="Where /metrics, /healthz and /readyz are.",
    ),
]


@with_caller
def dev(
    caller: Caller,
    *,
    empty: Annotated[bool, typer.Option("--empty", help="Without the sample lanes, agents and contracts.")] = False,
    no_stages: Annotated[
        bool, typer.Option("--no-stages", help="Only Kafka and the topics; start the stages with `agentbus run`.")
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", show_default=False, help="Keep everything here; else it ends with Ctrl-C."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            metavar="PORT", min=1, max=65535, show_default="9092 if it is free, else any", help="The port of Kafka."
        ),
    ] = None,
    http_port: HttpPort = None,
    secure: Secure = False,
    domain: Annotated[
        str | None, typer.Option(metavar="NAME", show_default=DOMAIN, help="The trust domain of all ids.")
    ] = None,
) -> None:
    """Run a real Kafka and the bus here, until Ctrl-C. Needs neither Java nor Docker nor Kafka installed."""
    from bus.cli.dev_screen import StartScreen, show_welcome
    from bus.shell import logs

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C, also while things are still starting
    bus = None
    try:
        with StartScreen(caller) as screen:
            settings, broker = _kafka(caller, screen, data=data, port=port, http_port=http_port, is_secure=secure)
            logs.set_up(settings.log_level, settings.log_format)
            bus = DevBus(settings, broker, is_temporary=data is None, say=screen.note)
            _set_up(bus, screen, domain=domain, has_stages=not no_stages, has_sample=not empty)
        stop = stop_on_signals()
        if caller.is_json:
            caller.show_json(bus.to_json())
        else:
            show_welcome(caller, bus)
        while not stop.wait(LOOK_S):
            bus.check()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # what is being stopped is stopped to the end
        if bus is not None:
            bus.stop()
        if sys.exc_info()[0] in (None, KeyboardInterrupt):  # an error has a sentence of its own
            caller.say("Stopped; nothing is left running.")


def _kafka(
    caller: Caller,
    screen: "StartScreen",
    *,
    data: Path | None,
    port: int | None,
    http_port: int | None,
    is_secure: bool,
) -> tuple["Settings", "LocalBroker | None"]:
    """A Kafka of our own, or the one that was named."""
    quiet = {} if os.environ.get("AGENTBUS_LOG_LEVEL") else {"log_level": "warning"}
    if caller.bootstrap:
        if data is not None or port is not None or is_secure:
            text = "a Kafka is named that is there (--bootstrap or AGENTBUS_BOOTSTRAP)"
            raise typer.BadParameter(f"{text}: unset it, or leave --data, --port and --secure out")
        screen.step(f"using the Kafka at {caller.bootstrap}")
        return caller.settings(http_port=http_port, **quiet), None
    from bus.dev.broker import start_broker
    from bus.dev.client_files import ADMIN, client_file

    if is_secure and (caller.kafka_config or caller.kafka):
        raise typer.BadParameter("--secure makes logins of its own: leave --kafka-config and -X out")
    broker = start_broker(data, port, screen.on_progress, preferred_port=KAFKA_PORT, is_secure=is_secure)
    for said in [*broker.left_over, *broker.notes, *_why_port(broker, port)]:
        screen.note(said)
    # A name that outlives the process gives a run that comes after a kill its work back at once.
    named = {} if os.environ.get("AGENTBUS_INSTANCE") else {"instance": INSTANCE}
    login = {"kafka_config": client_file(broker.data, ADMIN)} if broker.is_secure else {}
    # Any: whatever a field of Settings takes
    given: dict[str, Any] = {
        "bootstrap": broker.bootstrap,
        "http_port": http_port,
        "replication": 1,
        **quiet,
        **named,
        **login,
    }
    return caller.settings(**given), broker


def _why_port(broker: "LocalBroker", wanted: int | None) -> list[str]:
    """Why Kafka is not where every example has it."""
    from bus.dev.ports import is_free

    if wanted is not None or broker.port == KAFKA_PORT:
        return []
    why = "as in the last run on this data" if is_free(KAFKA_PORT) else f"{KAFKA_PORT} is taken"
    return [f"Kafka is on port {broker.port}: {why}"]


def _set_up(bus: "DevBus", screen: "StartScreen", *, domain: str | None, has_stages: bool, has_sample: bool) -> None:
    screen.step("topics and genesis")
    bus.patiently(lambda: bus.make(domain))
    if bus.is_secure:
        screen.step("logins and ACLs")
        for said in bus.patiently(lambda: bus.secure(has_sample=has_sample)):
            screen.note(said)
    if has_stages:
        screen.step("gate, arbiter and publisher")
        bus.start_stages()
    if has_stages and has_sample:
        screen.step("sample lanes, agents, contracts and terms")
        bus.fill()
