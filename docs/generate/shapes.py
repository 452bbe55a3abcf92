"""What each command writes with `--json`, and the exit codes it has of its own; tests run the commands and compare."""

from dataclasses import dataclass, field

from bus.cli.failures import ExitCode


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of an object, how many objects there are, and why the command ends as it does."""

    fields: tuple[str, ...] = ()
    per: str = "one object"
    note: str = ""
    codes: dict[ExitCode, str] = field(default_factory=dict)


_EVENT = "an event as in [events](events.md)"
_CHANGES = {
    ExitCode.FINDINGS: "refused: what is wrong is listed",
    ExitCode.CONFLICT: "somebody changed it since",
    ExitCode.NOT_PERMITTED: "the person may not do that",
}
_UNKNOWN = {ExitCode.NOT_FOUND: "there is no such thing"}
_SET = Shape(note=f"{_EVENT}, `control_set`", codes=_CHANGES)
_REMOVED = Shape(note=f"{_EVENT}, `control_set`", codes={**_UNKNOWN, **_CHANGES})
_A_LINE = "an object a line"

SHAPES: dict[str, Shape] = {
    "demo": Shape(note="none; it talks"),
    "dev": Shape(
        ("bootstrap", "operator", "domain", "gen", "partitions", "http", "data", "pids", "log", "lanes", "agents"),
        note="written once everything runs",
    ),
    "init": Shape(("created", "was_there", "genesis"), codes={ExitCode.CONFLICT: "another bus is on this Kafka"}),
    "run": Shape(("ready", "stages", "pid", "http"), note="written once all stages work"),
    "send": Shape(
        note=f"each answer is {_EVENT}; without an answer `id`, `src` and `sent`",
        codes={
            ExitCode.FINDINGS: "refused or denied",
            ExitCode.CONFLICT: "refused as `stale_base` or `id_reuse`",
            ExitCode.NOT_PERMITTED: "the sender may not do that",
        },
    ),
    "tail": Shape(("topic", "partition", "offset", "time", "key", "headers", "value"), per=_A_LINE),
    "suspend": Shape(note=f"{_EVENT}, `control_set`", codes=_CHANGES),
    "resume": Shape(note=f"{_EVENT}, `control_set`", codes=_CHANGES),
    "verify": Shape(
        ("bus", "checks", "findings", "read"),
        codes={ExitCode.FINDINGS: "something is wrong", ExitCode.NOT_FOUND: "there is no such folder"},
    ),
    "lanes ls": Shape(("lane", "principal", "agents"), per=_A_LINE),
    "lanes set": _SET,
    "lanes rm": _REMOVED,
    "agents ls": Shape(("agent", "lane", "roles", "owner", "suspended_by"), per=_A_LINE),
    "agents set": _SET,
    "agents rm": _REMOVED,
    "persons ls": Shape(("person", "roles", "queues", "owns", "of_genesis"), per=_A_LINE),
    "persons set": _SET,
    "persons rm": _REMOVED,
    "contracts ls": Shape(("type", "revision", "topic", "resource", "guarded", "may_send"), per=_A_LINE),
    "contracts show": Shape(("contract", "format", "schema", "ids", "guids"), codes=_UNKNOWN),
    "contracts rm": _REMOVED,
    "terms ls": Shape(("resource", "revision", "lease_ms", "claimants", "when"), per=_A_LINE),
    "terms show": Shape(note="the value as it was set", codes=_UNKNOWN),
    "terms set": _SET,
    "terms rm": _REMOVED,
}
