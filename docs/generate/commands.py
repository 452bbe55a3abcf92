"""The page of commands: each with its options, examples, JSON and exit codes, from the command line itself."""

import re
from collections.abc import Iterator
from typing import Any

import typer

from bus.cli.app import ABOUT, app
from bus.cli.caller import PANEL
from bus.cli.json_shapes import SHAPES
from docs.generate import tables
from docs.generate.endings import ENDINGS

INTRODUCTION = f"""
{ABOUT}

Data goes to stdout and talk to stderr. `agentbus COMMAND --help` says the same as this page. Not in the tables below,
because every command has them:
"""
JSON_NOTE = """
With `--json` a command writes one object a line, on stdout; fields may be added, none changes its meaning. The codes a
command ends with are in [exit codes](exit-codes.md); every command may end with 0, 1, 2 and 4, and what else is named.
"""
COLUMNS = ("Option", "What it is")


def page() -> str:
    """The text of docs/reference/commands.md."""
    found = dict(commands())
    shared = [_row(parameter) for parameter in found["doctor"].params if _is_shared(parameter)]
    contents = " · ".join(f"[{name}](#agentbus-{name.replace(' ', '-')})" for name in found)
    parts = [part for name, command in found.items() for part in _parts(name, command)]
    options = tables.table(COLUMNS, shared)
    return tables.page("Commands", INTRODUCTION, options, JSON_NOTE, contents, *parts)


def commands() -> Iterator[tuple[str, Any]]:  # Any: the commands of click inside typer
    """Every command that is not hidden, by the words that are typed after `agentbus`."""
    yield from _under(typer.main.get_command(app), "")


def _under(group: Any, path: str) -> Iterator[tuple[str, Any]]:  # Any: as above
    for name, command in group.commands.items():
        if command.hidden:
            continue
        if hasattr(command, "commands"):
            yield from _under(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


def _parts(name: str, command: Any) -> Iterator[str]:  # Any: as above
    yield f"## agentbus {name}"
    yield _paragraphs(command.help or "")
    own = [_row(one) for one in command.params if _is_shown(one)]
    if own:
        yield tables.table(COLUMNS, own)
    yield "\n".join(f"Example: `{example}`\n" for example in _examples(command.epilog or ""))
    if name in SHAPES:
        yield f"With `--json`: {SHAPES[name]}"
    if name in ENDINGS:
        yield "Exit codes: " + " · ".join(f"{code.value} {text}" for code, text in sorted(ENDINGS[name].items()))


def _examples(epilog: str) -> list[str]:
    """Each on one line, as it can be typed."""
    joined = re.sub(r"\\\n\s*", "", epilog)
    found = [line.strip().removeprefix("Example:").strip() for line in joined.splitlines()]
    return [" ".join(line.split()) for line in found if line.startswith("agentbus ")]


def _is_shown(parameter: Any) -> bool:  # Any: as above
    return parameter.name != "help" and not _is_shared(parameter) and not getattr(parameter, "hidden", False)


def _is_shared(parameter: Any) -> bool:  # Any: as above
    return getattr(parameter, "rich_help_panel", None) == PANEL


def _note(text: str) -> str:
    return f"; {text}" if text else ""


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in re.split(r"\n\s*\n", text.replace("\b", "")))


def _row(parameter: Any) -> tuple[str, str]:  # Any: as above
    names = ", ".join(parameter.opts)
    takes_value = parameter.param_type_name == "option" and not parameter.is_flag
    metavar = parameter.metavar or parameter.name.upper()
    name = metavar if parameter.param_type_name == "argument" else f"{names} {metavar}" if takes_value else names
    said = [tables.sentence(parameter.help or "")]
    if parameter.required:
        said.append("Required.")
    elif default := _default(parameter):
        said.append(f"Default: {default}.")
    if variable := getattr(parameter, "envvar", None):
        said.append(f"Also `{variable}`.")
    return f"`{name}`", " ".join(said)


def _default(parameter: Any) -> str:  # Any: as above
    shown = getattr(parameter, "show_default", None)
    if isinstance(shown, str):
        return shown
    value = parameter.default
    if shown is False or value in (None, "", [], (), False) or callable(value) or getattr(parameter, "is_flag", False):
        return ""
    return f"`{getattr(value, 'value', value)}`"
