"""The page of terms: the fields that have an effect today, with their limits, and those that are only kept."""

import dataclasses
import json
from typing import Any

from bus.core.terms import Terms
from bus.shell.catalogue import catalogue_root
from docs.generate import tables

INTRODUCTION = """
The terms of a resource type say who may hold one, for how long, and what must be true first. A file of `agentbus terms
set` has these fields; only `resource` is required. See the [steward's page](../start/steward.md).
"""
FACTS = """
## How a fact comes to be

`when` asks for facts: `when: {stage: [qualified]}` grants a claim only while the fact `stage` of the subject is known
and has one of these values. A fact is never set by hand. It is stated by a message whose *contract* says so:

```yaml
type: leads.lead.stage.v1
resource: lead
key: /lead_id
fact: {name: stage, pointer: /stage, role: crm}
may: [crm]
```

Each admitted message of that type states the fact `stage` about the lead in its subject, with the value its body has at
`/stage`; only an agent with role `crm` may send it. It is known for `facts_ttl_ms`; stated again, it counts anew. What
a subject's facts are: `agentbus resources show lead/L-1`. The fields of a contract:
[contracts](../../schemas/README.md).
"""
LATER = """
## Kept, without effect yet

Contests, votes and people who rule on cases are not there yet: the first claim in the log wins, and a claim on what is
held is denied. So `window_ms` above 0 and `on_held` other than `deny` are refused when they are set. The other fields
only matter inside a contest or a case; they are checked in form and kept.
"""
# What follows today from fields that will mean more.
TODAY = {
    "wait_max_ms": "A longer one is refused as `wait_too_long`, a shorter one as `unresolved`: that takes people.",
    "ask": "Others are refused as `not_allowed`, these as `unresolved`: there are no votes yet.",
    "freeze_above_cost": "Today it is refused as `unresolved`: that takes people.",
}
# What only matters inside a contest or a case.
OF_CONTESTS = frozenset(
    {
        *("window_ms", "on_held", "cooldown_ms", "priority", "ladder"),
        *("veto", "vote", "negotiate", "escalate", "waiting_costs"),
    }
)
# What the schema does not say.
SAYS = {
    "veto": "Which roles may object, for which reasons, and what follows.",
    "vote": "Who votes, how ballots are counted, and how long they last.",
    "negotiate": "What can be agreed on, in how many turns.",
    "escalate": "Which queue of people gets a case, how long they have, and what happens if nobody rules.",
}


def page() -> str:
    """The text of docs/reference/terms.md."""
    schema = json.loads((catalogue_root() / "bus/control.set/v1/schema.json").read_text(encoding="utf-8"))
    fields: dict[str, Any] = schema["$defs"]["terms"]["properties"]  # Any: JSON
    known = {field.name: field.default for field in dataclasses.fields(Terms) if field.name != "revision"}
    defaults = {name: default for name, default in known.items() if name not in OF_CONTESTS}
    rows = [(f"`{name}`", *_cells(name, fields[name], default)) for name, default in defaults.items()]
    later = [(f"`{name}`", _says(name, what)) for name, what in fields.items() if name not in defaults]
    effective = tables.table(("Field", "Value", "Default", "What it says"), rows)
    kept = tables.table(("Field", "What it will say"), later)
    return tables.page("Terms", INTRODUCTION, effective, FACTS, LATER, kept)


def _cells(name: str, what: dict[str, Any], default: object) -> tuple[str, str, str]:  # Any: JSON
    if name == "resource":
        return _value(what), "required", "The resource type: what stands before the slash of a subject."
    shown = "–" if default in (None, ()) else f"`{default}`"
    return _value(what), shown, f"{_says(name, what)} {TODAY.get(name, '')}".strip()


def _says(name: str, what: dict[str, Any]) -> str:  # Any: JSON
    return tables.sentence(what.get("description") or SAYS[name])


def _value(what: dict[str, Any]) -> str:  # Any: JSON
    match what["type"]:
        case "integer":
            return f"integer, {what['minimum']} to {what['maximum']}"
        case "array":
            return f"list, at most {what['maxItems']}"
        case "object":
            return "name: list of values"
        case _:
            return "text"
