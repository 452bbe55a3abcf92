"""The page of exit codes: what a script learns without reading."""

from bus.cli.failures import ExitCode
from docs.generate import tables

INTRODUCTION = """
What a script learns from a [command](commands.md) without reading. Every error is one sentence on stderr that names the
cause and the next step; with `AGENTBUS_DEBUG=1` the traceback behind it is shown as well.
"""
MEANS = {
    ExitCode.OK: "done",
    ExitCode.INTERNAL: "the command itself failed: report it",
    ExitCode.USAGE: "wrong use: an option, a name, a file that cannot be read as what it should be",
    ExitCode.FINDINGS: "refused, denied, or something is wrong: `verify` and `doctor` have findings",
    ExitCode.UNREACHABLE: "Kafka or the bus did not answer in time",
    ExitCode.NOT_FOUND: "there is no such thing",
    ExitCode.CONFLICT: "somebody was faster, or something else is there already",
    ExitCode.NOT_PERMITTED: "not permitted; of `doctor`: this login may not look at everything, the rest is well",
}
CTRL_C = 130


def page() -> str:
    """The text of docs/reference/exit-codes.md."""
    rows = [(str(code.value), MEANS[code]) for code in ExitCode]
    rows.append((str(CTRL_C), "ended by Ctrl-C"))
    return tables.page("Exit codes", INTRODUCTION, tables.table(("Code", "Means"), rows))
