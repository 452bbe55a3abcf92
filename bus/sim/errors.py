"""What can go wrong with a simulated world itself, and what ends one of its processes."""

from bus.shell.errors import BusError


class SimulationError(BusError):
    """The simulation cannot go on: a fault of its own, or of how it was asked."""

    def __init__(self, text: str, next_step: str = "report it with the seed") -> None:
        super().__init__(text, next_step)


class Killed(BaseException):
    """This process is dead: nothing of it may go on, and no handler of ordinary errors may catch that."""
