"""The exit codes that a command has of its own, beside those that every command may end with."""

from bus.cli.failures import ExitCode

EVERY = (ExitCode.OK, ExitCode.INTERNAL, ExitCode.USAGE, ExitCode.UNREACHABLE)

Ending = dict[ExitCode, str]

_UNKNOWN: Ending = {ExitCode.NOT_FOUND: "there is no such thing"}
_CHANGED: Ending = {
    ExitCode.FINDINGS: "refused: what is wrong is listed",
    ExitCode.CONFLICT: "somebody changed it since",
    ExitCode.NOT_PERMITTED: "the person may not do that",
}
_TAKEN_AWAY = _CHANGED | _UNKNOWN
_NOT_READABLE = "this login may not read the journals"
_PART_MISSING = "part of the journals could not be read, so what is shown may not be all"
_NOT_ESCALATIONS = "this login may not read the case files"
_RULED: Ending = {
    ExitCode.FINDINGS: "refused for another reason",
    ExitCode.CONFLICT: "the case was not shown, has changed since, or is closed",
    ExitCode.NOT_PERMITTED: "the person may not rule on it, or this login may not",
}
_ASKED = _UNKNOWN | {ExitCode.NOT_PERMITTED: _NOT_READABLE}

ENDINGS: dict[str, Ending] = {
    "demo": {ExitCode.FINDINGS: "something that had to happen was not seen"},
    "init": {ExitCode.CONFLICT: "another bus is on this Kafka"},
    "send": {
        ExitCode.FINDINGS: "refused or denied",
        ExitCode.NOT_FOUND: "the sender has no lane",
        ExitCode.CONFLICT: "refused as `stale_base` or `id_reuse`",
        ExitCode.NOT_PERMITTED: "refused because of who sent it",
    },
    "tail": {ExitCode.NOT_FOUND: "there is no such topic or lane"},
    "suspend": _TAKEN_AWAY,
    "resume": _CHANGED,
    "verify": {ExitCode.FINDINGS: "something is wrong", ExitCode.NOT_FOUND: "there is no such folder"},
    "explain": _ASKED,
    "cases show": _UNKNOWN | {ExitCode.NOT_PERMITTED: _NOT_ESCALATIONS},
    "cases ls": {ExitCode.NOT_PERMITTED: _NOT_ESCALATIONS},
    "cases watch": {ExitCode.NOT_PERMITTED: _NOT_ESCALATIONS},
    **{f"cases {verb}": _UNKNOWN | _RULED for verb in ("reserve", "release", "rule")},
    "resources ls": {ExitCode.FINDINGS: _PART_MISSING, ExitCode.NOT_PERMITTED: _NOT_READABLE},
    "resources show": _ASKED | {ExitCode.FINDINGS: _PART_MISSING},
    "agents show": _ASKED,
    "doctor": {
        ExitCode.FINDINGS: "something is wrong",
        ExitCode.NOT_PERMITTED: "nothing that was looked at is wrong, and this login may not look at all of it",
    },
    "contracts show": _UNKNOWN,
    "contracts check": {ExitCode.FINDINGS: "an example or a contract is wrong"},
    "contracts apply": _CHANGED,
    "terms show": _UNKNOWN,
    "terms check": _UNKNOWN | {ExitCode.FINDINGS: "the terms cannot work"},
    "topics plan": {ExitCode.FINDINGS: "there are differences"},
    "topics apply": {ExitCode.FINDINGS: "something remains that only a migration can change"},
    "acls check": {ExitCode.FINDINGS: "there are differences"},
    **{f"{noun} set": _CHANGED for noun in ("lanes", "agents", "persons")},
    "terms set": _CHANGED | {ExitCode.FINDINGS: "they cannot work, or are refused: what is wrong is listed"},
    **{f"{noun} rm": _TAKEN_AWAY for noun in ("lanes", "agents", "persons", "contracts", "terms")},
}
