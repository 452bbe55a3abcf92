"""What the tests of the command line share: one development bus for all, and the real command.

A new interpreter takes longer than most commands, so they run in this one, where the process is not the point.
"""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from bus.cli.app import main
from bus.dev.jars import kafka_files
from bus.dev.lock import read_lock
from bus.dev.places import cache_folder
from bus.dev.progress import ignore_progress
from tests.audit.conftest import Client
from tests.cli.harbour import AGENT, BERTH, CLAIM, SPECIALISTS, Contested, await_case

COMMAND = Path(sys.executable).with_name("agentbus")
READY_S = 120.0  # warm it takes six seconds; the machine may be busy with everything else
STOP_S = 60.0
CALL_S = 60.0
OWN_PROCESS = ("dev", "demo", "run")  # they set up signals and logs for a whole process


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[Any]:  # Any: JSON
        """Its lines of JSON."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def complaint(self) -> str:
        """The one sentence an error is told in; fails if there is more of it, or a traceback."""
        lines = [line for line in self.err.splitlines() if not line.startswith(("  ", "using ", "created "))]
        assert len(lines) == 1, self.err
        assert lines[0].startswith("agentbus: ")
        assert lines[0].endswith((".", "?"))
        return lines[0].removeprefix("agentbus: ")


@dataclass(slots=True)
class DevRun:
    """A running `agentbus dev --json`."""

    popen: subprocess.Popen[str]
    ready: dict[str, Any]  # Any: JSON
    processes: dict[str, psutil.Process]  # everything it has started, and itself
    told: list[str] = field(default_factory=list)  # what it said on stderr

    def stop(self, number: int = signal.SIGINT) -> int:
        """Ctrl-C, or another signal; its exit code."""
        self.popen.send_signal(number)
        return self.popen.wait(STOP_S)


def environment(cache: Path, **more: str) -> dict[str, str]:
    """The environment of a command: nothing of the caller's own settings, and a cache of these tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AGENTBUS_")}
    return {**kept, "AGENTBUS_CACHE": str(cache), "NO_COLOR": "1", "COLUMNS": "120", **more}


def agentbus(*arguments: str, env: dict[str, str], stdin: str = "") -> Ran:
    """Run the command to its end."""
    ran = subprocess.run(
        [str(COMMAND), *arguments], env=env, input=stdin, capture_output=True, text=True, timeout=CALL_S, check=False
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


class Pipe(io.TextIOWrapper):
    """Where a command of this process writes, or reads; ``is_terminal`` makes it behave as at a terminal."""

    def __init__(self, text: str = "", *, is_terminal: bool = False) -> None:
        super().__init__(io.BytesIO(text.encode()), encoding="utf-8", write_through=True)
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        """Does somebody sit there?"""
        return self._is_terminal

    def written(self) -> str:
        """All that was written."""
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue().decode()


def in_this_process(*arguments: str, env: dict[str, str], stdin: str = "", is_terminal: bool = False) -> Ran:
    """Run the command to its end as its own process would, but in this one; never two at the same time."""
    out, err = Pipe(is_terminal=is_terminal), Pipe()
    with (
        pytest.MonkeyPatch.context() as patched,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        _within(CALL_S, " ".join(arguments)),
    ):
        for name in os.environ.keys() - env.keys():
            patched.delenv(name)
        for name, value in env.items():
            patched.setenv(name, value)
        patched.setattr(sys, "stdin", Pipe(stdin))
        patched.setattr(sys, "argv", ["agentbus", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
    return Ran(int(ended.value.code or 0), out.written(), err.written())


@contextlib.contextmanager
def _within(limit_s: float, what: str) -> Iterator[None]:
    def late(*_: object) -> None:
        pytest.fail(f"no end after {limit_s:.0f} s: {what}")  # no Exception: no command can take it for its own

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def start_dev(*arguments: str, env: dict[str, str]) -> DevRun:
    """Start a development bus and wait until it is ready."""
    popen = subprocess.Popen(
        [str(COMMAND), "dev", "--json", *arguments],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    told: list[str] = []
    assert popen.stdout is not None
    assert popen.stderr is not None
    errors = popen.stderr
    threading.Thread(target=lambda: told.extend(errors), daemon=True).start()
    watchdog = threading.Timer(READY_S, popen.kill)
    watchdog.start()
    line = popen.stdout.readline()
    watchdog.cancel()
    assert line, f"agentbus dev ended without a ready line: {told}"
    ready = json.loads(line)
    return DevRun(popen, ready, {name: psutil.Process(pid) for name, pid in ready["pids"].items()}, told)


def has_ended(process: psutil.Process) -> bool:
    """Is it gone, at once or within a few seconds?"""
    until_s = time.monotonic() + 10
    while time.monotonic() < until_s:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that has Kafka's files but knows of no other bus on this machine."""
    lock = read_lock()
    kafka_files(lock, ignore_progress)
    name = f"kafka-{lock.kafka_version}"
    folder = tmp_path_factory.mktemp("cache")
    (folder / name).symlink_to(cache_folder() / name)
    return folder


@pytest.fixture(scope="session")
def dev(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevRun]:
    """One development bus, with its sample, for all tests that do not end it."""
    run = start_dev("--data", str(tmp_path_factory.mktemp("dev") / "data"), env=environment(cache))
    yield run
    assert run.stop() == 0  # Ctrl-C ends it, and all that it started
    assert run.told[-1] == "Stopped; nothing is left running.\n"
    assert all(has_ended(process) for process in run.processes.values())


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal on the machine of the development bus."""

    env: dict[str, str]

    def __call__(self, *arguments: str, stdin: str = "") -> Ran:
        """Run a command; side by side with others, where threads call, in a process of its own."""
        if arguments[0] in OWN_PROCESS or threading.current_thread() is not threading.main_thread():
            return agentbus(*arguments, env=self.env, stdin=stdin)
        return in_this_process(*arguments, env=self.env, stdin=stdin)

    def json(self, *arguments: str, stdin: str = "") -> list[Any]:  # Any: JSON
        """Run a command that must succeed, for its JSON."""
        ran = self(*arguments, "--json", stdin=stdin)
        assert ran.code == 0, ran.err
        return ran.rows


@pytest.fixture(scope="session")
def terminal(dev: DevRun, cache: Path) -> Terminal:
    """Commands here find the development bus by themselves."""
    assert dev.ready["bootstrap"]
    return Terminal(environment(cache))


@pytest.fixture
def nowhere(tmp_path: Path) -> Terminal:
    """A terminal on a machine where no bus runs."""
    return Terminal(environment(tmp_path / "cache"))


@pytest.fixture(scope="session")
def client(dev: DevRun) -> Iterator[Client]:
    """A stock client."""
    opened = Client(dev.ready["bootstrap"])
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def staff(terminal: Terminal, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Who works here: kim rules on both queues, lee on one but owns an agent; and the specialists who vote."""
    path: Path = tmp_path_factory.mktemp("terms") / "berth.yaml"
    path.write_text(yaml.safe_dump(BERTH), encoding="utf-8")
    terminal.json("persons", "set", "kim", "--role", "operator", "--queue", "harbour", "--queue", "revenue")
    terminal.json("persons", "set", "lee", "--role", "operator", "--queue", "harbour", "--owns", "sales-1")
    for role in SPECIALISTS:
        terminal.json("agents", "set", f"{role}-1", "--lane", "support", "--role", role)
    terminal.json("terms", "set", str(path))
    return ("kim", "lee")


@pytest.fixture(scope="session")
def contested(terminal: Terminal, client: Client, staff: tuple[str, ...]) -> Contested:
    """Lets two agents claim a berth at once, and returns it when a person has to decide."""
    assert staff

    def contest(name: str) -> str:
        subject = f"berth/{name}"
        said = {"reasoning": "our ship is in the roads since yesterday"}
        client.send("sales", f"{AGENT}sales-1", CLAIM, said, subject, ce_id=f"{name}-1")
        client.send("support", f"{AGENT}support-1", CLAIM, {"reasoning": "perishables"}, subject, ce_id=f"{name}-2")
        await_case(terminal, subject)
        return subject

    return contest
