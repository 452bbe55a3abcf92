"""`agentbus dev`: a real Kafka and the whole bus on this machine, until Ctrl-C."""

import dataclasses
import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bus.cli.caller import Caller, with_caller
from bus.cli.dev_bus import DOMAIN, KAFKA_PORT, DevBus
from bus.cli.failures import CommandError, ExitCode
from bus.cli.run import stop_on_signals

if TYPE_CHECKING:
    from bus.cli.dev_screen import StartScreen
    from bus.dev.broker import LocalBroker
    from bus.dev.cluster import LocalCluster
    from bus.shell.settings import Settings

LOOK_S = 0.2  # how soon a stop, or the end of Kafka, is seen

INSTANCE = "dev"
# They lead programs and commands to a Kafka that may be a team's: no reason to start stages and set samples there.
ELSEWHERE = ("AGENTBUS_BOOTSTRAP", "AGENTBUS_KAFKA_CONFIG", "AGENTBUS_KAFKA")

EXAMPLE = (
    "agentbus dev --data ~/agentbus --port 19092",
    "agentbus dev --secure",
    "agentbus dev --brokers 3",
)


Secure = Annotated[
    bool,
    typer.Option(
        "--secure",
        help="As in production: clients log in, and the broker lets each do only what it must (`agentbus acls`).",
    ),
]
Brokers = Annotated[
    int,
    typer.Option(
        metavar="1|3",
        help="How many Kafka brokers: of three, which keep every record three times, any one may be lost.",
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
# Without the variable of the other commands: only who names a Kafka here gets stages and samples on it.
GivenKafka = Annotated[
    str,
    typer.Option(
        metavar="HOST:PORT",
        show_default=False,
        help="Run the bus on this Kafka, which is there and has none. Unset: a Kafka of its own, whatever "
        "AGENTBUS_BOOTSTRAP says.",
    ),
]


@partial(with_caller, bootstrap=GivenKafka)
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
    brokers: Brokers = 1,
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
            wanted = _Wanted(data, port, http_port, brokers, is_secure=secure)
            settings, broker = _kafka(caller, screen, wanted)
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


@dataclasses.dataclass(frozen=True, slots=True)
class _Wanted:
    """What the options ask of Kafka."""

    data: Path | None
    port: int | None
    http_port: int | None
    brokers: int
    _: dataclasses.KW_ONLY
    is_secure: bool


def _kafka(
    caller: Caller, screen: "StartScreen", wanted: _Wanted
) -> tuple["Settings", "LocalBroker | LocalCluster | None"]:
    """A Kafka of our own, or the one that was named."""
    quiet = {} if os.environ.get("AGENTBUS_LOG_LEVEL") else {"log_level": "warning"}
    if caller.bootstrap:
        if wanted.data is not None or wanted.port is not None or wanted.is_secure or wanted.brokers > 1:
            text = "--bootstrap names a Kafka that is there"
            step = "leave it out, or leave --data, --port, --brokers and --secure out"
            raise typer.BadParameter(f"{text}: {step}")
        screen.step(f"using the Kafka at {caller.bootstrap}")
        settings = caller.settings(http_port=wanted.http_port, **quiet)
        _check_alone(caller, settings)
        return settings, None
    from bus.dev.client_files import ADMIN, client_file

    caller = _without_elsewhere(caller, screen)
    if wanted.is_secure and (caller.kafka_config or caller.kafka):
        raise typer.BadParameter("--secure makes logins of its own: leave --kafka-config and -X out")
    broker = _started(screen, wanted)
    for said in [*broker.left_over, *broker.notes, *_why_port(broker, wanted.port)]:
        screen.note(said)
    # A name that outlives the process gives a run that comes after a kill its work back at once.
    named = {} if os.environ.get("AGENTBUS_INSTANCE") else {"instance": INSTANCE}
    login = {"kafka_config": client_file(broker.data, ADMIN)} if broker.is_secure else {}
    # Any: whatever a field of Settings takes
    given: dict[str, Any] = {
        "bootstrap": broker.bootstrap,
        "http_port": wanted.http_port,
        "replication": len(broker.pids),
        **quiet,
        **named,
        **login,
    }
    return caller.settings(**given), broker


def _started(screen: "StartScreen", wanted: _Wanted) -> "LocalBroker | LocalCluster":
    """One broker, or three; data that three have written stays theirs."""
    from bus.dev.cluster import BROKERS, holds_cluster, start_cluster

    if wanted.brokers not in (1, BROKERS):
        raise typer.BadParameter(f"choose 1 or {BROKERS}", param_hint="--brokers")
    is_threes = wanted.data is not None and holds_cluster(wanted.data)
    if wanted.brokers == 1 and not is_threes:
        from bus.dev.broker import start_broker

        return start_broker(
            wanted.data, wanted.port, screen.on_progress, preferred_port=KAFKA_PORT, is_secure=wanted.is_secure
        )
    if wanted.is_secure:
        raise typer.BadParameter(f"--secure works with one broker, not with {BROKERS}")
    if wanted.brokers == 1:
        screen.note(f"{wanted.data} was written by {BROKERS} brokers: so many are started")
    return start_cluster(wanted.data, wanted.port, screen.on_progress, preferred_port=KAFKA_PORT)


def _check_alone(caller: Caller, settings: "Settings") -> None:
    """Raise `CommandError` (conflict) if a bus is at work on that Kafka: two publishers would fence each other."""
    from bus.cli.checkup.stages import read_groups
    from bus.shell import kafka
    from bus.shell.acls import ARBITER_GROUP, GATE_GROUP

    groups = read_groups(kafka.admin(settings.client_config()), [GATE_GROUP, ARBITER_GROUP])
    members = [member for group in groups.values() for member in group.members]
    if members or caller.running() is not None:
        who = f" ({', '.join(dict.fromkeys(members))})" if members else ""
        step = f"use it: export AGENTBUS_BOOTSTRAP={caller.bootstrap}; or end it first, and wait ten seconds if by kill"
        raise CommandError(ExitCode.CONFLICT, f"a bus runs on {caller.bootstrap} already{who}", step)


def _without_elsewhere(caller: Caller, screen: "StartScreen") -> Caller:
    """Leave alone what leads this terminal to another Kafka, and say so; also what the stages would inherit."""
    set_here = [name for name in ELSEWHERE if os.environ.get(name)]
    if not set_here:
        return caller
    if address := os.environ.get(ELSEWHERE[0]):
        screen.note(f"{ELSEWHERE[0]} points to {address}; this is a bus of its own, on a Kafka of its own")
    others = [name for name in set_here if name != ELSEWHERE[0]]
    if others:
        screen.note(f"{' and '.join(others)} {'is' if len(others) == 1 else 'are'} for another Kafka, and not used")
    config = os.environ.get("AGENTBUS_KAFKA_CONFIG", "")
    for name in set_here:
        del os.environ[name]
    is_from_there = caller.kafka_config is not None and caller.kafka_config == Path(config)
    return dataclasses.replace(caller, kafka_config=None) if is_from_there else caller


def _why_port(broker: "LocalBroker | LocalCluster", wanted: int | None) -> list[str]:
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
