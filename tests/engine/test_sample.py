"""The sample of the development bus is set up once, however late the answers to an earlier try come."""

import pytest

from bus.cli import dev_bus
from bus.dev.sample import load_sample
from bus.shell import steward
from bus.shell.errors import UnreachableError
from bus.shell.settings import Settings
from tests.engine.conftest import STEWARD, World


def test_late_writes_of_an_earlier_try_are_no_conflict(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first try that hears no answer in time leaves its messages in the log; the next goes on from what they did."""
    world.start("gate")  # not waited for: a partition that another test stopped on purpose is never ready
    with monkeypatch.context() as impatient:
        impatient.setattr(steward, "ANSWER_S", 0.0)
        with pytest.raises(UnreachableError):
            load_sample(world.config, STEWARD, replication=1)
    bus = dev_bus.DevBus(Settings(bootstrap=world.bootstrap), None, is_temporary=True)
    sample = bus.patiently(lambda: load_sample(world.config, STEWARD, replication=1))
    again = load_sample(world.config, STEWARD, replication=1)
    assert again.control == sample.control
