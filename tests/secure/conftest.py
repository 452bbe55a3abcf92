"""What the tests of the secured bus share: one `agentbus dev --secure`, and stock Kafka clients logged in on it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bus.dev.client_files import client_file, settings_of
from bus.dev.jars import kafka_files
from bus.dev.lock import read_lock
from bus.dev.places import cache_folder
from bus.dev.ports import free_ports
from bus.dev.progress import ignore_progress
from tests.cli.conftest import DevRun, Terminal, environment, has_ended, start_dev


@dataclass(frozen=True, slots=True)
class Secured:
    """A running `agentbus dev --secure`."""

    run: DevRun

    @property
    def bootstrap(self) -> str:
        """Where its Kafka is."""
        return str(self.run.ready["bootstrap"])

    @property
    def data(self) -> Path:
        """Its data folder."""
        return Path(self.run.ready["data"])

    def login(self, user: str, **more: Any) -> dict[str, Any]:  # Any: librdkafka's settings
        """The settings of a stock Kafka client that is this user."""
        return {"bootstrap.servers": self.bootstrap, "log_level": 0, **settings_of(self.data, user), **more}

    def file(self, user: str) -> str:
        """The properties file of a user."""
        return str(client_file(self.data, user))


@pytest.fixture(scope="session")
def secure_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that has Kafka's files but knows of no other bus on this machine."""
    lock = read_lock()
    kafka_files(lock, ignore_progress)
    name = f"kafka-{lock.kafka_version}"
    folder = tmp_path_factory.mktemp("secure-cache")
    (folder / name).symlink_to(cache_folder() / name)
    return folder


@pytest.fixture(scope="session")
def secured(secure_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """One secured bus, with its sample, for all tests that do not end it."""
    data = tmp_path_factory.mktemp("secured") / "data"
    (port,) = free_ports(1)
    run = start_dev("--secure", "--data", str(data), "--port", str(port), env=environment(secure_cache))
    yield Secured(run)
    run.stop()
    assert all(has_ended(process) for process in run.processes.values())


@pytest.fixture(scope="session")
def at_home(secured: Secured, secure_cache: Path) -> Terminal:
    """Commands here find the secured bus, and the right login, by themselves."""
    assert secured.bootstrap
    return Terminal(environment(secure_cache))
