"""The reason codes, settings and metrics the bus promises: as the code has them and as the docs have them."""

import ast
import importlib
import re
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel
from pydantic_settings import BaseSettings

from tests.tidy.tree import ROOT, files_under, syntax_of, text_of

KINDS = ("reasons", "settings", "metrics")
METRIC_MAKERS = {"Counter", "Gauge", "Histogram", "Summary", "Info"}

# A row of docs/reference/*.md documents the name in its first cell: | `name` | what it means … |
_ROW = re.compile(r"^\| `([^`]+)` \|\s*(\S.*)$", re.MULTILINE)


def in_code(kind: str) -> dict[str, set[str]]:
    """Every promised name with the other spellings under which a test may mention it."""
    match kind:
        case "reasons":
            return _reasons()
        case "settings":
            return _settings()
        case _:
            return _metrics()


def in_docs(kind: str) -> list[str]:
    """The names docs/reference documents, in its order."""
    path = reference(kind)
    assert path.exists(), (
        f"docs/reference/{kind}.md is missing: write a row | `name` | meaning | for each of the {kind}"
    )
    return [name for name, _ in _ROW.findall(text_of(path))]


def reference(kind: str) -> Path:
    """The page that documents this kind of name."""
    return ROOT / f"docs/reference/{kind}.md"


def _module(name: str) -> ModuleType:
    path = ROOT / (name.replace(".", "/") + ".py")
    assert path.exists(), f"{path.relative_to(ROOT)} is missing, so nothing can be checked against its docs"
    return importlib.import_module(name)


def _reasons() -> dict[str, set[str]]:
    """Every code of every list of reasons; a test may name it as a member too."""
    found: dict[str, set[str]] = {}
    for value in vars(_module("bus.core.decision.reasons")).values():
        if isinstance(value, type) and issubclass(value, StrEnum) and value is not StrEnum:
            for member in value:
                found.setdefault(str(member), set()).add(f"{value.__name__}.{member.name}")
    return found


def _settings() -> dict[str, set[str]]:
    """Every setting by the environment variable that sets it; a test may name the field too."""
    found: dict[str, set[str]] = {name: set() for name in _variables_read_directly()}
    for value in vars(_module("bus.shell.settings")).values():
        if isinstance(value, type) and issubclass(value, BaseSettings) and value is not BaseSettings:
            configuration: dict[str, Any] = dict(value.model_config)
            delimiter = configuration.get("env_nested_delimiter") or "__"
            found |= _variables(value, str(configuration.get("env_prefix") or ""), delimiter)
    return found


def _variables_read_directly() -> set[str]:
    """The AGENTBUS_ variables that code asks the environment for without a settings model."""
    constants = (
        node.value
        for path in files_under("bus", suffix=".py")
        for node in ast.walk(syntax_of(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return {text for text in constants if re.fullmatch(r"AGENTBUS_[A-Z_]*[A-Z]", text)}


def _variables(model: type[BaseModel], prefix: str, delimiter: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for field, info in model.model_fields.items():
        alias = info.validation_alias
        variable = (alias if isinstance(alias, str) else prefix + field).upper()
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            found |= _variables(info.annotation, variable + delimiter, delimiter)
        else:
            found[variable] = {field}
    return found


def _metrics() -> dict[str, set[str]]:
    """Every metric by the name a scrape shows."""
    path = ROOT / "bus/shell/metrics.py"
    assert path.exists(), "bus/shell/metrics.py is missing, so nothing can be checked against its docs"
    found: dict[str, set[str]] = {}
    for node in ast.walk(syntax_of(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in METRIC_MAKERS:
            found[_metric_name(node)] = set()
    return found


def _metric_name(call: ast.Call) -> str:
    first = call.args[0] if call.args else None
    assert isinstance(first, ast.Constant), f"{ast.unparse(call)[:80]}: give the metric its name in plain text"
    name = str(first.value)
    is_bare_counter = ast.unparse(call.func).endswith("Counter") and not name.endswith("_total")
    return f"{name}_total" if is_bare_counter else name


def earned_in_tests() -> str:
    """All tests but the tidy ones, as one text."""
    tests = files_under("tests", suffix=".py") + files_under("tests", suffix=".txt")
    return "\n".join(text_of(path) for path in tests if not path.is_relative_to(ROOT / "tests/tidy"))
