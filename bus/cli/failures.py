"""Turns whatever went wrong into one sentence with its cause and the next step, and into an exit code."""

from enum import IntEnum

from bus.shell.errors import (
    BusError,
    ConflictError,
    NotInitialisedError,
    NotPermittedError,
    RetryableError,
    UsageError,
)


class ExitCode(IntEnum):
    """What a script learns without reading."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    FINDINGS = 3
    UNREACHABLE = 4
    NOT_FOUND = 5
    CONFLICT = 6
    NOT_PERMITTED = 7


class CommandError(BusError):
    """A command that cannot be carried out, with the code it ends with."""

    def __init__(self, code: ExitCode, message: str, next_step: str = "") -> None:
        super().__init__(message, next_step)
        self.exit_code = code


def exit_code_of(error: BusError) -> ExitCode:
    """The code that goes with an error of the shell."""
    match error:
        case CommandError():
            return error.exit_code
        case NotPermittedError():
            return ExitCode.NOT_PERMITTED
        case RetryableError():  # Kafka is away, or too slow
            return ExitCode.UNREACHABLE
        case UsageError():
            return ExitCode.USAGE
        case NotInitialisedError():
            return ExitCode.NOT_FOUND
        case ConflictError():
            return ExitCode.CONFLICT
        case _:
            return ExitCode.INTERNAL


def sentence_of(error: Exception) -> tuple[str, ExitCode]:
    """One sentence and an exit code for anything that can be raised; `AGENTBUS_DEBUG=1` shows where it came from."""
    if isinstance(error, BusError):
        again = "try again" if isinstance(error, RetryableError) else ""
        return sentence(error.message, error.next_step or again), exit_code_of(error)
    name = type(error).__name__
    if name == "DevError":  # by name: bus.dev is an extra, and slow to import
        return sentence(str(getattr(error, "message", error)), str(getattr(error, "next_step", ""))), ExitCode.INTERNAL
    if name == "CatalogueError":
        return str(error), ExitCode.USAGE
    if name == "KafkaException":
        if _reason(error).startswith("Failed to create"):  # nothing was asked of any Kafka yet
            step = "correct the settings that --kafka-config or -X give"
            return sentence(f"Kafka's client does not take its settings: {_reason(error)}", step), ExitCode.USAGE
        return sentence(f"Kafka says: {_reason(error)}", "check --bootstrap and the ACLs"), ExitCode.UNREACHABLE
    if isinstance(error, ModuleNotFoundError):
        return f"{error.name} is not installed; install agentbus[dev], which brings it", ExitCode.INTERNAL
    text = " ".join(str(error).split())[:200]
    step = "this is a fault of agentbus: run it again with AGENTBUS_DEBUG=1 and report what it shows"
    return sentence(f"{name}: {text}" if text else name, step), ExitCode.INTERNAL


def sentence(message: str, next_step: str) -> str:
    """Cause and next step in one sentence."""
    return f"{message}; {next_step}" if next_step else message


def _reason(error: Exception) -> str:
    first = error.args[0] if error.args else error
    return str(first.str()) if hasattr(first, "str") else str(first)
