"""Hands admitted actions to whoever executes them, each once as far as a store can know, and reports how they went.

admitted -- a higher token has acted ----------> failed (stale), reported, not handed out
admitted -- finished before -------------------> passed over
admitted -- handed out -- the next is asked for -> done ---> reported
                       -- failed() was called ---> failed -> reported
                       -- the process ends ------> handed out again, with is_retry

Reports go their way while the next action is executed: a bus that is away, or refuses one, delays nothing.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from bus.client.admitted import Message
from bus.client.clock import elapsed_s
from bus.client.reports import REPORTS_AT_ONCE_MAX, Reports
from bus.client.stores import Begun, Result, Store
from bus.client.subscription import Subscription

if TYPE_CHECKING:
    from bus.client.sync_bus import Bus

DETAIL_CHARACTERS_MAX = 4_096  # as the contract of reports allows
LEAVING_S = 5.0  # how long the end of the block waits for reports to be taken; the next run tells what is left

_log = logging.getLogger("agentbus.client")

T = TypeVar("T")


@dataclass(slots=True)
class Action(Generic[T]):
    """An admitted action to be executed now; ``message`` has its body, ``is_retry`` says that it may have been done."""

    message: Message[T]
    is_retry: bool
    _result: Result = field(default="done", init=False)
    _detail: str = field(default="", init=False)

    @property
    def body(self) -> T:
        """What to do."""
        return self.message.body

    @property
    def subject(self) -> str:
        """On what."""
        return self.message.subject

    @property
    def decision(self) -> str:
        """The idempotency key: hand it to the system you act on."""
        return self.message.decision

    @property
    def token(self) -> int | None:
        """The fencing token: a system that knows it refuses lower ones."""
        return self.message.token

    def done(self, detail: str = "") -> None:
        """It went well; so it counts without this, too."""
        self._result, self._detail = "done", detail[:DETAIL_CHARACTERS_MAX]

    def failed(self, detail: str) -> None:
        """It did not happen, and will not be tried again by itself."""
        self._result, self._detail = "failed", detail[:DETAIL_CHARACTERS_MAX]

    def partial(self, detail: str) -> None:
        """Some of it happened."""
        self._result, self._detail = "partial", detail[:DETAIL_CHARACTERS_MAX]

    @property
    def outcome(self) -> tuple[Result, str]:
        """How it went, as it will be recorded and reported."""
        return self._result, self._detail


class Execution(Generic[T]):
    """Iterate over it; `Bus.execute_once` makes it. An exception in the loop leaves the action unrecorded."""

    def __init__(self, bus: "Bus", store: Store, subscription: Subscription[T]) -> None:
        self._reports = Reports(bus)
        self._store = store
        self._subscription = subscription
        self._current: Action[T] | None = None

    def __iter__(self) -> Iterator[Action[T]]:
        """The actions, as they are admitted."""
        return self

    def __next__(self) -> Action[T]:
        """The next action; the one before is recorded and reported."""
        self.settle()
        self._report()
        while True:
            message = next(self._subscription)  # what came before is committed only now that it is recorded
            # The bus keeps account of guarded actions: what needed no holder is recorded here, and reported to nobody.
            subject = message.subject if message.token is not None else ""
            begun = self._store.begin(message.decision, subject, message.token)
            if begun in (Begun.GO, Begun.AGAIN):
                self._current = Action(message, is_retry=begun is Begun.AGAIN)
                return self._current
            if begun is Begun.STALE:
                _log.warning("%s on %s is left out: a higher token has acted", message.decision, message.subject)
                self._report()

    def settle(self) -> None:
        """Record how the last action went."""
        action, self._current = self._current, None
        if action is not None:
            self._store.finish(action.decision, *action.outcome)

    def close(self) -> None:
        """Leave the group; may be called again."""
        self._subscription.close()

    def __enter__(self) -> Self:
        """Join the group."""
        self._subscription.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave it; the last action is recorded unless an exception ends the block."""
        if kind is None:
            self.settle()
            self._report_all(LEAVING_S)
        self._subscription.__exit__(kind, error, trace)

    def _report(self) -> None:
        """Note what the bus has taken, and tell it what it does not know yet; never waits."""
        for decision in self._reports.told():
            self._store.reported(decision)
        if self._reports.room:
            self._reports.tell(self._store.unreported(REPORTS_AT_ONCE_MAX))

    def _report_all(self, within_s: float) -> None:
        """Tell what is left, in portions; what the bus does not take within that time is left to the next run."""
        until_s = elapsed_s() + within_s
        self._report()
        while self._reports.is_underway and elapsed_s() < until_s:
            self._reports.wait(until_s - elapsed_s())
            self._report()
