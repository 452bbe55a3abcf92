"""Reads the examples that every contract brings along, and sends them through it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from bus.core.policy.contracts import Contract, Violation, contract_from_json
from bus.shell.catalogue import catalogue_root, read_catalogue
from bus.shell.validation import Accepted, CompiledContract, Rejected, compile_contract

ROOT = catalogue_root()
ARRIVAL_MS = 1_795_255_330_000  # 21 November 2026, as schemas/README.md says
SALES = "spiffe://acme/agent/sales-1"


@dataclass(frozen=True, slots=True)
class Example:
    """One example file: what is sent, and what must come of it ("" for accepted)."""

    name: str
    type: str
    value: bytes
    reason: str
    headers: Mapping[str, str] = field(default_factory=dict)
    at_ms: int = ARRIVAL_MS


@cache
def contracts() -> Mapping[str, CompiledContract]:
    """Every contract of the tree, compiled."""
    values = {**read_catalogue(is_built_in=True).contracts, **read_catalogue().contracts}
    return {name: compile_contract(contract_from_json(value, 1)) for name, value in values.items()}


@cache
def folders() -> Mapping[str, Path]:
    """The folder of every contract of the tree."""
    return {**read_catalogue(is_built_in=True).folders, **read_catalogue().folders}


def examples() -> Iterator[Example]:
    """Every example of the tree."""
    for message_type, folder in folders().items():
        for path in sorted((folder / "examples").rglob("*.json")):
            yield _example(message_type, path)


def _example(message_type: str, path: Path) -> Example:
    stem = path.name.removesuffix(".json").removesuffix(".message")
    reason = stem.partition("-")[0] if path.parent.name == "invalid" else ""
    name = f"{message_type} {path.parent.name}/{path.name}"
    if not path.name.endswith(".message.json"):
        return Example(name, message_type, path.read_bytes(), reason)
    said = json.loads(path.read_bytes())
    value = said["text"].encode() if "text" in said else json.dumps(said["body"]).encode()
    return Example(name, message_type, value, reason, said.get("headers", {}), said.get("at", ARRIVAL_MS))


def send(example: Example) -> Accepted | Rejected:
    """Judge an example as the gate would."""
    headers = example.headers
    named = [bytes.fromhex(headers["__value_schema_id"])] if "__value_schema_id" in headers else []
    return contracts()[example.type].judge(
        example.value,
        content_type=headers.get("content-type", "application/json"),
        dataschema=headers.get("ce_dataschema", ""),
        schema_id_headers=named,
        subject=headers.get("ce_subject", ""),
        source=headers.get("ce_source", SALES),
        at=example.at_ms,
    )


def judged(message_type: str, body: object) -> Accepted | Rejected:
    """Judge a body by the contract of a type in the tree."""
    return send(Example("", message_type, json.dumps(body).encode(), ""))


def contract_of(schema: object, **parts: Any) -> Contract:  # Any: fields of a contract
    """A contract of one's own."""
    text = schema if isinstance(schema, str) else json.dumps(schema)
    return Contract(**{"type": "tests.thing.do.v1", "revision": 3, "format": "json", "schema": text, **parts})


def judge_with(
    contract: Contract,
    value: object,
    *,
    content_type: str = "application/json",
    dataschema: str = "",
    schema_id_headers: tuple[bytes, ...] = (),
    at: int = ARRIVAL_MS,
) -> Accepted | Rejected:
    """Judge a body (bytes, or what JSON can say) by a contract of one's own."""
    body = value if isinstance(value, bytes) or value is None else json.dumps(value).encode()
    return compile_contract(contract).judge(
        body,
        content_type=content_type,
        dataschema=dataschema,
        schema_id_headers=schema_id_headers,
        subject="lead/L-1",
        source=SALES,
        at=at,
    )


def reason_of(answer: Accepted | Rejected) -> str:
    """The reason given, "" if accepted."""
    return answer.reason.value if isinstance(answer, Rejected) else ""


def violations_of(answer: Accepted | Rejected) -> tuple[Violation, ...]:
    """The violations given."""
    return answer.violations if isinstance(answer, Rejected) else ()


def places(answer: Accepted | Rejected) -> list[tuple[str, str]]:
    """Path and keyword of every violation."""
    return [(one.path, one.keyword) for one in violations_of(answer)]


def _bodies_by_type() -> dict[str, list[Any]]:  # Any: JSON
    found: dict[str, list[Any]] = {}
    for example in examples():
        if example.reason in ("", "schema_violation", "rule_violation"):
            found.setdefault(example.type, []).append(json.loads(example.value))
    return found


EXAMPLES_BY_TYPE = _bodies_by_type()
