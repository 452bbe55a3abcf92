"""A lane without a bus: the test reads what the client sends and writes the answers itself, as wrongly as it likes."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Producer

from bus.client import Bus, Lease
from tests.stories.client import Record, Topic
from tests.stories.world import create_topics

NOW_MS = 1_795_000_000_000


@dataclass(slots=True)
class HandmadeLane:
    """Topics of a lane that is set nowhere; ``agent`` is who speaks on it."""

    bootstrap: str
    lane: str
    agent: str
    incoming: Topic = field(init=False)
    _producer: Producer = field(init=False)
    _prev: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        create_topics(self.bootstrap, [f"bus.in.{self.lane}", f"bus.out.{self.lane}"])
        self.incoming = Topic(self.bootstrap, f"bus.in.{self.lane}")
        self._producer = Producer({"bootstrap.servers": self.bootstrap, "linger.ms": 0})

    def message(self, number: int) -> Record:
        """The message that was sent as the ``number``-th."""
        return self.incoming.find(lambda one: one.offset == number, f"message {number} is sent")

    def answer(
        self, about: Record, kind: str, decision: str, *, prev: str | None = None, source: str = "1.0", **fields: Any
    ) -> None:
        """Write an event about a message; ``prev`` None continues what this source said before."""
        body = {
            "kind": kind,
            "n": 0,
            "decision": decision,
            "id": about.header("ce_id"),
            "src": f"bus.in.{self.lane}/0/{about.offset}",
            "at": NOW_MS,
            "subject": about.header("ce_subject"),
            "agent": self.agent,
            "to": [[self.lane, self.agent]],
            **fields,
        }
        self.write(json.dumps(body).encode(), decision, prev, source)

    def write(self, value: bytes, decision: str, prev: str | None = None, source: str = "1.0") -> None:
        """Write any record that names its predecessor."""
        before = self._prev.get(source, "") if prev is None else prev
        if prev is None:
            self._prev[source] = decision
        headers: list[tuple[str, str | bytes | None]] = [
            ("bus-decision", decision),
            ("bus-from", source),
            ("bus-prev", before),
        ]
        self._producer.produce(f"bus.out.{self.lane}", value=value, headers=headers, partition=0)
        assert self._producer.flush(20) == 0

    def grant(self, about: Record, decision: str, **more: Any) -> None:
        """A grant for ten seconds."""
        granted: dict[str, Any] = {"token": 77, "until": NOW_MS + 10_000, "claim": about.header("ce_id"), "by": "first"}
        self.answer(about, "granted", decision, **(granted | more))

    def close(self) -> None:
        """Give the connection back."""
        self.incoming.close()


def settled(seconds: float = 0.5) -> None:
    """Long enough for a reader to have taken in what was written."""
    time.sleep(seconds)


class Asking:
    """A call that waits in a thread of its own, so that the test can answer it."""

    def __init__(self, call: Callable[[], object]) -> None:
        self.result: object = None
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(call,))
        self._thread.start()

    @property
    def is_answered(self) -> bool:
        """Has it come back?"""
        return not self._thread.is_alive()

    def wait(self) -> object:
        """What it returned; raises what it raised."""
        self._thread.join(30)
        if self.error is not None:
            raise self.error
        return self.result

    def _run(self, call: Callable[[], object]) -> None:
        try:
            self.result = call()
        except BaseException as error:  # noqa: BLE001  # it is raised again where the test waits
            self.error = error


def claim(bus: Bus, subject: str = "lead/L-1") -> Asking:
    """A claim that waits for the test's answer."""
    return Asking(lambda: bus.claim(subject))


def lease_of(asking: Asking) -> Lease:
    """What it was granted."""
    found = asking.wait()
    assert isinstance(found, Lease)
    return found
