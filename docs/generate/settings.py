"""The page of settings, from the model that reads them, and the variables that are read before there is a model."""

from typing import Any

from pydantic_core import PydanticUndefined

from bus.shell.settings import READ_ELSEWHERE, Settings
from docs.generate import tables

INTRODUCTION = """
A setting is an environment variable; where a [command](commands.md) has an option for it, the option wins.
"""


def page() -> str:
    """The text of docs/reference/settings.md."""
    prefix = Settings.model_config["env_prefix"]
    rows = [
        (f"`{prefix}{name.upper()}`", _default(field.default), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    rows += [(f"`{name}`", default, text) for name, (default, text) in READ_ELSEWHERE.items()]
    return tables.page("Settings", INTRODUCTION, tables.table(("Variable", "Default", "What it is"), rows))


def _default(value: Any) -> str:  # Any: each setting has a type of its own
    return "–" if value in (None, "", PydanticUndefined) else f"`{value}`"
