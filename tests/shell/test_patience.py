"""A development bus on a slow machine: what may pass is tried again, what may not is told at once."""

import pytest

from bus.cli import dev_bus
from bus.cli.dev_bus import DevBus
from bus.shell.errors import BusError, NotPermittedError, RetryableError, UnreachableError
from bus.shell.settings import Settings
from bus.shell.steward import RefusedError


class Failing:
    """A step that fails so many times, and then has done what it should."""

    def __init__(self, error: BusError, times: int) -> None:
        self.error, self.left, self.calls = error, times, 0

    def __call__(self) -> str:
        """Fail or succeed."""
        self.calls += 1
        if self.left:
            self.left -= 1
            raise self.error
        return "done"


@pytest.fixture
def said() -> list[str]:
    """What somebody who waits is told."""
    return []


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch, said: list[str]) -> DevBus:
    """A bus on somebody else's Kafka, that does not wait between two tries."""
    monkeypatch.setattr(dev_bus, "AGAIN_S", 0.0)
    return DevBus(Settings(bootstrap="127.0.0.1:1"), None, is_temporary=True, say=said.append)


@pytest.mark.parametrize(
    "error",
    [
        UnreachableError("no answer to m-1 on bus.out.operators within 15 s"),
        RetryableError("bus.control does not answer"),
        RefusedError({"reason": "stale_base"}),
        RefusedError({"reason": "duplicate"}),
    ],
)
def test_slow_answers_take_nothing_down(bus: DevBus, said: list[str], error: BusError) -> None:
    """The step is done again until it succeeds, and whoever waits is told each time."""
    step = Failing(error, 2)
    assert (bus.patiently(step), step.calls, len(said)) == ("done", 3, 2)


@pytest.mark.parametrize("error", [NotPermittedError("no"), RefusedError({"reason": "invalid"}), BusError("no")])
def test_what_waiting_does_not_mend_is_told_at_once(bus: DevBus, error: BusError) -> None:
    """No patience with a refusal that stays one."""
    step = Failing(error, 2)
    with pytest.raises(BusError):
        bus.patiently(step)
    assert step.calls == 1


def test_patience_has_an_end(bus: DevBus, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the bound the last error is told as it is."""
    monkeypatch.setattr(dev_bus, "PATIENCE_S", -1.0)
    with pytest.raises(UnreachableError):
        bus.patiently(Failing(UnreachableError("no answer"), 5))
