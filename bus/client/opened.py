"""Ends what a bus has opened: when its author says so, when the program ends, or when nobody knows the bus any more."""

import atexit
import logging
import os
import weakref
from typing import Any

from bus.client.sharing import Shared
from bus.client.subscription import Subscription
from bus.client.voice import Voice

_log = logging.getLogger("agentbus.client")


class Opened:
    """What of one bus must be ended. It does not know the bus, so that a bus nobody knows any more can be noticed."""

    def __init__(self, voice: Voice, shared: Shared) -> None:
        # Any: of whatever their bodies are made. A subscription that nobody knows any more ends itself.
        self.subscriptions: weakref.WeakSet[Subscription[Any]] = weakref.WeakSet()
        self._voice = voice
        self._shared = shared
        self._pid = os.getpid()

    def note(self) -> None:
        """There is something to be ended."""
        _open.add(self)

    def close(self) -> None:
        """Give back every lease, end every subscription and disconnect; may be called again."""
        if os.getpid() != self._pid:  # a forked child that ends must not touch what is its parent's
            return
        _open.discard(self)
        for subscription in tuple(self.subscriptions):
            subscription.close()
        self._voice.close()
        self._shared.give_back()

    def drop(self) -> None:
        """Close it soon, on the connection's thread: whoever notices a forgotten bus may stand anywhere in the code."""
        if os.getpid() == self._pid:
            self._shared.connection.later(self.close)
            if not self._shared.connection.is_open:  # nobody will come to it, and there is nothing to end
                _open.discard(self)


_open: set[Opened] = set()


@atexit.register
def _close_all() -> None:
    """An interpreter that ends gives back what its agents hold; what fails for one is done for the others."""
    for opened in tuple(_open):
        try:
            opened.close()
        except Exception:  # noqa: BLE001  # the program is over: there is nobody to raise it to
            _log.exception("a bus could not be closed at the end of the program")
