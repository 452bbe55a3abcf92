"""What time it is at the broker, guessed from its own answers: good for deciding when to ask, never for deciding."""

from bus.shell.surroundings import MACHINE, Surroundings


class BrokerTime:
    """Learns from the append times in delivery reports; before the first one the local clock has to do."""

    def __init__(self, surroundings: Surroundings = MACHINE) -> None:
        self._now_s = surroundings.now_s
        self._ahead_ms = surroundings.wall_s() * 1000 - self._now_s() * 1000

    def learn(self, append_ms: int) -> None:
        """Take in the append time of a record that was acknowledged just now."""
        if append_ms > 0:
            self._ahead_ms = append_ms - self._now_s() * 1000

    def guess_ms(self) -> int:
        """Epoch milliseconds at the broker, about."""
        return int(self._now_s() * 1000 + self._ahead_ms)
