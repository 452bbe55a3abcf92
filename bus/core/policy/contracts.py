"""A contract: what a message type must look like, who may send it, and what it does on arrival."""

from collections.abc import Mapping
from typing import Any, Literal

from bus.core.frozen import dataclass

# Any because the shape of a body is exactly what a schema is there to check.
JsonObject = Mapping[str, Any]

BUILT_IN_PREFIX = "bus."
VIOLATIONS_MAX = 20  # a list longer than this helps nobody; one more entry says that there are more
MESSAGE_CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True, order=True)
class Violation:
    """One thing wrong with a message: where (JSON pointer), by which keyword or rule, and what to do about it."""

    path: str
    keyword: str
    rule: str = ""
    message: str = ""
    hint: str = ""

    def to_json(self) -> dict[str, str]:
        """The wire form: all five fields, always."""
        return {
            "path": self.path,
            "keyword": self.keyword,
            "rule": self.rule,
            "message": self.message,
            "hint": self.hint,
        }


@dataclass(frozen=True, slots=True)
class Rule:
    """A cross-field rule in CEL; ``when`` true means the message breaks it. ``shadow`` only counts."""

    id: str
    when: str
    do: Literal["refuse", "shadow"]
    say: str


@dataclass(frozen=True, slots=True)
class FactSource:
    """What a fact type states: the fact's name, where its value is in the body, and the role that owns it."""

    name: str
    pointer: str
    role: str


@dataclass(frozen=True, slots=True)
class Review:
    """Who judges an action before it is admitted, and for how long (ms; None: as the terms say)."""

    seats: tuple[str, ...]
    ballot_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Contract:
    """One revision of a contract in force; ``schema`` is the schema's text as registered.

    ``may`` None lets every registered sender in, an empty tuple nobody. ``sender`` narrows built-in types
    to agents or to persons. Pointers are RFC 6901 JSON pointers into the body; absent ones are "".
    """

    type: str
    revision: int
    format: Literal["json", "avro"]
    schema: str
    topic: str = ""
    resource: str = ""
    key: str = ""
    guard: bool = False
    cost: str = ""
    review: Review | None = None
    irreversible: bool = False
    fact: FactSource | None = None
    may: tuple[str, ...] | None = None
    sender: Literal["agent", "person", "any"] = "any"
    rules: tuple[Rule, ...] = ()
    owner: str = ""
    ids: tuple[int, ...] = ()
    guids: tuple[str, ...] = ()

    @property
    def ref(self) -> str:
        """How headers and journals name this revision: ``type@revision``."""
        return f"{self.type}@{self.revision}"


def contract_from_json(value: JsonObject, revision: int) -> Contract:
    """Build a contract from the value of a ``contract`` control (schema-checked before).

    ``value`` is ``{"contract": {…}, "format", "schema", "ids", "guids"}``; without ``schema`` (as journals carry it)
    the schema's text is "".
    """
    body = value["contract"]
    fact = body.get("fact")
    may = body.get("may")
    return Contract(
        type=body["type"],
        revision=revision,
        format=value.get("format", "json"),
        schema=value.get("schema", ""),
        topic=body.get("topic", ""),
        resource=body.get("resource", ""),
        key=body.get("key", ""),
        guard=body.get("guard", False),
        cost=body.get("cost", ""),
        review=_review(body.get("review")),
        irreversible=body.get("irreversible", False),
        fact=FactSource(fact["name"], fact["pointer"], fact["role"]) if fact else None,
        may=tuple(may) if may is not None else None,
        sender=body.get("sender", "any"),
        rules=tuple(Rule(r["id"], r["when"], r.get("do", "refuse"), r["say"]) for r in body.get("rules", ())),
        owner=body.get("owner", ""),
        ids=tuple(value.get("ids", ())),
        guids=tuple(value.get("guids", ())),
    )


def _review(value: JsonObject | None) -> Review | None:
    if not value:
        return None
    ballot_ms = value.get("ballot_ms")
    return Review(tuple(value.get("seats", ())), int(ballot_ms) if ballot_ms is not None else None)


def shortened(violations: list[Violation]) -> tuple[Violation, ...]:
    """Sort by (path, keyword), keep the first twenty, and say when there are more."""
    ordered = sorted(violations)
    if len(ordered) <= VIOLATIONS_MAX:
        return tuple(ordered)
    return (*ordered[:VIOLATIONS_MAX], Violation(path="", keyword="more"))
