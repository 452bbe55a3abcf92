"""What the pages are followed on: one development bus, started as they say, and one bare Kafka to set up a bus on."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus.dev.broker import start_broker
from bus.dev.jars import kafka_files
from bus.dev.lock import read_lock
from bus.dev.places import cache_folder
from bus.dev.ports import free_ports
from bus.dev.progress import ignore_progress
from tests.docs.reader import Surroundings, Tally

BIN = Path(sys.executable).parent
READY_S = 120.0
STOP_S = 60.0
DEV = "agentbus dev"
DEV_ADDRESS = "127.0.0.1:9092"  # what a reader has; here another port may be the free one
OWN_ADDRESS = "kafka:9092"  # stands on the pages for the reader's own Kafka
METRICS_PORT = "9464"  # where a page has /metrics; here it may be taken
TAKEN_PORT = "--port 9092"  # asked for once more
SECOND_PORT = "19092"  # of another development bus
TALLY = pytest.StashKey[Tally]()


def pytest_configure(config: pytest.Config) -> None:
    """Count from nothing."""
    config.stash[TALLY] = Tally()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what of the docs was run and what was not."""
    tally = config.stash[TALLY]
    if tally.pages:
        terminalreporter.section("docs")
        for line in tally.lines():
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def tally(pytestconfig: pytest.Config) -> Tally:
    """What was run, and what was not."""
    return pytestconfig.stash[TALLY]


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A reader's environment: `agentbus` and `python` on the PATH, nothing set, Kafka's files fetched before."""
    lock = read_lock()
    kafka_files(lock, ignore_progress)
    folder = tmp_path_factory.mktemp("cache")
    name = f"kafka-{lock.kafka_version}"
    (folder / name).symlink_to(cache_folder() / name)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AGENTBUS_")}
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return {**kept, "PATH": path, "AGENTBUS_CACHE": str(folder), "NO_COLOR": "1", "COLUMNS": "120"}


@pytest.fixture(scope="session")
def dev_bus(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The development bus that all pages share: its address and its screen."""
    port, data = str(free_ports(1)[0]), str(tmp_path_factory.mktemp("dev") / "data")
    command = [str(BIN / "agentbus"), "dev", "--port", port, "--data", data]
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    screen: list[str] = []
    assert process.stdout is not None
    shown = process.stdout
    threading.Thread(target=lambda: screen.extend(shown), daemon=True).start()
    until_s = time.monotonic() + READY_S
    while not (address := re.search(r"127\.0\.0\.1:\d+(?=\n(?:.*\n)*Try in)", "".join(screen))):
        assert process.poll() is None, "".join(screen)
        assert time.monotonic() < until_s, "".join(screen)
        time.sleep(0.1)
    yield address[0], "".join(screen)
    process.send_signal(signal.SIGINT)
    process.wait(STOP_S)


@pytest.fixture(scope="session")
def own_kafka(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Kafka that is no bus yet; its address."""
    del environment  # it has seen to Kafka's files
    broker = start_broker(tmp_path_factory.mktemp("kafka") / "data", None, ignore_progress)
    yield broker.bootstrap
    broker.stop()


@pytest.fixture(scope="session")
def surroundings(environment: dict[str, str], dev_bus: tuple[str, str], own_kafka: str) -> Surroundings:
    """Where the pages are read."""
    address, screen = dev_bus
    environment = {**environment, "AGENTBUS_BOOTSTRAP": address}
    metrics, second = map(str, free_ports(2))
    taken = f"--port {address.rpartition(':')[2]}"
    addresses = {
        DEV_ADDRESS: address,
        TAKEN_PORT: taken,
        OWN_ADDRESS: own_kafka,
        METRICS_PORT: metrics,
        SECOND_PORT: second,
    }
    return Surroundings(environment, addresses, {DEV: screen, f".venv/bin/{DEV}": screen})
