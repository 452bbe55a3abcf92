"""The development bus as a whole: Kafka, genesis and stages, started in order and stopped in the opposite one."""

import contextlib
import dataclasses
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bus.cli.failures import CommandError, ExitCode
from bus.cli.init import checked_genesis
from bus.cli.running import remove_state, write_state
from bus.core.log.topics import OPERATORS_LANE

if TYPE_CHECKING:
    from bus.core.policy.control import Genesis
    from bus.dev.broker import LocalBroker
    from bus.dev.cluster import LocalCluster
    from bus.dev.sample import Sample
    from bus.shell.acls import Holders
    from bus.shell.process import BusProcess
    from bus.shell.settings import Settings

PARTITIONS = 4
KAFKA_PORT = 9092  # where every example of a Kafka client looks
DOMAIN = "acme"
OPERATOR = "ana"
STAGES = ("gate", "arbiter", "publisher")
# The users of a secured bus besides one for each lane; the names are those of the table's usual principals.
STAGES_USER, AUDITOR_USER = "agentbus", "auditor"
# Warm, each step takes two seconds; on a very busy machine one answer may take fifteen, and some come too late.
PATIENCE_S = 120.0
TELL_EVERY_S = 15.0  # how often somebody who waits hears that it goes on
AGAIN_S = 1.0  # what came too late the first time is in the log by then
LOOK_S = 0.05
T = TypeVar("T")


class DevBus:
    """What has been started so far. Named steps: ``make``, ``secure``, ``start_stages``, ``fill``, ``check``, ``stop``.

    On a secured Kafka ``settings`` are the administrator's; the stages log in as themselves.
    """

    def __init__(
        self,
        settings: "Settings",
        broker: "LocalBroker | LocalCluster | None",
        *,
        is_temporary: bool,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.settings = settings
        self._say = say  # told while something takes long
        self.is_temporary = is_temporary  # does the data end with the run?
        self.broker = broker  # None: a Kafka that was there already
        self.process: BusProcess | None = None
        self.sample: Sample | None = None
        self.genesis: Genesis
        self._copies = 1

    @property
    def operator(self) -> str:
        """The person who may set things up."""
        return self.genesis.stewards[0]

    @property
    def data(self) -> Path | None:
        """The folder with everything, None if Kafka is somebody else's."""
        return None if self.broker is None else self.broker.data

    @property
    def is_secure(self) -> bool:
        """Must everybody log in?"""
        return self.broker is not None and self.broker.is_secure

    @property
    def clients(self) -> dict[str, Path]:
        """The client properties of each user, if one must log in."""
        if self.broker is None or not self.broker.is_secure:
            return {}
        from bus.dev.client_files import user_files

        return {path.stem: path for path in user_files(self.broker.data)}

    @property
    def http(self) -> str:
        """Where the stages tell how they are, "" without stages."""
        return "" if self.process is None else f"http://{self.settings.http_host}:{self.process.http_port}"

    def make(self, domain: str | None) -> None:
        """Create topics and genesis, or go on with those that are there; raises `BusError`."""
        from bus.shell import cluster, kafka

        config = self.settings.client_config()
        before = cluster.read_genesis(config)
        if before is not None and domain is not None and before.domain != domain:
            text = f"this data is of domain {before.domain}, not {domain}"
            raise CommandError(ExitCode.CONFLICT, text, "leave --domain out, or choose another --data")
        name = domain or DOMAIN
        wanted = before or checked_genesis(name, [f"spiffe://{name}/person/{OPERATOR}"], PARTITIONS)
        admin = kafka.admin(config)
        brokers = len(admin.list_topics(timeout=kafka.CALL_TIMEOUT_S).brokers)
        self._copies = min(self.settings.replication, brokers)
        cluster.create_topics(admin, cluster.bus_plan(wanted.partitions), replication=self._copies)
        self.genesis = cluster.write_genesis(config, wanted)
        if self.data is not None:
            write_state(self.data, operator=self.operator)

    def secure(self, *, has_sample: bool) -> list[str]:
        """Give each principal of the bus a login and the table's grants; whom it left out, a sentence each.

        Raises `BusError`.
        """
        from bus.dev.users import make_users
        from bus.shell.acl_admin import apply_acls, check_acls

        assert self.broker is not None, "somebody else's Kafka is secured by its owner"
        config = self.settings.client_config()
        holders = _holders(config, has_sample=has_sample)
        lanes = {lane: principal for lane, principal in holders.lanes.items() if can_log_in(principal)}
        users = list(dict.fromkeys([STAGES_USER, AUDITOR_USER, *map(user_of, lanes.values())]))
        make_users(self.broker.data, self.broker.bootstrap, users)
        readers = tuple(reader for reader in holders.readers if reader.principal in lanes.values())
        served = dataclasses.replace(holders, lanes=lanes, readers=readers)
        apply_acls(config, check_acls(config, served).missing, ())
        return [
            f"lane {lane} gets no login: its principal {principal} can be no user of its own here"
            for lane, principal in holders.lanes.items()
            if lane not in lanes
        ]

    def start_stages(self) -> None:
        """Start gate, arbiter and publisher, and wait until they work; raises `BusError`."""
        from bus.shell.process import BusProcess

        self.process = BusProcess(self._settings_of(STAGES_USER), STAGES)
        self.patiently(self.process.start)
        self._await_ready(self.process, lanes=0, control=0)

    def fill(self) -> None:
        """Set up the sample as a steward would, and wait until it is in force everywhere; raises `BusError`."""
        from bus.dev.sample import load_sample

        config, operators = self.settings.client_config(), self._settings_of(OPERATORS_LANE).client_config()
        self.sample = self.patiently(
            lambda: load_sample(config, self.operator, replication=self._copies, steward_config=operators)
        )
        if self.process is not None:
            self._await_ready(self.process, lanes=self.sample.lanes_in_all, control=self.sample.control)

    def patiently(self, step: Callable[[], T]) -> T:
        """Do a step that may be done again until it succeeds, while Kafka and the stages live; raises `BusError`.

        One answer that a busy machine did not give in time must not take the whole bus down.
        """
        began_s = time.monotonic()
        while True:
            try:
                return step()
            except Exception as error:
                self.check()
                if not _may_pass(error) or time.monotonic() - began_s > PATIENCE_S:
                    raise
                self._say(f"still at it after {time.monotonic() - began_s:.0f} s; this machine is slow to answer")
                time.sleep(AGAIN_S)

    def check(self) -> None:
        """Raise `BusError` if something that must run has ended."""
        if self.broker is not None and not self.broker.is_alive():
            pids = self.broker.pids
            one = f"the Kafka broker (pid {self.broker.pid})"
            text = f"{one if len(pids) == 1 else 'more than one of the three Kafka brokers'} ended by itself"
            step = "start `agentbus dev` again" + ("" if self.is_temporary else f" with --data {self.data}")
            raise CommandError(ExitCode.UNREACHABLE, text, step)
        if self.process is not None and self.process.failure is not None:
            raise self.process.failure

    def stop(self) -> None:
        """Stop the stages, then Kafka, and give the folder back."""
        if self.process is not None:
            self.process.stop()
        if self.broker is not None:
            with contextlib.suppress(OSError):  # a full disk must not keep anybody from stopping
                remove_state(self.broker.data)
            self.broker.stop()

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """What a program needs to know to use it."""
        publisher = self.process.supervisor.pid if self.process is not None and self.process.supervisor else 0
        pids = {"dev": os.getpid(), **(self.broker.pids if self.broker else {}), "publisher": publisher}
        return {
            "bootstrap": self.settings.bootstrap,
            "operator": self.operator,
            "domain": self.genesis.domain,
            "gen": self.genesis.gen,
            "partitions": self.genesis.partitions,
            "http": self.http or None,
            "data": str(self.data) if self.data else None,
            "pids": {name: pid for name, pid in pids.items() if pid},
            "log": str(self.broker.log_file) if self.broker else None,
            "lanes": list(self.sample.lanes) if self.sample else [],
            "agents": list(self.sample.agents) if self.sample else [],
            "clients": {user: str(path) for user, path in self.clients.items()},
        }

    def _settings_of(self, user: str) -> "Settings":
        """The settings of a process that is this user, if there are users."""
        return (
            self.settings.model_copy(update={"kafka_config": self.clients[user]}) if self.is_secure else self.settings
        )

    def _await_ready(self, process: "BusProcess", *, lanes: int, control: int) -> None:
        began_s = told_s = time.monotonic()
        while not _is_in_force(process, lanes=lanes, control=control):
            self.check()
            now_s = time.monotonic()
            if now_s - began_s > PATIENCE_S:
                text = f"the stages were not ready within {PATIENCE_S:.0f} s"
                raise CommandError(ExitCode.UNREACHABLE, text, "try again when the machine is less busy")
            if now_s - told_s > TELL_EVERY_S:
                told_s = now_s
                waiting = f"still waiting for {_unready(process, control=control)}"
                self._say(f"the stages are not ready after {now_s - began_s:.0f} s; {waiting}")
            time.sleep(LOOK_S)


def _may_pass(error: Exception) -> bool:
    """Is it the trouble of a busy machine: no answer yet, or one that our own late message made wrong?"""
    from confluent_kafka import KafkaException

    from bus.shell.errors import NotPermittedError, RetryableError
    from bus.shell.steward import RefusedError

    if isinstance(error, RefusedError):
        return error.is_outrun
    return isinstance(error, (RetryableError, KafkaException)) and not isinstance(error, NotPermittedError)


def user_of(principal: str) -> str:
    """The user that a principal is on a development bus: `User:sales` is `sales`."""
    return principal.partition(":")[2] or principal


def can_log_in(principal: str) -> bool:
    """Can it be a user of its own on a development bus: of type User, with a plain name that is nobody else's?"""
    from bus.dev.client_files import ADMIN, USER_NAME

    kind, _, name = principal.partition(":")
    is_taken = name in (ADMIN, STAGES_USER, AUDITOR_USER)
    return kind == "User" and not is_taken and USER_NAME.fullmatch(name) is not None


def _is_in_force(process: "BusProcess", *, lanes: int, control: int) -> bool:
    """Do all stages run, stand at that control number, and have all these lanes? The publisher has a process."""
    stages = [stage for stage in process.readiness if stage.stage != "publisher"]
    has_publisher = process.supervisor is None or process.supervisor.pid > 0
    gates = sum(sum(stage.phases.values()) for stage in stages if stage.stage == "gate")
    return has_publisher and gates >= lanes and all(stage.is_ready and stage.control >= control for stage in stages)


def _unready(process: "BusProcess", *, control: int) -> str:
    """Whose work is missing, in words; lanes come with the gate."""
    late = [
        one.stage
        for one in process.readiness
        if not one.is_ready or (one.stage != "publisher" and one.control < control)
    ]
    return " and ".join(f"the {name}" for name in dict.fromkeys(late)) or "the gate's lanes"


def _holders(config: dict[str, str], *, has_sample: bool) -> "Holders":
    """Who is who, with what the sample will bring; every lane may read what is governed."""
    from bus.dev.sample import AGENTS, governed_topics
    from bus.shell.acls import Reader, holders_of
    from bus.shell.catalogue import built_in_contracts, read_catalogue
    from bus.shell.control_log import ControlLog

    control_log = ControlLog(config, built_in_contracts())
    try:
        control_log.open()
        holders = holders_of(control_log.registry)
    finally:
        control_log.close()
    lanes = {**({lane: f"User:{lane}" for lane in AGENTS} if has_sample else {}), **holders.lanes}
    named = governed_topics(read_catalogue()) if has_sample else ()
    governed = tuple(sorted({*holders.governed, *named}))
    readers = tuple(Reader(principal, governed) for principal in lanes.values() if governed)
    return dataclasses.replace(holders, lanes=lanes, governed=governed, readers=readers)
