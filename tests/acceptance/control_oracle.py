"""What control had in force at every number, folded by the tests themselves from the accepted control messages."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.acceptance.wire import Json, canonical, sha256

STEWARD_ROLES = ("steward", "operator")
FREE_TEXT = {"type": "string", "maxLength": 4096}


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract as the gate needs it; `may` None means every registered sender of the right kind."""

    type: str
    revision: int
    format: str = "json"
    schema: Json = None
    ids: tuple[int, ...] = ()
    guids: tuple[str, ...] = ()
    topic: str | None = None
    resource: str | None = None
    key: str | None = None
    is_guarded: bool = False
    fact: Json = None
    may: tuple[str, ...] | None = None
    rules: tuple[Json, ...] = ()
    needs_subject: bool = False
    persons_with: str | None = None

    @property
    def name(self) -> str:
        """`type@revision`, as header `bus-contract` says it."""
        return f"{self.type}@{self.revision}"


@dataclass(slots=True)
class Version:
    """One value of one name: the control number that set it, its revision, the value (None: taken away)."""

    control: int
    revision: int
    value: Json


@dataclass(slots=True)
class Registry:
    """Every version of everything set, by `<kind>/<name>`."""

    stewards: tuple[str, ...]
    versions: dict[str, list[Version]] = field(default_factory=dict)
    last: int = 0

    def accept(self, body: Json, message_type: str) -> Version:
        """Put the next change in force and return it."""
        self.last += 1
        key, value = change_of(body, message_type)
        held = self.versions.setdefault(key, [])
        version = Version(self.last, len(held) + 1, value)
        held.append(version)
        return version

    def version(self, key: str, control: int) -> Version | None:
        """The version in force at a control number."""
        held = self.versions.get(key, [])
        index = bisect_right(held, control, key=lambda version: version.control)
        return held[index - 1] if index else None

    def value(self, key: str, control: int) -> Json:
        """The value in force at a control number, or None."""
        version = self.version(key, control)
        return None if version is None else version.value

    def is_registered(self, source: str, control: int) -> bool:
        """Whether this agent or person may speak at all."""
        if "/person/" in source and source in self.stewards:
            version = self.version(f"person/{source}", control)
            return version is None or version.value is not None
        return self.value(f"{kind_of(source)}/{source}", control) is not None

    def roles(self, source: str, control: int) -> tuple[str, ...]:
        """The sender's roles in force at a control number."""
        held = self.version(f"{kind_of(source)}/{source}", control)
        if held is None:
            return STEWARD_ROLES if source in self.stewards else ()
        return tuple(held.value["roles"]) if held.value else ()

    def lane(self, source: str, control: int) -> str | None:
        """The lane an agent is bound to; None for persons and strangers."""
        held = self.value(f"agent/{source}", control)
        return None if held is None else held["lane"]

    def is_suspended(self, source: str, control: int) -> bool:
        """Whether a standing rule stops this agent; persons are never stopped."""
        if "/agent/" not in source:
            return False
        names = ["suspended/all", f"suspended/agent/{source}"]
        names += [f"suspended/role/{role}" for role in self.roles(source, control)]
        return any(self.value(name, control) is not None for name in names)

    def contract(self, message_type: str, control: int) -> Contract | None:
        """The contract in force for a type, or None."""
        if message_type in BUILT_IN:
            return BUILT_IN[message_type]
        held = self.version(f"contract/{message_type}", control)
        return None if held is None or held.value is None else contract_of(held.value, held.revision)

    def contract_by_name(self, name: str) -> Contract:
        """The contract a `type@revision` names, whenever it was in force."""
        message_type, _, revision = name.rpartition("@")
        if message_type in BUILT_IN:
            return BUILT_IN[message_type]
        held = self.versions[f"contract/{message_type}"][int(revision) - 1]
        return contract_of(held.value, held.revision)

    def is_stale(self, body: Json, message_type: str, control: int) -> bool:
        """Whether a control message's base is not what is in force."""
        if message_type == "bus.control.set.v1":
            value = self.value(f"{body['kind']}/{body['name']}", control)
            return bool(body["base"] != (None if value is None else sha256(canonical(value))))
        if message_type == "bus.control.resume.v1":
            return self.value(select_key(body["select"]), control) is None
        return False


def change_of(body: Json, message_type: str) -> tuple[str, Json]:
    """Key and value a control message writes to `bus.control`."""
    if message_type == "bus.control.set.v1":
        return f"{body['kind']}/{body['name']}", body["value"]
    key = select_key(body["select"])
    return key, {"select": body["select"]} if message_type == "bus.control.suspend.v1" else None


def select_key(select: Json) -> str:
    """The key of a standing rule."""
    if "agent" in select:
        return f"suspended/agent/{select['agent']}"
    return f"suspended/role/{select['role']}" if "role" in select else "suspended/all"


def kind_of(source: str) -> str:
    """`agent` or `person`."""
    return "agent" if "/agent/" in source else "person"


def contract_of(value: Json, revision: int) -> Contract:
    """A contract from the value that was set."""
    terms = value["contract"]
    may = terms.get("may")
    return Contract(
        type=terms["type"],
        revision=revision,
        format=value["format"],
        schema=json.loads(value["schema"]),
        ids=tuple(value.get("ids", ())),
        guids=tuple(value.get("guids", ())),
        topic=terms.get("topic"),
        resource=terms.get("resource"),
        key=terms.get("key"),
        is_guarded=terms.get("guard", False),
        fact=terms.get("fact"),
        may=None if may is None else tuple(may),
        rules=tuple(terms.get("rules", ())),
        needs_subject="resource" in terms,
    )


def _object(required: list[str], **properties: Json) -> Json:
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


def _built_in(name: str, schema: Json, person_role: str | None = None) -> Contract:
    needs_subject = name.startswith("bus.resource.")
    return Contract(name, 1, schema=schema, needs_subject=needs_subject, persons_with=person_role)


_TOKEN = {"type": "integer"}
_EVIDENCE = {"type": "array", "items": _object(["uri", "sha256"], uri={"type": "string"}, sha256={"type": "string"})}
_SELECT = _object(["select", "reason"], select={"type": "object"}, reason=FREE_TEXT)
# Only what these tests send; a type of the bus that is not here is never sent.
BUILT_IN = {
    contract.type: contract
    for contract in (
        _built_in(
            "bus.resource.claim.v1",
            _object([], lease_ms={"type": "integer"}, reasoning=FREE_TEXT, evidence=_EVIDENCE),
        ),
        _built_in("bus.resource.renew.v1", _object(["token"], token=_TOKEN)),
        _built_in("bus.resource.release.v1", _object(["token"], token=_TOKEN, to={"type": "string"}, reason=FREE_TEXT)),
        _built_in("bus.resource.revoke.v1", _object(["reason"], reason=FREE_TEXT), "operator"),
        _built_in(
            "bus.control.set.v1",
            _object(
                ["kind", "name", "value", "base"],
                kind={"enum": ["lane", "agent", "person", "contract", "terms"]},
                name={"type": "string"},
                value={"type": ["object", "null"]},
                base={"type": ["string", "null"]},
            ),
            "steward",
        ),
        _built_in("bus.control.suspend.v1", _SELECT, "operator"),
        _built_in("bus.control.resume.v1", _SELECT, "operator"),
    )
}

# The rules these tests register, by their CEL text, said once more in Python (no CEL here). Arguments: body, at.
RULES: dict[str, Callable[[Json, int], bool]] = {
    "discount_bp > 5000": lambda body, at: body["discount_bp"] > 5000,
    "discount_bp > 4000": lambda body, at: body["discount_bp"] > 4000,
    "discount_bp > 10": lambda body, at: body["discount_bp"] > 10,
    "window_end_ms <= window_start_ms": lambda body, at: body["window_end_ms"] <= body["window_start_ms"],
    "window_start_ms < bus.at": lambda body, at: body["window_start_ms"] < at,
}


def broken_rules(contract: Contract, body: Json, at_ms: int) -> list[str]:
    """Ids of the contract's rules that refuse this body; rules in `shadow` only count."""
    refusing = [rule for rule in contract.rules if rule["do"] == "refuse"]
    return sorted(rule["id"] for rule in refusing if RULES[rule["when"]](body, at_ms))
