"""What can go wrong outside the core: errors of the world, told apart by whether trying again can help."""


class BusError(Exception):
    """Something outside failed. ``next_step`` tells the reader what to do about it."""

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message}: {self.next_step}" if self.next_step else self.message


class RetryableError(BusError):
    """The same thing may work in a moment: a broker restarts, a group rebalances."""


class UnreachableError(RetryableError):
    """Kafka does not answer."""


class NotPermittedError(UnreachableError):
    """Kafka does not let this client in, or not do this; in a moment it may, when it has learnt of a change."""


class FencedError(RetryableError):
    """Another process has the name of this one, and Kafka goes by names."""


class FatalError(BusError):
    """Going on would be wrong: a person has to look. The runbook has a line for each ``code``."""

    def __init__(self, code: str, message: str, next_step: str = "") -> None:
        super().__init__(message, next_step)
        self.code = code


class UsageError(BusError):
    """What was asked for cannot be done, however often it is tried."""


class NotInitialisedError(BusError):
    """The cluster has no genesis yet."""


class ConflictError(BusError):
    """What is there is not what was asked for."""
