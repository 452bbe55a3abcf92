"""The page of terms: every field of a file of terms with its limits and its default, and how a fact comes to be."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from bus.core.policy.terms import EscalateTerms, NegotiateTerms, Terms, VetoTerms, VoteTerms
from bus.shell.catalogue import catalogue_root
from docs.generate import tables

INTRODUCTION = """
The terms of a resource type say who may hold one, for how long, what must be true first, and what happens when several
want it. A file of `agentbus terms set` has these fields; only `resource` is required. See the [steward's
page](../start/steward.md#when-several-want-it).
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
CONTESTS = """
## Contests and cases

What happens when several want one subject, when seats must judge, and when a person decides. `agentbus terms check`
says of terms how long a contest takes at worst, and what in them cannot work. Nothing is ever approved by a time-out.
"""
# What a value leads to.
LEADS_TO = {
    "wait_max_ms": "A longer one is refused as `wait_too_long`; 0: none may be announced.",
    "ask": "Others are refused as `not_allowed`.",
    "freeze_above_cost": "A person decides on it.",
    "priority": "A role that is not listed comes last.",
    "on_expiry": "After the last tier: it stays open; ends, and what waits is denied; or the holder loses it as well.",
}
# The fields of the table of contests, those that have fields of their own last.
OF_CONTESTS = ("window_ms", "on_held", "cooldown_ms", "priority", "ladder", "waiting_costs")
PARTS = {"vote": VoteTerms, "negotiate": NegotiateTerms, "veto": VetoTerms, "escalate": EscalateTerms}
# What the schema does not say.
SAYS = {
    "vote": "How the rung `vote` counts, and how a review or a question does:",
    "vote.seats": "Roles or agents' ids; each is one seat, whoever of them votes.",
    "vote.method": "What a majority is: the most ballots, more than half, a share, weighed, or by approval or rank.",
    "vote.threshold_bp": "Of `supermajority`: this share of the ballots that choose. Basis points.",
    "vote.weights": "Of `weighted`: what a seat's ballot weighs; a seat that is not listed weighs 1.",
    "vote.quorum_bp": "This share of the seats must vote, or the contest goes to the next rung. Basis points.",
    "vote.claimants_vote": "May who claims vote as well? Who acts under review never does.",
    "negotiate": "What the parties can agree on, in turns:",
    "negotiate.max_turns": "After so many the next rung takes over; absent: two for each party, 32 at most.",
    "veto": "A list of objections that end a contest. Each has:",
    "veto.role": "Who may object.",
    "veto.reasons": "For which reasons; `*` at the end stands for any ending.",
    "veto.then": "A person decides, or all claims are denied and what is held is refused.",
    "escalate": "What happens with a case:",
    "escalate.queue": "The queue of the people who rule on it.",
}


def page() -> str:
    """The text of docs/reference/terms.md."""
    schema = json.loads((catalogue_root() / "bus/control.set/v1/schema.json").read_text(encoding="utf-8"))
    fields: dict[str, Any] = schema["$defs"]["terms"]["properties"]  # Any: JSON
    of_all = [name for name in _defaults(Terms) if name not in (*OF_CONTESTS, *PARTS, "revision")]
    parts = [part for name, kind in PARTS.items() for part in _part(name, kind, fields[name])]
    return tables.page(
        "Terms",
        INTRODUCTION,
        _table(of_all, fields, _defaults(Terms)),
        FACTS,
        CONTESTS,
        _table(OF_CONTESTS, fields, _defaults(Terms)),
        *parts,
    )


def _part(name: str, kind: type, what: dict[str, Any]) -> tuple[str, str]:  # Any: JSON
    """The sentence above the fields of a field, and their table."""
    fields = what.get("items", what)["properties"]
    return f"`{name}`: {SAYS[name]}", _table(list(fields), fields, _defaults(kind), f"{name}.")


def _defaults(kind: type) -> dict[str, object]:
    """What each field is where terms do not say it; MISSING where they must."""
    found = dataclasses.fields(kind)
    return {
        one.name: one.default if one.default_factory is dataclasses.MISSING else one.default_factory() for one in found
    }


def _table(names: Sequence[str], fields: dict[str, Any], defaults: dict[str, object], prefix: str = "") -> str:
    rows = [(f"`{name}`", *_cells(name, fields[name], defaults[name], prefix)) for name in names]
    return tables.table(("Field", "Value", "Default", "What it says"), rows)


def _cells(name: str, what: dict[str, Any], default: object, prefix: str) -> tuple[str, str, str]:  # Any: JSON
    if name == "resource":
        return _value(what), "required", "The resource type: what stands before the slash of a subject."
    says = tables.sentence(what.get("description") or SAYS[prefix + name])
    return _value(what), _shown(default), f"{says} {LEADS_TO.get(name, '')}".strip()


def _shown(default: object) -> str:
    if default is dataclasses.MISSING:
        return "required"
    if default is None or default in ((), "") or isinstance(default, Mapping):
        return "–"
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


def _value(what: dict[str, Any]) -> str:  # Any: JSON
    if choices := what.get("enum") or what.get("items", {}).get("enum"):
        among = ", ".join(f"`{one}`" for one in choices)
        return f"list of {among}" if what.get("type") == "array" else among
    match what["type"]:
        case "integer":
            return f"integer, {what['minimum']} to {what['maximum']}"
        case "array":
            return f"list, at most {what['maxItems']}"
        case "object":
            values = what["additionalProperties"]
            return "name: integer" if values["type"] == "integer" else "name: list of values"
        case "boolean":
            return "true or false"
        case _:
            return "text"
