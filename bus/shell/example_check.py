"""Tries a contract's own examples on it, without a Kafka: what is valid must pass, what is not must fail as it says."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bus.core.policy.contracts import Violation
from bus.shell.validation import CompiledContract, Rejected

ARRIVAL_MS = 1_795_255_330_000  # 21 November 2026, as schemas/README.md says
SENDER = "spiffe://acme/agent/example"


@dataclass(frozen=True, slots=True)
class Example:
    """An example file: the message, and the reason it is refused with ("" if it is not)."""

    path: Path
    value: bytes
    reason: str
    headers: Mapping[str, str] = field(default_factory=dict)
    at_ms: int = ARRIVAL_MS


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of an example."""

    example: Example
    reason: str
    violations: tuple[Violation, ...]

    @property
    def is_as_said(self) -> bool:
        """Did the example do what its file name says?"""
        return self.reason == self.example.reason


def try_examples(contract: CompiledContract, folder: Path) -> Iterator[Tried]:
    """Every example of a contract's folder; raises ValueError, naming the file, if one is no example."""
    for path in sorted((folder / "examples").rglob("*.json")):
        example = _read(path)
        answer = _judge(contract, example)
        if isinstance(answer, Rejected):
            yield Tried(example, answer.reason.value, answer.violations)
        else:
            yield Tried(example, "", ())


def _read(path: Path) -> Example:
    stem = path.name.removesuffix(".json").removesuffix(".message")
    reason = stem.partition("-")[0] if path.parent.name == "invalid" else ""
    if not path.name.endswith(".message.json"):
        return Example(path, path.read_bytes(), reason)
    try:
        said: dict[str, Any] = json.loads(path.read_bytes())  # Any: JSON
        value = said["text"].encode() if "text" in said else json.dumps(said["body"]).encode()
        return Example(path, value, reason, said.get("headers", {}), int(said.get("at", ARRIVAL_MS)))
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise ValueError(f"{path} describes no message: give it a body or a text (schemas/README.md)") from error


def _judge(contract: CompiledContract, example: Example) -> object:
    headers = example.headers
    named = [bytes.fromhex(headers["__value_schema_id"])] if "__value_schema_id" in headers else []
    default = "application/avro" if contract.contract.format == "avro" else "application/json"
    return contract.judge(
        example.value,
        content_type=headers.get("content-type", default),
        dataschema=headers.get("ce_dataschema", ""),
        schema_id_headers=named,
        subject=headers.get("ce_subject", ""),
        source=headers.get("ce_source", SENDER),
        at=example.at_ms,
    )
