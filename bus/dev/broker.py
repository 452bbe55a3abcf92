"""Runs one real Kafka broker on this machine: format, start, wait until it answers, stop.

    nothing --prepare--> formatted --start--> started --wait_ready--> ready --stop--> stopped
                                      ^                                 |
                                      +------- it was killed -----------+

The broker lives in a session of its own: a Ctrl-C in the terminal reaches the bus, not Kafka, and
the bus can finish its work on it first. It does not die with a killed owner; the next start finds
it by `agentbus-dev.json` (rule: nothing is ended that is not surely ours) and says so.
"""

from __future__ import annotations

import atexit
import base64
import dataclasses
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from bus.dev.answers import answers
from bus.dev.errors import MIB, DevError, disk_error
from bus.dev.jars import KafkaFiles, kafka_files
from bus.dev.java import Java, find_java
from bus.dev.left_over import clear_folder, clear_left_over
from bus.dev.lock import read_lock
from bus.dev.places import make_folder, need_room, take_lock
from bus.dev.ports import HOST, free_ports, is_free, need_free, taken_port
from bus.dev.progress import OnProgress, Progress, Step, ignore_progress
from bus.dev.record import (
    LOCK_FILE,
    BrokerRecord,
    forget,
    mark_of,
    read_record,
    remember,
    write_record,
)
from bus.dev.server_files import (
    CONSOLE_FILE,
    KAFKA_FOLDER,
    LOG_FILE,
    broker_command,
    format_command,
    last_complaint,
    write_server_files,
)

# Warm it takes 3 s; a machine that is busy with everything else may need ten times that.
READY_TIMEOUT_S = 90.0
FORMAT_TIMEOUT_S = 60.0
READY_POLL_S = 0.05
# A broker with open transactions and busy partitions takes some seconds to close them.
STOP_TIMEOUT_S = 20.0
# Kafka's own files for a few lanes; what is sent comes on top.
DATA_ROOM_BYTES = 128 * MIB
# A port that was free can be taken in the 2 s until Kafka opens it; three times in a row is no chance.
PORT_TRIES_MAX = 3


def start_broker(
    data: Path | None = None,
    port: int | None = None,
    on_progress: OnProgress = ignore_progress,
) -> LocalBroker:
    """A ready broker. `data` None: a temporary folder, removed at stop; `port` None: a free one.

    Raises DevError; whatever goes wrong, Ctrl-C included, nothing is left running.
    """
    left_over = clear_left_over()
    on_progress(Progress(Step.JAVA))
    java = find_java()
    files = kafka_files(read_lock(), on_progress)
    broker = LocalBroker(java=java, files=files, data=data, port=port, left_over=left_over)
    try:
        broker.prepare(on_progress)
        broker.start_until_ready(on_progress)
    except BaseException:
        broker.stop()
        raise
    return broker


class LocalBroker:
    """One broker and its data folder. Its methods may be called from any thread."""

    def __init__(
        self,
        *,
        java: Java,
        files: KafkaFiles,
        data: Path | None,
        port: int | None,
        left_over: list[str],
    ) -> None:
        self.java = java
        self.left_over = left_over  # what an earlier, killed run had left, a sentence each
        self.notes = [*java.notes, *files.notes]  # what was passed over or repaired
        self._files = files
        self._given_data = data
        self._given_port = port
        self._lock: IO[bytes] | None = None
        self._record: BrokerRecord | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._steps = threading.RLock()
        self.data = Path() if data is None else data
        self.port = 0

    @property
    def bootstrap(self) -> str:
        """What a client takes as `bootstrap.servers`."""
        return f"{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """The broker's process, 0 before the start."""
        return 0 if self._process is None else self._process.pid

    @property
    def log_file(self) -> Path:
        """Where the broker writes its warnings and errors."""
        return self.data / LOG_FILE

    def is_alive(self) -> bool:
        """Whether the broker's process runs."""
        return self._process is not None and self._process.poll() is None

    def prepare(self, on_progress: OnProgress = ignore_progress) -> None:
        """Take the data folder for this process, clear what was left in it, format it if new."""
        with self._steps:
            self._take_folder()
            self.left_over += clear_folder(self.data)
            record = self._checked_record()
            need_room(self.data, DATA_ROOM_BYTES)
            if self._given_port is not None:
                need_free(self._given_port)
            self._save(record)
            remember(self.data)
            if not record.is_formatted:
                on_progress(Progress(Step.FORMAT))
                self._format(record)

    def start_until_ready(self, on_progress: OnProgress = ignore_progress) -> None:
        """`start` and `wait_ready`; once more if somebody else took the free port meanwhile."""
        for tries in range(1, PORT_TRIES_MAX + 1):
            on_progress(Progress(Step.START))
            self.start()
            try:
                self.wait_ready()
                on_progress(Progress(Step.READY))
                return
            except _PortLostError:
                if self._given_port is not None or tries == PORT_TRIES_MAX:
                    raise taken_port(self.port) from None

    def start(self) -> None:
        """Start the process, after `prepare` or after the broker died; returns before it answers."""
        with self._steps:
            record = self._need_record()
            if self.is_alive():
                return
            self.port = self._choose_port(record)
            (controller_port,) = free_ports(1)
            write_server_files(self.data, port=self.port, controller_port=controller_port)
            self._save(dataclasses.replace(record, port=self.port, broker=None))
            (self.data / CONSOLE_FILE).unlink(missing_ok=True)
            self.log_file.unlink(missing_ok=True)
            with (self.data / CONSOLE_FILE).open("wb") as console:
                self._process = subprocess.Popen(
                    broker_command(self.java.path, self._files.class_path, self.data),
                    cwd=self.data,
                    stdin=subprocess.DEVNULL,
                    stdout=console,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            atexit.register(self.stop)
            self._save(dataclasses.replace(self._need_record(), broker=mark_of(self.pid)))

    def wait_ready(self) -> None:
        """Return when a client gets an answer. Raises DevError if the broker dies or stays silent."""
        deadline_s = time.monotonic() + READY_TIMEOUT_S
        while True:
            if not self.is_alive():
                raise self._died()
            if not is_free(self.port) and answers(self.bootstrap):
                return
            if time.monotonic() > deadline_s:
                raise DevError(
                    f"the Kafka broker did not answer within {READY_TIMEOUT_S:.0f} s",
                    f"look into {self.log_file}, or try again when the machine is less busy",
                )
            time.sleep(READY_POLL_S)

    def stop(self) -> None:
        """End the broker and give its folder back; a temporary one is removed. Never raises DevError.

        May be called at any time and again.
        """
        with self._steps:
            self._end_process()
            atexit.unregister(self.stop)
            if self._lock is None:
                return
            if self._given_data is None:
                shutil.rmtree(self.data, ignore_errors=True)
            elif self._record is not None:
                self._save(dataclasses.replace(self._record, owner=None, broker=None))
            forget(self.data)
            self._lock.close()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _take_folder(self) -> None:
        if self._given_data is None:
            self.data = Path(tempfile.mkdtemp(prefix="agentbus-dev-")).resolve()
        else:
            self.data = self._given_data.expanduser().resolve()
            make_folder(self.data)
        self._lock = take_lock(self.data / LOCK_FILE)
        if self._lock is None:
            raise _in_use(self.data)

    def _checked_record(self) -> BrokerRecord:
        """The folder's record, made new for an empty folder; DevError if the folder is not for us."""
        version = read_lock().kafka_version
        record = read_record(self.data)
        if record is None:
            _need_empty(self.data)
            cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            record = BrokerRecord(
                kafka_version=version,
                cluster_id=cluster_id,
                is_formatted=False,
                is_temporary=self._given_data is None,
                port=0,
                owner=None,
                broker=None,
            )
        elif record.kafka_version != version:
            raise DevError(
                f"{self.data} was written by Kafka {record.kafka_version}, this is {version}",
                "choose another folder with --data",
            )
        return dataclasses.replace(record, owner=mark_of(os.getpid()), broker=None)

    def _format(self, record: BrokerRecord) -> None:
        # A format that was cut short is begun anew: nothing was ever stored there.
        shutil.rmtree(self.data / KAFKA_FOLDER, ignore_errors=True)
        write_server_files(self.data, port=1, controller_port=2)
        done = subprocess.run(
            format_command(self.java.path, self._files.class_path, record.cluster_id),
            cwd=self.data,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=FORMAT_TIMEOUT_S,
            start_new_session=True,
            check=False,
        )
        if done.returncode != 0:
            (self.data / CONSOLE_FILE).write_bytes(done.stdout + done.stderr)
            raise DevError(
                f"Kafka could not format {self.data}: {last_complaint(self.data)}",
                "choose another folder with --data, or another Java with AGENTBUS_JAVA",
            )
        self._save(dataclasses.replace(record, is_formatted=True))

    def _choose_port(self, record: BrokerRecord) -> int:
        if self._given_port is not None:
            return self._given_port
        # The port of the last run, so that clients of kept data find it again.
        if record.port and is_free(record.port):
            return record.port
        (port,) = free_ports(1)
        return port

    def _died(self) -> DevError | _PortLostError:
        complaint = last_complaint(self.data)
        if "Address already in use" in complaint:
            return _PortLostError()
        if "No space left on device" in complaint:
            return disk_error(OSError(28, complaint), self.data)
        return DevError(
            f"the Kafka broker ended while it started: {complaint or 'it left no word'}",
            f"look into {self.log_file}" if self._given_data else "try again, or with --data DIR"
            " to keep its log",
        )

    def _end_process(self) -> None:
        if self._process is None:
            return
        for how in (signal.SIGTERM, signal.SIGKILL):
            if not self.is_alive():
                break
            self._process.send_signal(how)
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                continue

    def _need_record(self) -> BrokerRecord:
        assert self._record is not None, "prepare() comes before start()"
        return self._record

    def _save(self, record: BrokerRecord) -> None:
        write_record(self.data, record)
        self._record = record


class _PortLostError(Exception):
    """The port was free when it was chosen and taken when Kafka opened it."""


def _in_use(data: Path) -> DevError:
    record = read_record(data)
    owner = f" by pid {record.owner.pid}" if record and record.owner else ""
    return DevError(
        f"a broker is already running on {data}{owner}",
        "use another --data, or stop that one",
    )


def _need_empty(data: Path) -> None:
    if any(entry.name != LOCK_FILE for entry in data.iterdir()):
        raise DevError(
            f"{data} is not empty and was not made by agentbus dev",
            "choose an empty or new folder with --data",
        )
