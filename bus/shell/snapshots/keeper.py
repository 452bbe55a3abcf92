"""Writes snapshots and has them checked, in a thread of its own, one after the other and without hurry.

A partition hands over a copy between two records; making lines of it, compressing, writing and the replay that checks
it happen here, a millisecond of work at a time, so that the partition does not notice.
"""

import queue
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from bus import ENGINE
from bus.core.log.records import Headers, canonical, digest
from bus.core.log.topics import SNAPSHOTS
from bus.shell import kafka
from bus.shell.errors import BusError, RetryableError
from bus.shell.metrics import Metrics
from bus.shell.snapshots.copies import StateCopy
from bus.shell.snapshots.records import Finding, Packing, Part, Snapshot, Standing, part_headers, snapshot_value
from bus.shell.snapshots.replay import Rest, replayed_hash
from bus.shell.snapshots.shelf import Shelf
from bus.shell.stage import Stage

WAITING_MAX = 64  # copies that wait to be written: one a partition, each as large as the partition's state
LOOK_S = 0.2  # how soon a stop is seen

log = structlog.get_logger("bus.snapshots")


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When a snapshot is due: after so many records, and after so many seconds if any record came."""

    records: int = 50_000
    every_s: float = 86_400.0


DAILY = Rhythm()


@dataclass(frozen=True, slots=True)
class Job:
    """A copy to be written, where it stood, and what makes a stage to check it with."""

    standing: Standing
    copy: StateCopy
    make_stage: Callable[[], Stage]
    journal: str


@dataclass(slots=True)
class Keeper:
    """The thread, and the copies that wait for it."""

    config: kafka.ClientConfig
    metrics: Metrics
    rhythm: Rhythm = DAILY
    rest: Rest = field(default_factory=Rest)
    _jobs: queue.Queue[Job] = field(default_factory=lambda: queue.Queue(WAITING_MAX))
    _busy: set[str] = field(default_factory=set)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name="bus-snapshots", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after what is being done now; a snapshot that is not checked yet is never used."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(kafka.BRIEF_S)

    def is_free(self, key: str) -> bool:
        """May this partition hand over a copy? Not while its last one is being written or checked."""
        return key not in self._busy and not self._jobs.full()

    def keep(self, job: Job) -> None:
        """Take a copy; ask `is_free` before."""
        self._busy.add(job.standing.key)
        self._jobs.put_nowait(job)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                job = self._jobs.get(timeout=LOOK_S)
            except queue.Empty:
                continue
            try:
                self._do(job)
            except _StoppedError:
                return
            except (BusError, KafkaException) as error:
                self.metrics.snapshot(job.journal, "failed")
                log.warning("snapshot_failed", partition=job.standing.key, why=str(error))
            except Exception:
                self.metrics.snapshot(job.journal, "failed")
                log.exception("snapshot_failed", partition=job.standing.key)
            finally:
                self._busy.discard(job.standing.key)

    def _do(self, job: Job) -> None:
        producer = kafka.plain_producer(self.config)
        began_s = time.monotonic()
        snapshot = self._write(producer, job)
        self.metrics.snapshot(job.journal, "written")
        log.info("snapshot_written", **_told(snapshot), seconds=round(time.monotonic() - began_s, 1))
        self._check(producer, job, snapshot)

    def _rest(self) -> None:
        if self._stop.is_set():
            raise _StoppedError
        self.rest()

    # ---- writing --------------------------------------------------------------------------------------

    def _write(self, producer: Producer, job: Job) -> Snapshot:
        identifier = f"{job.standing.key}.{job.standing.seq}.{secrets.token_hex(4)}"
        packing, parts = Packing(), list[Part]()
        for value in packing.pack(job.copy.lines()):
            self._rest()
            if value is not None:
                headers = part_headers(identifier, len(parts))
                parts.append(Part(self._put(producer, job, value, headers), digest(value)))
        closed = Snapshot(identifier, ENGINE, job.standing, packing.state_hash, packing.size, tuple(parts))
        place = self._put(producer, job, snapshot_value(closed), ())
        return replace(closed, place=place)

    def _put(self, producer: Producer, job: Job, value: bytes, headers: Headers) -> int:
        """Write one record and wait until it is there; its offset."""
        landed: list[int] = []
        failed: list[str] = []

        def on_delivery(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                failed.append(error.str())
            else:
                landed.append(message.offset() or 0)

        key = job.standing.key.encode()
        producer.produce(SNAPSHOTS, value, key, partition=0, headers=list(headers), on_delivery=on_delivery)
        producer.flush(kafka.WATCHDOG_S)
        if not landed:
            raise RetryableError(f"a snapshot was not written: {failed[0] if failed else 'Kafka is silent'}")
        return landed[0]

    # ---- checking -------------------------------------------------------------------------------------

    def _check(self, producer: Producer, job: Job, snapshot: Snapshot) -> None:
        """Replay the journal up to it, and say what came out."""
        shelf = Shelf(self.config)
        try:
            while not shelf.look(snapshot.standing.key):
                self._rest()
        finally:
            shelf.close()
        since = shelf.newest(snapshot.standing.key, before=snapshot.standing.offset)
        if since is not None and not fits(since, snapshot.standing):
            since = None
        found = ""
        try:
            found = replayed_hash(self.config, job.make_stage(), since, snapshot, self._rest)
        except (AssertionError, KeyError, TypeError, ValueError) as error:
            log.error("snapshot_replay_failed", **_told(snapshot), why=f"{type(error).__name__}: {error}")
        kind = "verified" if found == snapshot.state_hash else "mismatch"
        from_place = -1 if since is None else since.place
        finding = Finding(kind, snapshot.standing.key, snapshot.id, snapshot.place, from_place, found, ENGINE)
        self._put(producer, job, canonical(finding.to_json()), ())
        self.metrics.snapshot(job.journal, kind)
        if kind == "verified":
            log.info("snapshot_verified", **_told(snapshot))
        else:
            text = "a replay of the journal comes to another state: the snapshot is never used; see docs/runbook.md"
            log.error("snapshot_mismatch", **_told(snapshot), found=found, why=text)


class _StoppedError(Exception):
    """The process ends: whatever is being done is left as it is."""


def fits(snapshot: Snapshot, standing: Standing) -> bool:
    """Is it of the same partition, generation and input?"""
    other = snapshot.standing
    return (other.key, other.gen, other.topic_id) == (standing.key, standing.gen, standing.topic_id)


def _told(snapshot: Snapshot) -> dict[str, object]:
    where = snapshot.standing
    return {"partition": where.key, "offset": where.offset, "position": where.position, "bytes": snapshot.state_bytes}
