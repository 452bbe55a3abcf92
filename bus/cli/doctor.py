"""`agentbus doctor`: says what is wrong with this machine, this Kafka and this bus, and how to mend it."""

from bus.cli.caller import Caller, with_caller

EXAMPLES = (
    "agentbus doctor",
    "agentbus doctor --deep --json",
)


@with_caller
def doctor(caller: Caller) -> None:
    """Say what is wrong and how to mend it; exit code 3 if anything is."""
    del caller
