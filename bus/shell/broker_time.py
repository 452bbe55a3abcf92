"""What time it is at the broker, guessed from its own answers: good for deciding when to ask, never for deciding."""

import time


class BrokerTime:
    """Learns from the append times in delivery reports; before the first one the local clock has to do."""

    def __init__(self) -> None:
        self._ahead_ms = time.time() * 1000 - time.monotonic() * 1000

    def learn(self, append_ms: int) -> None:
        """Take in the append time of a record that was acknowledged just now."""
        if append_ms > 0:
            self._ahead_ms = append_ms - time.monotonic() * 1000

    def guess_ms(self) -> int:
        """Epoch milliseconds at the broker, about."""
        return int(time.monotonic() * 1000 + self._ahead_ms)
