"""Sets what is in force as a steward or operator does: control messages on the operators' lane, and their answers."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bus.core.log.topics import OPERATORS_LANE
from bus.core.policy.contracts import JsonObject
from bus.core.policy.control import Registry
from bus.shell import kafka
from bus.shell.catalogue import built_in_contracts
from bus.shell.control_log import ControlLog
from bus.shell.errors import BusError
from bus.shell.lane_talk import LaneTalk, Saying, Sent

SET, SUSPEND, RESUME = "bus.control.set.v1", "bus.control.suspend.v1", "bus.control.resume.v1"
ANSWER_S = 15.0
STALE_BASE = "stale_base"
OUTRUN = frozenset({STALE_BASE, "duplicate"})  # what was wanted may be in force already: read again and see
# A base read a moment too early is stale though nobody else has changed anything: read again and try once more.
STALE_TRIES_MAX = 3


class RefusedError(BusError):
    """The bus said no; ``answer`` has the reason and everything that is wrong."""

    def __init__(self, answer: JsonObject) -> None:
        self.answer = answer
        self.reason = str(answer.get("reason", ""))
        super().__init__(f"the bus refused it as {self.reason}", str(answer.get("detail", "")))

    @property
    def is_outrun(self) -> bool:
        """Was another message faster, perhaps one of our own whose answer came too late?"""
        return self.reason in OUTRUN


@dataclass(frozen=True, slots=True)
class Wanted:
    """What ``<kind>/<name>`` shall be; ``value`` None takes it away. ``base`` "" stands for what is in force."""

    kind: str
    name: str
    value: JsonObject | None
    base: str = ""


class Steward:
    """A person on the operators' lane. Named steps: ``open``, the wishes, ``close``; may be used with ``with``."""

    def __init__(self, config: kafka.ClientConfig, person: str) -> None:
        self.person = person
        self._talk = LaneTalk(config, OPERATORS_LANE)
        self._control_log = ControlLog(config, built_in_contracts())

    @property
    def registry(self) -> Registry:
        """What is in force, as far as it has been read."""
        return self._control_log.registry

    def open(self) -> None:
        """Read what is in force and get ready to hear; raises `NotInitialisedError`, `UnreachableError`."""
        self._control_log.open()
        self._talk.open()

    def catch_up(self) -> None:
        """Read what has come into force since; raises `UnreachableError`."""
        self._control_log.catch_up()

    def set(self, wanted: Wanted) -> JsonObject:
        """Put one value in force; returns the answer. Raises `RefusedError`, `UnreachableError`."""
        for tries_left in reversed(range(STALE_TRIES_MAX)):
            self._control_log.catch_up()
            try:
                return self.set_all([wanted])[0]
            except RefusedError as error:
                if error.reason != STALE_BASE or wanted.base or not tries_left:
                    raise
                time.sleep(kafka.BRIEF_S / 5)
        raise AssertionError("unreachable: the last try returns or raises")

    def set_all(self, wanted: Sequence[Wanted]) -> list[JsonObject]:
        """Put values in force, one after another in this order; raises `RefusedError` on the first that is refused."""
        sent = self._talk.send([self._saying(SET, self._set_body(one)) for one in wanted])
        return [self._answer(one) for one in sent]

    def suspend(self, select: JsonObject, reason: str) -> JsonObject:
        """Stop an agent, a role or everybody; raises as `set`."""
        return self._answer(*self._talk.send([self._saying(SUSPEND, {"select": select, "reason": reason})]))

    def resume(self, select: JsonObject, reason: str) -> JsonObject:
        """Lift an equal suspension; raises as `set`."""
        return self._answer(*self._talk.send([self._saying(RESUME, {"select": select, "reason": reason})]))

    def close(self) -> None:
        """Close everything."""
        self._talk.close()
        self._control_log.close()

    def _set_body(self, wanted: Wanted) -> JsonObject:
        base = wanted.base or self.registry.hashes.get((wanted.kind, wanted.name))
        return {"kind": wanted.kind, "name": wanted.name, "value": wanted.value, "base": base}

    def _saying(self, message_type: str, body: JsonObject) -> Saying:
        return Saying(type=message_type, source=self.person, body=json.dumps(body).encode())

    def _answer(self, sent: Sent) -> JsonObject:
        answer = self._talk.hear(sent, ANSWER_S, together_s=0)[0]
        if answer.get("kind") == "refused":
            raise RefusedError(answer)
        return answer
