"""The page of the client: every public class with its methods, as they are written, and every exception."""

import ast
import dataclasses
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

from bus import client
from docs.generate import tables

INTRODUCTION = """
All that `bus.client` has for a program. How to use it: [agent developer](../start/agent-developer.md). A duration in an
argument ends in `_s` (seconds) or `_ms` (milliseconds). Everything raises the [exceptions](#exceptions) below.
"""
EXCEPTIONS = """
## Exceptions

Each is one sentence, and each has `advice`: what to do, in one more. The second column says what else catches it, the
most general first.
"""
TYPES = """
## Names in the signatures
"""
# Public among the modules of the client, and of no use to a program.
INNER = frozenset(
    {"revive", "abandon", "begin_release", "end_release", "leave", "begin_wait", "end_wait", "begin_resume"}
)
MADE_BY_THE_READER = (client.Bus, client.AsyncBus, client.MemoryStore, client.SqliteStore)


def page() -> str:
    """The text of docs/reference/client.md."""
    public = [getattr(client, name) for name in client.__all__]
    failures = [one for one in public if issubclass(one, client.ClientError)]
    rest = [one for one in public if one not in failures]
    first = [one for one in MADE_BY_THE_READER if one in rest]
    parts = ["\n".join(_class(one)) for one in [*first, *(one for one in rest if one not in first)]]
    rows = [(f"`{one.__name__}`", _line(one), _sentences(one), _attributes(one)) for one in failures]
    table = tables.table(("Exception", "Caught as", "When", "Has"), rows)
    return tables.page("The client", INTRODUCTION, *parts, EXCEPTIONS, table, TYPES, _aliases("\n".join(parts)))


def _class(one: type[Any]) -> Iterator[str]:  # Any: whatever the client has
    yield f"## {one.__name__}\n"
    if one in MADE_BY_THE_READER:
        yield f"`{one.__name__}{_signature(one.__init__)}`\n"
    yield from _paragraphs(inspect.getdoc(one) or "")
    rows = [(f"`{field.name}`", _flat(_written(one, field.name))) for field in _fields(one)]
    if rows:
        yield tables.table(("Field", "Type"), rows)
    members = [_member(name, what) for name, what in _public(one)]
    if members:
        yield tables.table(("Has", "What it does"), members)


def _member(name: str, what: Any) -> tuple[str, str]:  # Any: a property or a function
    if isinstance(what, property):
        return f"`{name}`", _sentences(what)
    before = "await " if inspect.iscoroutinefunction(what) else ""
    return f"`{before}{name}{_signature(what)}`", _sentences(what)


def _public(one: type[Any]) -> Iterator[tuple[str, Any]]:  # Any: as above
    for name, what in vars(one).items():
        if not name.startswith("_") and name not in INNER and isinstance(what, FunctionType | property):
            yield name, what


def _fields(one: type[Any]) -> list["dataclasses.Field[Any]"]:  # Any: as above
    found = dataclasses.fields(one) if dataclasses.is_dataclass(one) else ()
    return [field for field in found if not field.name.startswith("_")]


def _line(one: type[Any]) -> str:  # Any: as above
    """What it is a kind of, the most general first."""
    above = [base.__name__ for base in one.__mro__[1:] if issubclass(base, client.ClientError)]
    return ", ".join(f"`{name}`" for name in reversed(above)) or "–"


def _attributes(one: type[Any]) -> str:  # Any: as above
    """What its `__init__` keeps of it, and its properties."""
    source = inspect.getsource(one)
    kept = [*re.findall(r"^\s+self\.([a-z]\w*)(?:: [^=]+)? = ", source, re.MULTILINE)]
    kept += [name for name, what in vars(one).items() if isinstance(what, property)]
    return ", ".join(f"`{name}`" for name in kept) or "–"


def _signature(function: Any) -> str:  # Any: as above
    """As it is written, without `self`."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef)
    written = re.sub(r"^self(, )?", "", ast.unparse(tree.args))
    returns = f" → {ast.unparse(tree.returns)}" if tree.returns and ast.unparse(tree.returns) != "None" else ""
    return _flat(f"({written}){returns}")


def _written(one: type[Any], name: str) -> str:  # Any: as above
    """The type of a field, as it is written."""
    for line in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(one)))):
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and line.target.id == name:
            return ast.unparse(line.annotation)
    return ""


def _aliases(shown: str) -> str:
    """What a name such as `Start` stands for, of those that are shown."""
    found: dict[str, str] = {}
    for path in sorted(Path(inspect.getfile(client)).parent.glob("*.py")):
        for line in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
                found.setdefault(line.targets[0].id, ast.unparse(line.value))
    words = {word for code in re.findall(r"`[^`\n]+`|: [^`]+$", shown) for word in re.findall(r"[A-Z]\w+", code)}
    used = [name for name in sorted(found) if name in words and (name == "TIMEOUT_S" or not name.isupper())]
    return tables.table(("Name", "Stands for"), [(f"`{name}`", f"`{_flat(found[name])}`") for name in used])


def _flat(text: str) -> str:
    return " ".join(text.split()).replace('"', "'")


def _sentences(what: Any) -> str:  # Any: as above
    return tables.sentence(inspect.getdoc(what) or "")


def _paragraphs(text: str) -> Iterator[str]:
    """A docstring as Markdown: a paragraph with indented lines is code."""
    for part in re.split(r"\n\s*\n", text):
        if re.search(r"^    ", part, re.MULTILINE):
            yield f"```\n{textwrap.dedent(part)}\n```\n"
        else:
            yield f"{tables.sentence(part)}\n"
