"""What each command writes with --json: shown in its help, and the source of the reference's table.

One object a line, keys sorted. Keys are only ever added; a reader ignores those it does not know. `OBJECTS` has the
keys that are always there, so that real output is held against them; "…" says that there are more.
"""

from dataclasses import dataclass

MORE = "…"


@dataclass(frozen=True, slots=True)
class Shape:
    """The keys of one object, each alone or as ``key: what its value is``."""

    parts: tuple[str, ...]

    @property
    def keys(self) -> frozenset[str]:
        """The keys that are always there."""
        return frozenset(part.partition(": ")[0] for part in self.parts) - {MORE}

    @property
    def is_open(self) -> bool:
        """Are there more, which depend on what it tells of?"""
        return MORE in self.parts

    def __str__(self) -> str:
        """As the help shows it."""
        shown = []
        for part in self.parts:
            key, colon, what = part.partition(": ")
            shown.append(part if part == MORE else f'"{key}"{colon}{what}')
        return f"{{{', '.join(shown)}}}"


def _of(*parts: str) -> Shape:
    return Shape(parts)


_ANSWER = _of('kind: "control_set"', "kind_of", "name", "value", "value_hash", "rev", "control", "decision", MORE)
_SET = (
    "the answer of the bus, %s; %s if it was so already.",
    _ANSWER,
    _of('kind: "unchanged"', "kind_of", "name", "value"),
)
_RESOURCE = (
    "subject",
    'state: "frozen", "contested", "held", "ending", "reserved", "cooling" or "free"',
    *("holder", "claim", "token", "until", "since", "lease_ms", "reserved_for", "reserved_until", "cooling_until"),
    *("facts: {…}", "awaiting_report: […]", "ended_by"),
    *("contest: {…}", "case: {…}", "held_actions: […]", "wait: {…}", "cooldowns: {…}"),
)
_DECIDED = _of("decision", "at", "event: {…}")
_TOPIC = _of("topic", "setting", "found", "wanted", 'mend: "create", "alter", "migrate" or "lost"', "done")
_TOPICS = (
    'a line for each difference, %s; setting is Kafka\'s name, "partitions", "replicas" or "" for the topic itself.'
)
_ACL = _of(
    'state: "missing", "too_much" or "in_the_way"',
    *("principal", "resource", "name", "pattern", "operation", "host", "is_denial"),
)
_ACLS = "a line for each difference, %s."
_CASE = (
    *("case", "rev", "n", "subject", "kind", 'why: {"reason", "detail"}', "queue", "tier", "state", "overdue", "due"),
    *("frozen_since", "person", "reserved_until", "alike", "alike_open: number", "at"),
)
_HANDED = _of('kind: "case_changed"', "case", "rev", "state", "decision", MORE)
_LEFT = ("case", "subject", "rev", "reason", "detail", "changes: […]", MORE)
_CHECK = _of("check", "title", "result", "counts", "found", "findings", "not_checked", "moving")

# By command as it is typed: the text with a %s for each object. "a line for each X" means none for none.
_WRITTEN: dict[str, tuple[str, *tuple[Shape, ...]]] = {
    "demo": (
        "a line for each thing that happens, %s; the last one is %s.",
        _of('demo: "act"', "exchange", "event", "count", MORE),
        _of(
            'demo: "end"',
            *("checks", "failed", "took_s", "evidence", "kept", 'things_to_try: [{"command", "why"}]'),
        ),
    ),
    "dev": (
        "%s, once it is ready.",
        _of(
            *("bootstrap", "operator", "domain", "gen", "partitions", "http", "data", "log", "pids: {…}", "lanes: […]"),
            *("agents: […]", "clients: {user: file}"),
        ),
    ),
    "init": ("%s.", _of("created: [topics]", "was_there: true or false", "genesis: {…}")),
    "run": (
        "%s, once it is ready. The log stays on stderr.",
        _of("ready: true", "stages: […]", "pid", "http"),
    ),
    "send": (
        "a line for each answer of the bus, %s (docs/reference/events.md); with --no-wait, or if there is none, %s.",
        _of("kind", "decision", MORE),
        _of("id", "src", "sent: true"),
    ),
    "tail": (
        "a line for each record, %s; time in epoch milliseconds, value parsed if it is JSON.",
        _of("topic", "partition", "offset", "time", "key", "headers: [[name, text], …]", "value"),
    ),
    "lanes ls": ("a line for each lane, %s.", _of("lane", "principal", "agents: [ids]")),
    "lanes set": _SET,
    "lanes rm": _SET,
    "agents ls": (
        'a line for each agent, %s; suspended_by is the suspension that stops it, such as "all", or "".',
        _of("agent", "lane", "roles: […]", "owner", "suspended_by"),
    ),
    "agents set": _SET,
    "agents rm": _SET,
    "persons ls": (
        "a line for each person, %s; owns has the agents set so too, as owned; unregistered are no agents.",
        _of(
            *("person", "roles: […]", "queues: […]", "owns: [ids]", "of_genesis"),
            *("owned: [ids]", "unregistered: [ids]"),
        ),
    ),
    "persons set": _SET,
    "persons rm": _SET,
    "contracts ls": (
        "a line for each contract, %s; may_send null means everybody.",
        _of("type", "revision", "topic", "resource", "guarded", "may_send"),
    ),
    "contracts show": ("the value in force, %s.", _of("contract: {…}", "format", "schema", MORE)),
    "contracts check": ("%s.", _of("contracts: [types]", "terms: [types]", "examples: number", "faults: [sentences]")),
    "contracts apply": ("a line for each value, as `set` writes it: %s or %s.", *_SET[1:]),
    "contracts rm": _SET,
    "terms ls": (
        "a line for each resource type, %s.",
        _of("resource", "revision", "lease_ms", "claimants", "when"),
    ),
    "terms show": ("the terms in force, as they were set: %s.", _of("lease_ms", MORE)),
    "terms check": (
        '%s; a bound by what is contested: "claims", "review" or "question".',
        _of(
            *("resource", "works: true or false", "bound_ms: {…}", 'parts: {over: [{"part", "bound_ms"}]}'),
            'findings: [{"severity", "field", "sentence", "hint"}]',
        ),
    ),
    "terms set": _SET,
    "terms rm": _SET,
    "topics plan": (f"{_TOPICS} None if all is well.", _TOPIC),
    "topics apply": (_TOPICS, _TOPIC),
    "acls print": (
        "a line for each thing a principal may do, %s.",
        _of("principal", "roles: […]", "resource", "name", 'pattern: "literal" or "prefixed"', "operation"),
    ),
    "acls check": (f"{_ACLS} None if all is well.", _ACL),
    "acls apply": (_ACLS, _ACL),
    "suspend": (
        "the answer of the bus, %s; %s if it was so already.",
        _of('kind: "control_set"', 'kind_of: "suspended"', "name", "value", "rev", "control", "decision", MORE),
        _of('kind: "unchanged"', 'kind_of: "suspended"', "name"),
    ),
    "resume": (
        "the answer of the bus, %s.",
        _of('kind: "control_set"', 'kind_of: "suspended"', "name", "value: null", "rev", "control", "decision", MORE),
    ),
    "verify": (
        "%s, and of each check %s.",
        _of("source", 'result: "ok" or "findings"', "found", "moving", "checks: […]"),
        _CHECK,
    ),
    "explain": (
        "of a decision %s; of a subject %s, then a line for each decision, %s. See docs/reference/explanations.md.",
        _of(
            *("decision", "stage", "at", "verdict", "reason", "subject", "event: {…}", "who: {…}", "message: {…}"),
            *("rests_on: […]", "why: [sentences]", "violations: […]", "before: {…}", "after: {…}", "followed: […]"),
            *("released: {…}", "around: […]", "proof: […]", "again: […]", "notes: […]", "contest: {…}", MORE),
        ),
        _of("standing: {…}", "left_out: number", "contests: [ids]", "contest: {…}"),
        _DECIDED,
    ),
    "cases ls": (
        "a line a case, %s; alike is the same of alike cases, tier counts from 0; with --as %s; with --alike %s.",
        _of(*_CASE, MORE),
        _of("you: {person, may, why_not}", MORE),
        _of("differs: {label: text}", MORE),
    ),
    "cases show": (
        "the case file as docs/wire.md has it, %s; an open one with may_rule: [persons], with --as also %s.",
        _of("case", "n", "rev", "state", "kind", "subject", "rulings: […]", "at", "alike_with: [cases]", MORE),
        _of("you: {person, may, why_not}", MORE),
    ),
    "cases reserve": ("the answer of the bus, %s.", _HANDED),
    "cases release": ("the answer of the bus, %s.", _HANDED),
    "cases rule": (
        "the answer of the bus to each ruling, %s or %s; of a case that is not ruled %s; with --dry-run %s or %s.",
        _of('kind: "case_closed"', "case", "rev", "state", "ruling", "person", "decision", MORE),
        _of('kind: "refused"', "reason", "detail", "decision", MORE),
        _of('kind: "left_alone"', *_LEFT),
        _of('kind: "would_rule"', "case", "subject", "rev", "ruling", "candidate", "effects: […]", "irreversible"),
        _of('kind: "would_not_rule"', *_LEFT),
    ),
    "cases watch": ("a line for each case that waits, then for each change, %s.", _of(*_CASE, "time")),
    "resources ls": (
        'a line for each resource, %s; with --watch a line for each change, with "time"; %s if part is not readable.',
        _of(*_RESOURCE),
        _of("not_known: [sentences]"),
    ),
    "resources show": (
        "the resource as `resources ls` has it, with its last decisions, %s; each of them %s.",
        _of(*_RESOURCE, "decisions: […]"),
        _DECIDED,
    ),
    "agents show": (
        "%s; suspended_by as `agents ls` has it, suspension when and by whom; held is how many it holds.",
        _of(
            *("agent", "lane", "principal", "roles: […]", "owner", "suspended_by", "suspension", "set: {…}"),
            *("holds: […]", "held", "reserved: […]", "messages: […]", "counts: {kind: number}"),
            *("refusals: {reason: number}", "in_its_name: {reason: number}"),
        ),
    ),
    "doctor": (
        "a line for each check, %s; unseen is what was not looked at.",
        _of("group", "check", 'state: "ok", "note", "unseen" or "wrong"', "sentence", "remedy"),
    ),
    "simulate": (
        "a line for each seed, %s, and of each violation %s.",
        _of(
            *("seed", "minutes", 'result: "ok" or "violation"', "counts: {what: number}"),
            *("fingerprint", "violations: […]"),
        ),
        _of("invariant", "sentence", "records: […]"),
    ),
    "completion": ("%s.", _of("shell", "script")),
}

OBJECTS = {name: objects for name, (_, *objects) in _WRITTEN.items()}
SHAPES = {name: text % tuple(objects) for name, (text, *objects) in _WRITTEN.items()}
