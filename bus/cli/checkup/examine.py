"""Makes all checks of the doctor in order: this machine, Kafka, topics, access, clocks, stages, journals."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from confluent_kafka.admin import AdminClient

from bus import ENGINE
from bus.cli.checkup import access, clocks, cluster, control, journals, machine, progress, snapshots, stages, topics
from bus.cli.checkup.lines import Checkup, Line, ok, unseen, wrong
from bus.core.log.topics import ARBITER, JOURNAL, SNAPSHOTS
from bus.core.policy.control import Registry
from bus.shell import kafka
from bus.shell.acls import ARBITER_GROUP, GATE_GROUP, PUBLISHER_GROUP, Holders, governed_topics, holders_of
from bus.shell.catalogue import built_in_contracts
from bus.shell.control_log import ControlLog
from bus.shell.errors import BusError, NotInitialisedError
from bus.shell.reach import check_reachable, version_at

if TYPE_CHECKING:
    from bus.shell.settings import Settings

AGAIN_S = 1.5  # after so long whoever is behind and at work has moved: a stage looks every 50 ms
MACHINE, KAFKA, TOPICS, ACCESS, CLOCKS, STAGES, JOURNALS = (
    "this machine",
    "Kafka",
    "topics",
    "access",
    "clocks",
    "stages",
    "journals",
)


@dataclass(slots=True)
class Patient:
    """What is examined: the settings that name it, and what has been learnt of it so far."""

    settings: "Settings"
    is_development: bool
    copies: int
    deep: bool
    on_progress: Callable[[str], None]
    config: kafka.ClientConfig = field(default_factory=dict)
    registry: Registry | None = None
    has_authorizer: bool | None = None  # None: not told
    counts: dict[str, int] = field(default_factory=dict)
    seen: list[journals.JournalSeen] = field(default_factory=list)


def examine_machine(checkup: Checkup, *, is_development: bool) -> None:
    """What can be said without any Kafka; what only `agentbus dev` needs is left out elsewhere."""
    checkup.look(MACHINE, "python", machine.this_python)
    checkup.look(MACHINE, "settings", machine.environment_here)
    if not is_development:
        return
    checkup.look(MACHINE, "dev", machine.developing)
    checkup.look(MACHINE, "disk", lambda: machine.disks(machine.folders_here()))


def examine_bus(checkup: Checkup, patient: Patient) -> None:
    """What can be said of the Kafka and the bus on it, as far as one gets."""
    settings = patient.settings
    later = (TOPICS, ACCESS, CLOCKS, STAGES, JOURNALS)
    checkup.look(MACHINE, "http port", lambda: machine.http_port(settings.http_host, settings.http_port))
    patient.on_progress("asking Kafka")
    try:
        patient.config = settings.client_config()
        check_reachable(patient.config)
        client = kafka.admin(patient.config)
        patient.counts = kafka.partition_counts(client, settings.bootstrap)
    except BusError as error:
        lines = [wrong("reachable", error.message, error.next_step or "check --bootstrap")]
        lines.append(unseen("the rest", "topics, access, clocks, stages and journals need Kafka", skipped=later))
        checkup.look(KAFKA, "reachable", lambda: lines)
        return
    _examine_kafka(checkup, patient, client)
    checkup.look(KAFKA, "genesis", lambda: _open_control(patient))
    if patient.registry is None:
        rest = unseen("the rest", "it takes what stands in bus.control", skipped=later)
        checkup.look(KAFKA, "the rest", lambda: [rest])
        return
    _examine_topics(checkup, patient, client, patient.registry)
    _examine_work(checkup, patient, client, patient.registry)


def _examine_kafka(checkup: Checkup, patient: Patient, client: AdminClient) -> None:
    found: list[cluster.Cluster] = []

    def read() -> Iterator[Line]:
        found.append(cluster.read_cluster(client))
        yield from cluster.cluster_lines(found[0])

    checkup.look(KAFKA, "cluster", read)
    if found:
        patient.has_authorizer = cluster.has_authorizer(found[0])
        addresses = [broker.address for broker in found[0].brokers]
        checkup.look(
            KAFKA,
            "version",
            lambda: cluster.version_lines({one: version_at(one, patient.config) for one in addresses}),
        )
        checkup.look(KAFKA, "brokers", lambda: cluster.broker_lines(found[0], copies=patient.copies))


def _open_control(patient: Patient) -> Iterator[Line]:
    log = ControlLog(patient.config, built_in_contracts())
    try:
        log.open()
        patient.registry = log.registry
        genesis = log.genesis
        said = f"a bus of domain {genesis.domain}, {genesis.partitions} partitions, control {log.registry.number}"
        yield ok("genesis", said)
    except NotInitialisedError as error:
        yield wrong("genesis", f"there is no bus on this Kafka: {error.message}", "agentbus init --help")
    finally:
        log.close()


def _examine_topics(checkup: Checkup, patient: Patient, client: AdminClient, registry: Registry) -> None:
    patient.on_progress("comparing the topics")
    checkup.look(TOPICS, "topics", lambda: topics.planned_lines(patient.config, registry, copies=patient.copies))
    names = sorted(name for name in patient.counts if name.startswith("bus.") or name in governed_topics(registry))
    checkup.look(TOPICS, "leaders", lambda: topics.alive_lines(*topics.read_alive(client, names)))
    checkup.look(
        ACCESS,
        "acls",
        lambda: access.acl_lines(
            patient.config,
            _holders(patient, registry),
            has_authorizer=patient.has_authorizer,
            is_development=patient.is_development,
        ),
    )
    checkup.look(ACCESS, "queues", lambda: control.queue_lines(registry))
    patient.on_progress("comparing the clocks")
    checkup.look(
        CLOCKS,
        "clock",
        lambda: clocks.clock_lines(clocks.read_clocks(patient.config, client), registry.genesis.skew_ms),
    )
    checkup.look(
        CLOCKS,
        "replication lag",
        lambda: clocks.lag_lines(clocks.copies_of(client, ARBITER), registry.genesis.skew_ms),
    )


def _holders(patient: Patient, registry: Registry) -> Holders:
    settings = patient.settings
    return holders_of(registry, stages=settings.stages_principal, auditor=settings.auditor_principal)


def _examine_work(checkup: Checkup, patient: Patient, client: AdminClient, registry: Registry) -> None:
    parts = progress.parts_of(registry, patient.counts)
    wanted = (
        stages.Stage("gate", GATE_GROUP, parts.inputs),
        stages.Stage("arbiter", ARBITER_GROUP, parts.arbiters),
        stages.Stage("publisher", PUBLISHER_GROUP, tuple((JOURNAL, slot) for slot in range(parts.slots))),
    )
    for stage in wanted:
        checkup.look(STAGES, stage.name, partial(_stage_lines, client, stage))
    patient.on_progress("reading the journals" if patient.deep else "reading the ends of the journals")
    checkup.look(STAGES, "progress", lambda: _progress_lines(patient, parts))
    checkup.look(STAGES, "control", lambda: _control_lines(patient, parts, registry.number))
    checkup.look(JOURNALS, "inputs", lambda: _input_lines(patient, parts))
    _examine_journals(checkup, patient)


def _stage_lines(client: AdminClient, stage: stages.Stage) -> Iterator[Line]:
    return stages.stage_lines(stage, stages.read_groups(client, [stage.group])[stage.group])


def _progress_lines(patient: Patient, parts: progress.Parts) -> Iterator[Line]:
    first = _read_once(patient, parts, deep=patient.deep)
    again = first
    if any(one.behind for one in first):
        patient.on_progress("looking again at what is behind")
        time.sleep(AGAIN_S)
        again = _read_once(patient, parts, deep=False)
    yield from stages.lag_lines(first, again)


def _read_once(patient: Patient, parts: progress.Parts, *, deep: bool) -> list[stages.Lag]:
    """Journals first, then the marks: what is sent meanwhile is no lag."""
    seen = _read_journals(patient, parts, deep=deep)
    patient.seen = patient.seen if patient.deep and patient.seen else seen
    return progress.read_lags(patient.config, parts, seen)


def _read_journals(patient: Patient, parts: progress.Parts, *, deep: bool) -> list[journals.JournalSeen]:
    """Marks first: what they say was sent is in the journals, or was cut."""
    places = [*parts.gate_journals, *parts.journals]
    marks = progress.sent_marks(patient.config, parts)
    return journals.read_journals(patient.config, places, marks=marks, deep=deep, progress=patient.on_progress)


def _control_lines(patient: Patient, parts: progress.Parts, number: int) -> Iterator[Line]:
    """``number`` was read before the journals were; where they differ both are read once more, a moment later."""
    first = control.numbers_of(patient.seen, before=number, after=number)
    if first.are_even:
        yield from control.control_lines(first, first)
        return
    patient.on_progress("looking again at what is in force")
    time.sleep(AGAIN_S)
    before = _number_now(patient)
    seen = _read_journals(patient, parts, deep=False)
    again = control.numbers_of(seen, before=before, after=_number_now(patient))
    yield from control.control_lines(first, again)


def _input_lines(patient: Patient, parts: progress.Parts) -> Iterator[Line]:
    return journals.input_lines(progress.read_inputs(patient.config, parts, patient.seen))


def _number_now(patient: Patient) -> int:
    log = ControlLog(patient.config, built_in_contracts())
    try:
        log.open()
        return log.registry.number
    finally:
        log.close()


def _examine_journals(checkup: Checkup, patient: Patient) -> None:
    seen, now_ms = patient.seen, int(time.time() * 1000)
    if not seen:
        return
    found: list[snapshots.Kept] = []

    def read() -> Iterator[Line]:
        found.append(snapshots.read_kept(patient.config, seen))
        yield from snapshots.snapshot_lines(found[0])

    if SNAPSHOTS in patient.counts:
        checkup.look(JOURNALS, "snapshots", read)
    leads_to = found[0].leads_to if found else None
    checkup.look(JOURNALS, "chain", lambda: journals.chain_lines(seen, leads_to))
    checkup.look(JOURNALS, "gaps", lambda: journals.gap_lines(seen))
    checkup.look(JOURNALS, "void", lambda: journals.void_lines(seen))
    checkup.look(JOURNALS, "engine", lambda: journals.engine_lines(seen, ENGINE))
    checkup.look(JOURNALS, "take-overs", lambda: journals.churn_lines(seen, now_ms))
    checkup.look(JOURNALS, "stalled lanes", lambda: journals.stall_lines(seen, now_ms))
