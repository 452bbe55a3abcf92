"""What the bus finds around it: Kafka's clients, time, chance and threads; a simulated world brings its own.

Everything here comes with the settings of a client, so that one process can live in several worlds. Ordinary settings
are a plain dict and mean this machine.
"""

import random
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from bus.shell.trial import Fork, Trial

T = TypeVar("T")
Settings = Mapping[str, Any]  # Any: librdkafka takes numbers, texts and callbacks


class Repetition(Protocol):
    """Something that is done again and again."""

    def stop(self, timeout_s: float) -> None:
        """End it, and wait for the end."""


class Aside(Protocol):
    """Something that is done beside what its starter does: a thread, or what stands for one."""

    def start(self) -> None:
        """Begin."""

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end (seconds)."""


class Surroundings(Protocol):
    """The outside of one process of the bus, or of an agent."""

    def producer(self, settings: Settings) -> Producer:
        """A producer with these settings."""

    def consumer(self, settings: Settings) -> Consumer:
        """A consumer with these settings."""

    def admin(self, settings: Settings) -> AdminClient:
        """An admin client with these settings."""

    def now_s(self) -> float:
        """Seconds since some fixed moment; never set back."""

    def wall_s(self) -> float:
        """Seconds since 1970 by the local clock, right or wrong."""

    def sleep(self, seconds: float) -> None:
        """Wait."""

    def uniform(self, low: float, high: float) -> float:
        """A number between the two, by chance."""

    def nonce(self) -> str:
        """A text nobody else has: 16 hexadecimal digits."""

    def repeat(self, name: str, once: Callable[[], float], end: Callable[[], None]) -> Repetition:
        """Call ``once`` again and again, beside all else; it says after how many seconds. Call ``end`` at last."""

    def aside(self, name: str, run: Callable[[], None], once: Callable[[], None] | None = None) -> Aside:
        """Something that runs beside all else until it ends; ``once`` is one round of it, if it has rounds."""

    def result(self, future: "Future[T]", timeout_s: float) -> T:
        """Wait for what another thread brings; raises TimeoutError, or what it failed with."""

    def wait_for(self, changed: threading.Condition, timeout_s: float | None) -> None:
        """Wait until somebody says that something has changed, None for ever."""

    def trial(self, run: Callable[[], object], within_s: float) -> Trial:
        """Do it where it can do no harm, for so long at most."""


class Machine:
    """This machine, and Kafka as its address says."""

    def producer(self, settings: Settings) -> Producer:
        """Kafka's own."""
        return Producer(dict(settings))

    def consumer(self, settings: Settings) -> Consumer:
        """Kafka's own."""
        return Consumer(dict(settings))

    def admin(self, settings: Settings) -> AdminClient:
        """Kafka's own."""
        return AdminClient(dict(settings))

    def now_s(self) -> float:
        """The clock that nobody sets."""
        return time.monotonic()

    def wall_s(self) -> float:
        """The clock on the wall."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)

    def uniform(self, low: float, high: float) -> float:
        """Nothing secret: it only keeps two owners from going in step."""
        return random.uniform(low, high)

    def nonce(self) -> str:
        """From the system's source."""
        return secrets.token_hex(8)

    def repeat(self, name: str, once: Callable[[], float], end: Callable[[], None]) -> Repetition:
        """In a thread."""
        return _Loop(name, once, end)

    def aside(self, name: str, run: Callable[[], None], once: Callable[[], None] | None = None) -> Aside:
        """A thread."""
        del once
        return threading.Thread(target=run, name=name, daemon=True)

    def result(self, future: "Future[T]", timeout_s: float) -> T:
        """This thread stands still meanwhile."""
        return future.result(timeout_s)

    def wait_for(self, changed: threading.Condition, timeout_s: float | None) -> None:
        """This thread stands still meanwhile."""
        changed.wait(timeout_s)

    def trial(self, run: Callable[[], object], within_s: float) -> Trial:
        """In a copy of this process."""
        return Fork(run, within_s)


class _Loop:
    def __init__(self, name: str, once: Callable[[], float], end: Callable[[], None]) -> None:
        self._once, self._end = once, end
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        self._stop.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            while not self._stop.wait(self._once()):
                pass
        finally:
            self._end()


MACHINE = Machine()


class SettingsOf(dict[str, str]):
    """Settings that bring their surroundings with them."""

    def __init__(self, surroundings: Surroundings, settings: Mapping[str, str]) -> None:
        super().__init__(settings)
        self.surroundings = surroundings


def surroundings_of(settings: Mapping[str, str]) -> Surroundings:
    """What these settings bring; this machine, if they bring nothing."""
    return settings.surroundings if isinstance(settings, SettingsOf) else MACHINE
