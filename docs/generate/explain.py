"""The page of what `explain --json` writes, from the classes that it writes."""

import ast
import dataclasses
import inspect
import textwrap
from collections.abc import Iterator
from typing import Any

from bus.audit.decisions import Link, Proof, Setting
from bus.audit.explanation import Around, Explanation, Rests, Who
from bus.audit.original import Message, Released
from bus.audit.standing import Standing
from docs.generate import tables

INTRODUCTION = """
`agentbus explain DECISION --json` writes one object with these fields, `agentbus explain SUBJECT --json` a line for
each decision on it with `decision`, `at` and `event`. Times are epoch milliseconds. Fields are added, never changed;
null or empty where there is nothing to say.
"""
SAYS = {
    "decision": "its id",
    "stage": "`gate` or `arbiter`",
    "at": "when the message reached Kafka; of a tick, the time it states",
    "verdict": "as in the journal",
    "reason": "why not, empty for a yes: see [reasons](reasons.md)",
    "event": "what was decided: see [events](events.md)",
    "subject": "what it is about",
    "who": "who spoke, and how that is known",
    "message": "what was said",
    "rests_on": "what the decision rests on",
    "why": "the reasons, in sentences",
    "violations": "everything that was wrong with the message",
    "before": "how the resource stood right before",
    "after": "how it stood right after",
    "followed": "decisions that follow from this one",
    "released": "where it stands on a governed topic",
    "around": "its neighbours in each order it stands in",
    "proof": "the segments it stands in",
    "again": "decisions on the same message sent again",
    "notes": "what could not be said, and why",
}
PARTS = {
    "who": Who,
    "message": Message,
    "rests_on": Rests,
    "before, after": Standing,
    "followed, again, and what stands around": Link,
    "released": Released,
    "around": Around,
    "proof": Proof,
    "registered, set": Setting,
}


def page() -> str:
    """The text of docs/reference/explain.md."""
    names = [field.name for field in dataclasses.fields(Explanation)]
    rows = [(f"`{name}`", SAYS[name]) for name in names]
    parts = [(name, _meaning(part), ", ".join(f"`{key}`" for key in _keys(part))) for name, part in PARTS.items()]
    nested = tables.table(("In", "What it is", "Fields"), parts)
    return tables.page("What explain writes", INTRODUCTION, tables.table(("Field", "What it is"), rows), nested)


def _meaning(part: type[Any]) -> str:  # Any: nine classes that share nothing but a `to_json`
    return tables.sentence((inspect.getdoc(part) or "").partition("\n\n")[0])


def _keys(part: type[Any]) -> Iterator[str]:  # Any: as above
    """The names that its `to_json` writes: keys of its dicts, or names it goes through."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(part.to_json)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            names = node.keys
        elif isinstance(node, ast.Tuple):
            names = list(node.elts)
        else:
            continue
        yield from (one.value for one in names if isinstance(one, ast.Constant) and isinstance(one.value, str))
