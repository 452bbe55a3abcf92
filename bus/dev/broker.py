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
import dataclasses
import errno
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from bus.dev.answers import answers
from bus.dev.client_files import ADMIN, settings_of, write_clients
from bus.dev.data_folder import DataFolder
from bus.dev.errors import DevError, disk_error
from bus.dev.jars import KafkaFiles, kafka_files
from bus.dev.java import Java, find_java
from bus.dev.launch import out_of_reach
from bus.dev.left_over import clear_left_over
from bus.dev.lock import read_lock
from bus.dev.ports import HOST, free_ports, is_free, listens, need_free, taken_port
from bus.dev.progress import OnProgress, Progress, Step, ignore_progress
from bus.dev.record import mark_of
from bus.dev.server_files import (
    CONSOLE_FILE,
    KAFKA_FOLDER,
    LOG_FILE,
    NO_SPACE_WORDS,
    PORT_TAKEN_WORDS,
    Quorum,
    broker_command,
    format_command,
    last_complaint,
    write_server_files,
)

# Warm it takes 2 s; a machine that is busy with everything else may need ten times that.
READY_TIMEOUT_S = 90.0
FORMAT_TIMEOUT_S = 60.0
READY_POLL_S = 0.05
# A broker with open transactions and busy partitions takes some seconds to close them.
STOP_TIMEOUT_S = 20.0
# A free port can be taken in the second until Kafka opens it; three times in a row is no chance.
PORT_TRIES_MAX = 3


def start_broker(
    data: Path | None = None,
    port: int | None = None,
    on_progress: OnProgress = ignore_progress,
    *,
    preferred_port: int | None = None,
    is_secure: bool = False,
) -> LocalBroker:
    """A ready broker. `data` None: a temporary folder, removed at stop; `port` None: a free one.

    `preferred_port` is taken if it is free and the data has had no port yet. `is_secure`: everybody must log in and
    may do only what ACLs grant; data that was secured once stays so.

    Raises DevError; whatever goes wrong, Ctrl-C included, nothing is left running.
    """
    left_over = clear_left_over()
    on_progress(Progress(Step.JAVA))
    java = find_java()
    files = kafka_files(read_lock(), on_progress)
    broker = LocalBroker(
        java=java, files=files, data=data, port=port, preferred_port=preferred_port, is_secure=is_secure
    )
    broker.left_over += left_over
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
        preferred_port: int | None = None,
        is_secure: bool = False,
        quorum: Quorum | None = None,
    ) -> None:
        self.java = java
        self.left_over: list[str] = []  # what an earlier, killed run had left, a sentence each
        self.notes = [*java.notes, *files.notes]  # what was passed over or repaired
        self.port = 0
        self._files = files
        self._folder = DataFolder(data, cluster_id=quorum.cluster_id if quorum else "")
        self._given_port = port
        self._preferred_port = preferred_port
        self._is_secure = is_secure
        self._quorum = quorum
        self._process: subprocess.Popen[bytes] | None = None
        self._steps = threading.RLock()
        self._owner_pid = os.getpid()

    @property
    def bootstrap(self) -> str:
        """What a client takes as `bootstrap.servers`."""
        return f"{HOST}:{self.port}"

    @property
    def data(self) -> Path:
        """The folder with all the broker's files."""
        return self._folder.path

    @property
    def is_secure(self) -> bool:
        """Whether everybody must log in; known from `prepare` on."""
        return self._is_secure

    @property
    def admin_settings(self) -> dict[str, str]:
        """What a client needs beside the address to do whatever it likes; empty if nobody has to log in."""
        return settings_of(self.data, ADMIN) if self.is_secure else {}

    @property
    def pid(self) -> int:
        """The broker's process, 0 before the start."""
        return 0 if self._process is None else self._process.pid

    @property
    def pids(self) -> dict[str, int]:
        """Every process there is, by name."""
        return {"broker": self.pid}

    @property
    def log_file(self) -> Path:
        """Where the broker writes its warnings and errors."""
        return self.data / LOG_FILE

    def is_alive(self) -> bool:
        """Whether the broker's process runs."""
        return self._process is not None and self._process.poll() is None

    def prepare(self, on_progress: OnProgress = ignore_progress) -> None:
        """Take the data folder for this process, clear what was left in it, format it if it is new.

        Raises DevError.
        """
        with self._steps:
            # First the folder: the port may be held by what is left over in it.
            self.left_over += self._folder.take(self._files.kafka_version)
            self._secure()
            if self._given_port is not None:
                need_free(self._given_port)
            if not self._folder.record.is_formatted:
                on_progress(Progress(Step.FORMAT))
                self._format()

    def start_until_ready(self, on_progress: OnProgress = ignore_progress) -> None:
        """`start` and `wait_ready`; again with another free port if somebody took it meanwhile."""
        for tries in range(1, PORT_TRIES_MAX + 1):
            on_progress(Progress(Step.START))
            self.start()
            try:
                self.wait_ready()
            except _PortLostError:
                is_given_lost = self._given_port is not None and not is_free(self._given_port)
                if is_given_lost or tries == PORT_TRIES_MAX:
                    raise taken_port(self.port) from None
            else:
                on_progress(Progress(Step.READY))
                return

    def start(self) -> None:
        """Start the process, after `prepare` or after the broker died; returns before it answers."""
        with self._steps:
            if self.is_alive():
                return
            self.port = self._choose_port()
            controller_port = self._quorum.controller_port if self._quorum else free_ports(1)[0]
            self._write_files(controller_port)
            self._folder.save(dataclasses.replace(self._folder.record, port=self.port, broker=None))
            atexit.register(self.stop)
            self._launch(broker_command(self.java.path, self._files.class_path, self.data))
            self._folder.save(dataclasses.replace(self._folder.record, broker=mark_of(self.pid)))

    def wait_ready(self) -> None:
        """Return when a client gets an answer. Raises DevError if the broker dies or stays silent."""
        deadline_s = time.monotonic() + READY_TIMEOUT_S
        while True:
            if not self.is_alive():
                raise self._died()
            if listens(self.pid, self.port) and answers(self.bootstrap, self.admin_settings):
                return
            if time.monotonic() > deadline_s:
                raise DevError(
                    f"the Kafka broker did not answer within {READY_TIMEOUT_S:.0f} s",
                    f"try again when the machine is less busy; its log is {self.log_file}",
                )
            time.sleep(READY_POLL_S)

    def kill(self) -> None:
        """End the process as kill -9 does, and wait for its end; `start` and `wait_ready` bring it back as it was."""
        with self._steps:
            if self._process is not None:
                self._process.kill()
                self._process.wait()

    def stop(self) -> None:
        """End the broker and give its folder back; a temporary one is removed. Raises nothing.

        May be called at any time and again.
        """
        if os.getpid() != self._owner_pid:  # a forked child that ends must not take the broker along
            return
        with self._steps:
            self._end_process()
            atexit.unregister(self.stop)
            self._folder.give_back()

    def __enter__(self) -> Self:
        """The broker itself, to be stopped at the end of the block."""
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    def _secure(self) -> None:
        """Data that was secured must not lie open because a flag was forgotten."""
        record = self._folder.record
        if record.is_secure and not self._is_secure:
            self.notes.append(f"{self.data} was secured before and stays so: clients log in")
        self._is_secure = self._is_secure or record.is_secure
        self._folder.save(dataclasses.replace(record, is_secure=self._is_secure))

    def _write_files(self, controller_port: int) -> None:
        password = ""
        if self._is_secure:
            password = write_clients(self.data, [ADMIN], bootstrap=self.bootstrap)[ADMIN]
        write_server_files(
            self.data,
            port=self.port,
            controller_port=controller_port,
            admin_password=password,
            quorum=self._quorum,
        )

    def _launch(self, command: list[str | Path]) -> None:
        def launch() -> None:
            with (self.data / CONSOLE_FILE).open("wb") as console:
                self._process = subprocess.Popen(
                    command,
                    cwd=self.data,
                    stdin=subprocess.DEVNULL,
                    stdout=console,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )

        try:
            self.log_file.unlink(missing_ok=True)
            out_of_reach(launch)
        except OSError as error:
            raise disk_error(error, self.data) from error

    def _format(self) -> None:
        # A format that was cut short is begun anew: nothing was ever stored there.
        shutil.rmtree(self.data / KAFKA_FOLDER, ignore_errors=True)
        # The formatter reads the ports but does not open them; the start writes the real ones.
        write_server_files(self.data, port=1, controller_port=2, quorum=self._quorum)
        record = self._folder.record
        self._launch(format_command(self.java.path, self._files.class_path, self.data, record.cluster_id))
        assert self._process is not None
        try:
            exit_code = self._process.wait(FORMAT_TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            raise self._format_failed(f"it took longer than {FORMAT_TIMEOUT_S:.0f} s") from error
        self._process = None
        if exit_code != 0:
            raise self._format_failed(last_complaint(self.data))
        self._folder.save(dataclasses.replace(record, is_formatted=True))

    def _format_failed(self, why: str) -> DevError:
        return DevError(
            f"Kafka could not format {self.data}: {why}",
            "choose another folder with --data, or another Java with AGENTBUS_JAVA",
        )

    def _choose_port(self) -> int:
        if self._given_port is not None:
            return self._given_port
        # The port of the last start, so that clients of kept data find it again.
        last_port = self._folder.record.port
        if last_port and is_free(last_port):
            return last_port
        if not last_port and self._preferred_port is not None and is_free(self._preferred_port):
            return self._preferred_port
        (port,) = free_ports(1)
        return port

    def _died(self) -> DevError | _PortLostError:
        complaint = last_complaint(self.data)
        if PORT_TAKEN_WORDS in complaint:
            return _PortLostError()
        if NO_SPACE_WORDS in complaint:
            return disk_error(OSError(errno.ENOSPC, complaint), self.data)
        return DevError(
            f"the Kafka broker ended while it started: {complaint or 'it left no word'}",
            "try again, or with another Java (AGENTBUS_JAVA); --data DIR keeps its log"
            if self._folder.is_temporary
            else f"look into {self.log_file}, or choose another folder with --data",
        )

    def _end_process(self) -> None:
        process = self._process
        if process is None:
            return
        try:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_TIMEOUT_S)
        except BaseException as error:
            # Too slow, or a second Ctrl-C: it still must not be left.
            process.kill()
            process.wait()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise


class _PortLostError(Exception):
    """The port was free when it was chosen and taken when Kafka opened it."""
