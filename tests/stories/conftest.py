"""One bus for all stories: each brings its own lanes, agents and subjects, so that none disturbs another."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stories.bus_under_test import BusUnderTest
from tests.stories.world import World, new_world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A real Kafka with the bus on it, and nothing set but its steward."""
    folder: Path = tmp_path_factory.mktemp("stories")
    bus = BusUnderTest(folder)
    try:
        ready = bus.wait_ready()
        opened = new_world(str(ready["bootstrap"]), str(ready["operator"]))
        yield opened
        opened.close()
    finally:
        bus.stop()
